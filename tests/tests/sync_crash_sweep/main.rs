//! Crash sweeps over the locks: a process is killed at every instruction of every operation.
//!
//! `IPCRAFT_SWEEP` and the day choose the positions: see `ipcraft_tests::crash_sweep`.

mod barrier;
mod common;
mod condvar;
mod creation;
mod event;
mod futex_pi;
#[cfg(target_env = "gnu")]
mod glibc;
mod initialization;
mod mutex;
mod once;
mod rwlock;
mod semaphore;

use std::process::ExitCode;

use ipcraft_tests::in_processes;

fn main() -> ExitCode {
    let mut tests = mutex::tests();
    tests.extend(rwlock::tests());
    tests.extend(condvar::tests());
    tests.extend(semaphore::tests());
    tests.extend(barrier::tests());
    tests.extend(once::tests());
    tests.extend(event::tests());
    tests.extend(futex_pi::tests());
    tests.extend(initialization::tests());
    tests.extend(creation::tests());
    #[cfg(target_env = "gnu")]
    tests.extend(glibc::tests());
    in_processes::run(tests, 1)
}
