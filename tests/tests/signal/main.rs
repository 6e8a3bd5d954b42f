//! The behaviour of signals, and every error of the module's table that a test can provoke.

mod c;
mod descriptor;
mod handlers;
mod inheritance;
mod limits;
mod sending;
mod waiting;

use std::process::ExitCode;

use ipcraft::Pid;
use ipcraft::signal::Signal;
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite;

fn main() -> ExitCode {
    suite::main()
}

/// Returns the n-th realtime signal.
fn rt(n: u32) -> Signal {
    Signal::realtime(n).expect("a realtime signal")
}

/// Runs the role in a child: its one thread gets all signals, and a fatal signal ends only this
/// test.
fn in_child(role: impl FnOnce()) {
    Peer::start(role).join();
}

/// Queues a signal to this process.
fn queue_to_self(signal: Signal, value: i32) {
    ipcraft::signal::queue(Pid::current(), signal, value).expect("sigqueue");
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}
