#!/usr/bin/env bash
# Checks the dependencies with cargo-deny: known vulnerabilities, licenses, sources, banned crates.
# The rules are in deny.toml.
#
# Skipped without cargo-deny, or if the database of advisories cannot be fetched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! cargo deny --version >/dev/null 2>&1; then
  echo "skipped: needs cargo-deny (cargo install cargo-deny --locked)"
  exit 0
fi

cargo deny --locked check bans licenses sources

if cargo deny --locked fetch db >/dev/null 2>&1; then
  exec cargo deny --locked check --disable-fetch advisories
fi
echo "skipped: advisories (the database cannot be fetched)"
