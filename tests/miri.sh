#!/usr/bin/env bash
# Runs the rings of the channels over memory of the heap under Miri, which finds accesses outside of it, references that
# must not exist at the same time, and data that threads use without order.
#
# It takes a nightly toolchain with Miri; without it this is skipped. Mappings, descriptors and sleeping it does not know:
# so only what the rings do with memory is run, without ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! cargo +nightly miri --version >/dev/null 2>&1; then
  echo "skipped: needs a nightly toolchain with Miri (rustup toolchain install nightly --component miri,rust-src)"
  exit 0
fi

# Built apart, so that what is built without it stays.
exec cargo +nightly miri test --locked --package ipcraft --lib --target-dir target/miri channel::tests::miri:: -- "$@"
