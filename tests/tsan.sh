#!/usr/bin/env bash
# Runs the tests in which threads use the locks under ThreadSanitizer, which finds data that is used without order.
#
# It has to see the standard library's code as well, so it takes a nightly toolchain with rust-src; without it this is
# skipped. What several processes do it cannot see, nor what the kernel stores: so only tests whose data a mutex of the
# C library orders are run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! sysroot=$(rustc +nightly --print sysroot 2>/dev/null) || [[ ! -d $sysroot/lib/rustlib/src/rust/library ]]; then
  echo "skipped: needs a nightly toolchain with rust-src (rustup toolchain install nightly --component rust-src)"
  exit 0
fi

target=$(rustc +nightly --version --verbose | sed -n 's/^host: //p')
export RUSTFLAGS="${RUSTFLAGS:-} -Zsanitizer=thread"
exec cargo +nightly test -Zbuild-std --target "$target" --target-dir target/tsan --locked \
  --package ipcraft-tests --test sync -- thread
