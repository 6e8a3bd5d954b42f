#!/usr/bin/env bash
# Runs the models of the locks and the channels under a model checker: all interleavings of a few threads, with at most so many
# preemptions (LOOM_MAX_PREEMPTIONS; 3 if not said otherwise).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-3}
# What the checker stands in for is not used then.
export RUSTFLAGS="${RUSTFLAGS:-} --cfg loom --allow dead_code"
# Built apart, so that what is built without the checker stays.
exec cargo test --release --locked --package ipcraft --lib --target-dir target/loom model:: "$@"
