//! The contract of the locks between processes: what the next owner receives when an owner dies,
//! and what a death leaves unchanged.

mod barrier;
mod condvar;
mod contention;
mod crash;
mod event;
mod fixture;
mod fork;
mod held_locks;
mod inconsistent;
mod limits;
mod live_owner;
mod memory_lifetime;
mod once;
mod overhead;
mod pid_namespace;
mod raw_clone;
mod rwlock;
mod self_deadlock;
mod semaphore;
mod timeouts;

use std::process::ExitCode;

use ipcraft_tests::suite;

fn main() -> ExitCode {
    suite::main()
}
