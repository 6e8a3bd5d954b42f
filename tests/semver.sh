#!/usr/bin/env bash
# Compares the public API of the library with that of the last release, and fails if the version
# number does not permit the difference (cargo-semver-checks). The last release is the newest tag
# `v*`.
#
# Skipped without cargo-semver-checks, or before the first release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! cargo semver-checks --version >/dev/null 2>&1; then
  echo "skipped: needs cargo-semver-checks (cargo install cargo-semver-checks --locked)"
  exit 0
fi
if ! release=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null); then
  echo "skipped: there is no release yet (a tag v* in the history of this commit)"
  exit 0
fi

exec cargo semver-checks check-release --package ipcraft --baseline-rev "$release"
