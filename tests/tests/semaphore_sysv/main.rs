//! System V semaphores: the contract of the module page, and each row of its errno table that can
//! be provoked.

mod creation;
mod half_made;
mod interop;
mod limits;
mod operations;
mod permissions;
mod rights;
mod undo;
mod values;
mod waiting;

use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use ipcraft::semaphore::sysv::{Options, SemaphoreSet};
use ipcraft::sysv::Key;
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::namespace;
use ipcraft_tests::suite;

fn main() -> ExitCode {
    namespace::enter_own_ipc();
    suite::main()
}

/// A key that no other process uses.
fn unique_key() -> Key {
    static COUNTER: AtomicI32 = AtomicI32::new(0);
    let pid = process::id() as i32;
    Key::new(0x4000_0000 | pid << 8 | (COUNTER.fetch_add(1, Relaxed) & 0xff))
}

/// A private set, removed on drop.
fn set(values: &[u16]) -> SemaphoreSet {
    Options::new().remove_on_drop(true).create_new(Key::PRIVATE, values).expect("a set")
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}
