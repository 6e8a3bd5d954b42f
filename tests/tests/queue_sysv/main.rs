//! System V message queues: the contract of the module page, and each row of its errno table that
//! can be provoked.

mod c;
mod control;
mod identity;
mod keys;
mod limits;
mod messages;
mod removal;
mod rights;
mod selection;
mod too_large;
mod waiting;

use std::process::ExitCode;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use ipcraft::queue::sysv::{Options, Queue};
use ipcraft::sysv::Key;
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::namespace;
use ipcraft_tests::suite;

fn main() -> ExitCode {
    namespace::enter_own_ipc();
    suite::main()
}

/// A private queue, removed on drop.
fn queue() -> Queue {
    Options::new().remove_on_drop(true).create_new(Key::PRIVATE).expect("a queue")
}

/// A key that no other process uses: its low 22 bits are the process id.
fn fresh_key() -> Key {
    static COUNTER: AtomicI32 = AtomicI32::new(1);
    let process = i32::try_from(std::process::id()).expect("a process id");
    Key::new(COUNTER.fetch_add(1, Relaxed) << 22 | process)
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}
