#!/usr/bin/env bash
# Runs the models of the locks and channels under a model checker: all interleavings of a few
# threads with a bounded number of preemptions. LOOM_MAX_PREEMPTIONS sets the bound; the default is
# 3 for the locks, and 2 for the channels, whose models have many more steps.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The checker replaces parts of the library, which are then unused.
export RUSTFLAGS="${RUSTFLAGS:-} --cfg loom --allow dead_code"
# A target folder of its own keeps the other builds valid.
run() {
  LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-$1} \
    cargo test --release --locked --package ipcraft --lib --target-dir target/loom "${@:2}"
}
run 3 sync::tests::loom:: -- "$@"
run 2 channel::tests::loom:: -- "$@"
