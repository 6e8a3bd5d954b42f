//! Test and set by one instruction, and the lock of the library.

use std::sync::atomic::Ordering::{Acquire, Release};

use super::{Algorithm, BASE, Waiting};

pub(super) const SPIN: Algorithm =
    test_and_set("tsl", "test and set by an atomic exchange; a process that waits spins", Waiting::Spin);

pub(super) const YIELD: Algorithm =
    test_and_set("tsl-yield", "test and set; a process that waits yields its core", Waiting::Yield);

pub(super) const MUTEX: Algorithm = Algorithm {
    id: "mutex",
    summary: "the library's mutex; a process that waits sleeps in the kernel",
    waiting: Waiting::Kernel,
    ..BASE
};

const fn test_and_set(id: &'static str, summary: &'static str, waiting: Waiting) -> Algorithm {
    Algorithm {
        id,
        summary,
        may_enter: |variables, _| variables.lock().swap(1, Acquire) == 0,
        leave: |variables, _| variables.lock().store(0, Release),
        waiting,
        ..BASE
    }
}
