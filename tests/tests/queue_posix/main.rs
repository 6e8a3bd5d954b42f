//! POSIX message queues: the contract of the module page, and each row of its errno table that can
//! be provoked.

mod c;
mod handles;
mod limits;
mod messages;
mod names;
mod notification;
mod removal;
mod waiting;

use std::process::ExitCode;

use ipcraft::queue::posix::{Options, Queue};
use ipcraft::{ErrorKind, Result, name};
use ipcraft_tests::namespace;
use ipcraft_tests::suite;

fn main() -> ExitCode {
    namespace::enter_own_ipc();
    suite::main()
}

fn fresh_name() -> String {
    format!("/{}", name::unique("ipcraft-tests"))
}

/// A queue for 4 messages of up to 64 bytes, removed on drop.
fn small_queue() -> (Queue, String) {
    let name = fresh_name();
    (small().remove_on_drop(true).create_new(&name).expect("a queue"), name)
}

fn small() -> Options {
    Options::new().capacity(4).message_size(64)
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}
