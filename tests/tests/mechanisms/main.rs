//! The tests that every mechanism must pass: what the mechanisms share and, asserted too, where
//! they differ.
//!
//! The name of a test is mechanism and behaviour. So `cargo test -p ipcraft-tests --test mechanisms
//! -- fifo` runs the tests of one mechanism, and `-- peer_killed` one behaviour of all.

mod closing;
mod inheritance;
mod room;
mod transfer;
mod waiting;

use std::process::ExitCode;

use ipcraft_tests::namespace::enter_own_ipc;
use ipcraft_tests::scratch;
use ipcraft_tests::subject::{Ends, Release, SUBJECTS, Subject};
use ipcraft_tests::suite;

/// A behaviour, checked on a mechanism; the second argument makes fresh connections of it.
type Check = fn(&Subject, &dyn Fn() -> Ends);

const BEHAVIOURS: &[(&str, Check)] = &[
    ("messages_arrive_in_order", transfer::order),
    ("empty_message_arrives_or_is_ignored", transfer::nothing),
    ("messages_reach_another_process", transfer::two_processes),
    ("send_when_full_waits_or_returns_full", room::full),
    ("recv_when_empty_waits_or_returns_empty", room::empty),
    ("message_that_is_too_large_is_refused", room::too_large),
    ("peer_closed_ends_stream", closing::peer_closed),
    ("peer_killed_ends_blocked_recv", closing::peer_killed_while_receiving),
    ("peer_killed_ends_blocked_send", closing::peer_killed_while_sending),
    ("timeout_expires_and_changes_nothing", waiting::timeout),
    ("fork_shares_endpoints", inheritance::fork),
    ("exec_inherits_no_descriptor", inheritance::close_on_exec),
];

fn main() -> ExitCode {
    enter_own_ipc();
    let tests = SUBJECTS
        .iter()
        .flat_map(|subject| BEHAVIOURS.iter().map(move |&(name, check)| (subject, name, check)))
        .map(|(subject, name, check)| {
            suite::test(format!("{}_{name}", subject.name), move || run(subject, check))
        })
        .collect();
    suite::main_with(tests)
}

fn run(subject: &Subject, check: Check) {
    let _release = Release;
    let connect = || {
        let directory = scratch::directory();
        // The endpoints outlive their names, which a connection no longer needs.
        (subject.connect)(directory.path())
    };
    check(subject, &connect);
}
