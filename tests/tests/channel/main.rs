//! What channels in shared memory promise to processes, also when a peer is killed.

mod broadcast;
mod bytes;
mod every_kind;
mod instructions;
mod latest;
mod liveness;
mod mpmc;
mod mpmc_crash_stress;
mod observer;
mod reactor;
mod request;
mod spsc;
mod tally;

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use ipcraft::time::Deadline;
use ipcraft::{ErrorKind, name};
use ipcraft_tests::suite;
use ipcraft_tests::time::LONG_TIMEOUT;

/// A name that no other test uses.
fn fresh() -> String {
    format!("/{}", name::unique("ipcraft-channel"))
}

/// Tries again until a replacement for a killed peer has connected.
fn once_replaced<R, E: std::fmt::Debug>(
    mut attempt: impl FnMut() -> Result<R, E>,
    kind: fn(&E) -> ErrorKind,
) -> R {
    let deadline = Deadline::after(LONG_TIMEOUT);
    loop {
        match attempt() {
            Err(e) if kind(&e) == ErrorKind::Disconnected && !deadline.has_passed() => {
                sleep(Duration::from_millis(1));
            }
            result => return result.unwrap(),
        }
    }
}

fn main() -> ExitCode {
    suite::main()
}
