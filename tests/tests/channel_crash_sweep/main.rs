//! The channels, with a process killed at every instruction of every operation.
//!
//! What is sent is numbered, and what has been sent and received with success is written down in memory of its own right
//! after: so after each kill it is known what may not be lost, and what may not come twice.
//!
//! `IPCRAFT_SWEEP=all` tries every position, but for operations of many instructions, and those that sleep: of these it
//! takes every third, seventh and so on, as each report says. Otherwise a 23rd of that is tried.

mod broadcast;
mod bytes;
mod creation;
mod latest;
mod ledger;
mod link;
mod mpmc;
mod receivers;
mod request;
mod seats;
mod senders;
mod spsc;
mod survivor;

use std::process::ExitCode;

use ipcraft_tests::in_processes;

fn main() -> ExitCode {
    let mut tests = spsc::tests();
    tests.extend(mpmc::tests());
    tests.extend(bytes::tests());
    tests.extend(broadcast::tests());
    tests.extend(latest::tests());
    tests.extend(request::tests());
    in_processes::run(tests)
}
