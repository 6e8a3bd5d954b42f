#!/usr/bin/env bash
# Runs the threaded tests of the locks under ThreadSanitizer, which finds data races.
#
# Skipped without a nightly toolchain with rust-src, because the standard library must be
# instrumented too. ThreadSanitizer sees neither other processes nor the kernel's stores. So only
# tests run whose data is ordered by a mutex of the C library.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! sysroot=$(rustc +nightly --print sysroot 2>/dev/null) || [[ ! -d $sysroot/lib/rustlib/src/rust/library ]]; then
  echo "skipped: needs a nightly toolchain with rust-src (rustup toolchain install nightly --component rust-src)"
  exit 0
fi

target=$(rustc +nightly --version --verbose | sed -n 's/^host: //p')
export RUSTFLAGS="${RUSTFLAGS:-} -Zsanitizer=thread"
exec cargo +nightly test -Zbuild-std --target "$target" --target-dir target/tsan --locked \
  --package ipcraft-tests --test sync_threads
