#!/usr/bin/env bash
# Runs the models of the locks, the channels and the lab's algorithms under a model checker: all
# interleavings of a few threads with a bounded number of preemptions. LOOM_MAX_PREEMPTIONS sets the
# bound; the default is 2 for the channels, whose models have many steps, and 3 for the others.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The checker replaces parts of the library, which are then unused.
export RUSTFLAGS="${RUSTFLAGS:-} --cfg loom --allow dead_code"
# A target folder of its own keeps the other builds valid.
run() {
  LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-$1} \
    cargo test --release --locked --target-dir target/loom "${@:2}"
}
run 3 --package ipcraft --lib sync::tests::loom:: -- "$@"
run 2 --package ipcraft --lib channel::tests::loom:: -- "$@"
# The algorithms of the lab, of which those without fences have to be found wrong.
run 3 --package ipcraft-lab --test loom -- "$@"
