#!/usr/bin/env bash
# Runs the rings of the channels in heap memory under Miri, which finds out-of-bounds accesses,
# invalid references, and data races.
#
# Skipped without a nightly toolchain with Miri. Miri supports no mappings, descriptors or futexes,
# so only the rings' memory accesses are run, without endpoints.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! cargo +nightly miri --version >/dev/null 2>&1; then
  echo "skipped: needs a nightly toolchain with Miri (rustup toolchain install nightly --component miri,rust-src)"
  exit 0
fi

# A target folder of its own keeps the other builds valid.
exec cargo +nightly miri test --locked --package ipcraft --lib --target-dir target/miri channel::tests::miri:: -- "$@"
