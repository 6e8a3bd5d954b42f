#!/usr/bin/env bash
# Runs the models of the locks and channels under a model checker: all interleavings of a few threads, with at most so many
# preemptions (LOOM_MAX_PREEMPTIONS; if not said otherwise 3 for the locks and 2 for the channels, whose steps are many more).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What the checker stands in for is not used then.
export RUSTFLAGS="${RUSTFLAGS:-} --cfg loom --allow dead_code"
# Built apart, so that what is built without the checker stays.
run() {
  LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-$1} \
    cargo test --release --locked --package ipcraft --lib --target-dir target/loom "${@:2}"
}
run 3 sync::tests::loom:: -- "$@"
run 2 channel::tests::loom:: -- "$@"
