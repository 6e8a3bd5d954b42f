//! Tests of pipes, FIFOs and sockets that fork, or change the umask or a limit of the process.

mod fifo;
mod fifo_names;
mod limits;
mod lost_rights;
mod processes;
mod sigpipe;
mod socket;

use std::process::ExitCode;

use ipcraft::pipe::{Reader, Writer, pipe};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::suite;

fn main() -> ExitCode {
    suite::main()
}

fn ends() -> (Reader, Writer) {
    pipe().expect("a pipe")
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("an error").kind()
}
