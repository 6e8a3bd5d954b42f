//! The cost of locking and unlocking without contention: no system call, and at most [`ALLOWANCE`]
//! more instructions per call than the robust mutex of the C library, on which the locks stand.

use std::process::ExitCode;

use ipcraft_bench::{Endpoints, Implementation, Mechanism, Workload, find, mechanisms};
use ipcraft_tests::scratch;
use ipcraft_tests::step::{self, Trace};
use ipcraft_tests::suite::{self, Outcome, serial_test};

/// The instructions beyond a direct call of libc that a call of the library may take.
const ALLOWANCE: i64 = 30;

/// A lock and an unlock.
const CALLS: i64 = 2;

/// Locks that take a single lock of the C library.
const THIN: &[&str] = &["sync_mutex", "sync_rwlock_read"];

fn main() -> ExitCode {
    suite::main()
}

#[serial_test]
fn lock_and_unlock_are_thin_and_make_no_system_call() -> Outcome {
    if step::overhead() == Err(step::REFUSED) {
        return Outcome::Skipped("this system does not allow ptrace(2)".into());
    }
    let robust = trace(find("sync_mutex").expect("a mutex"), Implementation::Baseline).instructions as i64;
    println!("\nlock and unlock    plain mutex     raw  ipcraft  system calls of raw");
    for lock in mechanisms().iter().filter(|mechanism| mechanism.workloads == Workload::LOCKS) {
        let ours = trace(lock, Implementation::Ipcraft);
        print(lock, &ours);
        assert!(ours.system_calls.is_empty(), "{} calls the system: {:?}", lock.id, ours.system_calls);
        let more = ours.instructions as i64 - robust;
        let thin = more <= CALLS * ALLOWANCE || !THIN.contains(&lock.id);
        assert!(thin, "{} is not thin: {more} instructions more than a robust mutex", lock.id);
    }
    Outcome::Passed
}

/// Without what the measuring costs: but with the call through a table, and the change of what is
/// guarded, that all have.
fn print(lock: &Mechanism, ours: &Trace) {
    let overhead = step::overhead().expect("tracing works");
    let [plain, raw] = [Implementation::Plain, Implementation::Baseline].map(|who| trace(lock, who));
    let [plain, others, ours] = [&plain, &raw, ours].map(|trace| trace.instructions - overhead);
    println!("{:<20} {plain:9} {others:7} {ours:8}  {}", lock.id, raw.system_calls.len());
}

fn trace(lock: &Mechanism, who: Implementation) -> Trace {
    let connect = lock.connect(who).expect("all implementations");
    let mut ends = connect(scratch::directory().path()).unwrap_or_else(|e| panic!("{}: {e}", lock.id));
    // What goes with the ends is this process's, and not the child's.
    let _resources = ends.resources.take();
    let Endpoints { mut client, .. } = ends;
    let operation = move || client.send(&[]).expect("the lock is free");
    step::trace(operation).unwrap_or_else(|e| panic!("{}: {e}", lock.id))
}
