//! One list of tests for every mechanism: what they share, and, asserted too, where they differ.
//!
//! The tests are named after mechanism and behaviour, so that `cargo test -p ipcraft-tests fifo::` runs one mechanism's
//! and `cargo test -p ipcraft-tests ::peer_killed` one behaviour of all.

mod closing;
mod inheritance;
mod room;
mod transfer;
mod waiting;

use std::process::ExitCode;

use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::namespace::enter_own_ipc;
use ipcraft_tests::scratch;
use ipcraft_tests::subject::{Ends, Release, SUBJECTS, Subject};
use ipcraft_tests::suite;

/// A behaviour, checked on a mechanism; the second argument makes fresh connections of it.
type Check = fn(&Subject, &dyn Fn() -> Ends);

const BEHAVIOURS: &[(&str, Check)] = &[
    ("order", transfer::order),
    ("nothing", transfer::nothing),
    ("two_processes", transfer::two_processes),
    ("full", room::full),
    ("empty", room::empty),
    ("too_large", room::too_large),
    ("peer_closed", closing::peer_closed),
    ("peer_killed_while_receiving", closing::peer_killed_while_receiving),
    ("peer_killed_while_sending", closing::peer_killed_while_sending),
    ("timeout", waiting::timeout),
    ("fork", inheritance::fork),
    ("close_on_exec", inheritance::close_on_exec),
];

fn main() -> ExitCode {
    enter_own_ipc();
    let before = Snapshot::take();
    let mut tests: Vec<_> = SUBJECTS
        .iter()
        .flat_map(|subject| BEHAVIOURS.iter().map(move |&(name, check)| (subject, name, check)))
        .map(|(subject, name, check)| {
            suite::test(format!("{}::{name}", subject.name), move || run(subject, check))
        })
        .collect();
    tests.push(suite::nothing_is_left_behind(before));
    suite::run(tests)
}

fn run(subject: &Subject, check: Check) {
    let _release = Release;
    let connect = || {
        let directory = scratch::directory();
        // The ends outlive their names: what is connected needs them no more.
        (subject.connect)(directory.path())
    };
    check(subject, &connect);
}
