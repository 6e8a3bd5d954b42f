//! POSIX semaphores: the contract of the module page, and each row of its errno table that can be
//! provoked.

mod counting;
mod half_made;
mod hostile_files;
mod interop;
mod memory;
mod names;
mod waiting;

use std::path::PathBuf;
use std::process::ExitCode;

use ipcraft::semaphore::posix::{Options, Semaphore};
use ipcraft::{ErrorKind, Result, name};
use ipcraft_tests::suite;

/// The maximum value of a semaphore.
const MAX_VALUE: u32 = i32::MAX as u32;

fn main() -> ExitCode {
    suite::main()
}

/// A name that the leak check recognizes.
fn unique() -> String {
    format!("/{}", name::unique("ipcraft-tests"))
}

/// The file of a semaphore.
fn file(name: &str) -> PathBuf {
    format!("/dev/shm/sem.{}", &name[1..]).into()
}

/// A named semaphore, removed on drop.
fn semaphore(value: u32) -> Semaphore {
    Options::new().remove_on_drop(true).create_new(unique(), value).expect("a semaphore")
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}
