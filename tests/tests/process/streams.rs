//! Starting children while standard streams are closed, so that other descriptors get their
//! numbers.

use std::fs::File;
use std::io::Read;
use std::os::fd::RawFd;
use std::process::{Command, Stdio};

use ipcraft::ErrorKind;
use ipcraft::pipe;
use ipcraft::process::{CommandExt, Inherit};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;

use crate::{assert_success, open_numbers, role};

/// Runs the role in a child without these streams, for each choice that matters.
fn with_closed_streams(role: impl Fn(&[RawFd])) {
    for closed in [&[0][..], &[1], &[2], &[0, 1], &[1, 2], &[0, 1, 2]] {
        Peer::start(|| {
            for &number in closed {
                // SAFETY: because this child alone has the streams, and std only uses their
                // numbers.
                unsafe { libc::close(number) };
            }
            role(closed);
        })
        .join();
    }
}

/// The same command with its streams inherited, and with one that std places.
fn commands(name: &str) -> [Command; 2] {
    let (mut inheriting, mut placing) = (role(name), role(name));
    inheriting.stdout(Stdio::inherit());
    placing.stdin(Stdio::null()).stderr(Stdio::null());
    [inheriting, placing]
}

#[serial_test]
fn descriptors_with_numbers_of_closed_streams_reach_the_child() {
    with_closed_streams(|closed| {
        let before = open_numbers();
        for mut command in commands("take") {
            let (request, ask) = pipe::pipe().unwrap();
            let (mut answered, answer) = pipe::pipe().unwrap();
            let inherit = Inherit::new().named("request", request).numbered(40, answer);
            let child = command.spawn_inheriting(inherit).unwrap();
            ask.write_all(b"shout").unwrap();
            drop(ask);
            let mut text = String::new();
            answered.read_to_string(&mut text).unwrap();
            assert_eq!(text, "SHOUT", "{closed:?}");
            assert_success(child);
        }
        assert_eq!(open_numbers(), before, "{closed:?}");
    });
}

#[serial_test]
fn pidfd_and_exact_descriptors_arrive_while_streams_are_closed() {
    with_closed_streams(|closed| {
        for mut command in commands("report") {
            let (mut reported, report) = pipe::pipe().unwrap();
            let (child, pidfd) = command.spawn_pidfd(Inherit::new().named("report", report)).unwrap();
            assert_eq!(pidfd.pid().unwrap(), ipcraft::Pid::from(&child), "{closed:?}");
            let mut text = String::new();
            reported.read_to_string(&mut text).unwrap();
            let (numbers, own) = text.trim().split_once(" report=").unwrap();
            assert_eq!(numbers, format!("[{own}]"), "{closed:?}");
            assert!(pidfd.wait().unwrap().status().unwrap().success(), "{closed:?}");
        }
    });
}

#[serial_test]
fn missing_program_is_reported_while_streams_are_closed() {
    with_closed_streams(|closed| {
        // std clones a file to a number above those of the streams.
        let null = || Stdio::from(File::open("/dev/null").unwrap().try_clone().unwrap());
        for stdin in [Stdio::inherit(), null()] {
            let mut command = Command::new("/no/such/program");
            command.stdin(stdin).stdout(null()).stderr(null());
            let error = command.spawn_inheriting(Inherit::new()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{closed:?}: {error}");
        }
    });
}
