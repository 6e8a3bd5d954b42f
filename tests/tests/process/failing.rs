//! Children that cannot be started, in processes that reap children in other ways.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use ipcraft::process::{CommandExt, Exit, Inherit};
use ipcraft::{ErrorKind, pipe};
use ipcraft_tests::old_kernel::{Rule, with_rules};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::scratch;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::{as_unprivileged, skipped_unless_root};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};

use crate::open_numbers;

extern "C" fn ignore(_: i32) {}

fn set_sigchld(handler: SigHandler, flags: SaFlags) {
    let action = SigAction::new(handler, flags, SigSet::empty());
    // SAFETY: because neither action runs code that could break anything.
    unsafe { sigaction(Signal::SIGCHLD, &action) }.unwrap();
}

/// Asserts that each start that fails returns its errno, and leaves nothing.
fn assert_failures_are_reported() {
    let directory = scratch::directory();
    let script = directory.path().join("script");
    fs::write(&script, "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let before = open_numbers();
    let missing = || Command::new("/no/such/program");
    let long = |mut command: Command| {
        command.args(vec!["x".repeat(100_000); 100]);
        command
    };
    for (mut command, errno) in [
        (missing(), Errno::ENOENT),
        (Command::new("/etc/passwd"), Errno::EACCES),
        (Command::new(&script), Errno::ENOENT),
        (long(Command::new("/bin/true")), Errno::E2BIG),
    ] {
        for _ in 0..20 {
            let error = command.spawn_inheriting(Inherit::new()).unwrap_err();
            assert_eq!(error.errno(), Some(errno as i32), "{error}");
            assert_eq!(error.object(), Some(&*command.get_program().to_string_lossy()));
            let error = command.spawn_pidfd(Inherit::new()).unwrap_err();
            assert_eq!(error.errno(), Some(errno as i32), "{error}");
        }
    }
    let error = Command::new("true").current_dir("/no/such/directory").spawn_inheriting(Inherit::new());
    let error = error.unwrap_err();
    assert_eq!((error.operation(), error.kind()), ("chdir", ErrorKind::NotFound), "{error}");
    assert_eq!(error.object(), Some("/no/such/directory"));
    assert_eq!(open_numbers(), before);

    let (_child, pidfd) = Command::new("true").spawn_pidfd(Inherit::new()).unwrap();
    assert!(pidfd.wait().unwrap().status().is_none_or(|status| status.success()));
}

fn has_children() -> bool {
    waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG) != Err(Errno::ECHILD)
}

#[serial_test]
fn start_that_fails_with_sigchld_ignored_returns_the_errno() {
    Peer::start(|| {
        set_sigchld(SigHandler::SigIgn, SaFlags::empty());
        assert_failures_are_reported();
        assert!(!has_children());
    })
    .join();
    Peer::start(|| {
        set_sigchld(SigHandler::Handler(ignore), SaFlags::SA_NOCLDWAIT | SaFlags::SA_RESTART);
        assert_failures_are_reported();
        assert!(!has_children());
    })
    .join();
}

#[serial_test]
fn start_that_fails_with_default_sigchld_returns_the_errno_and_reaps() {
    assert_failures_are_reported();
    assert!(!has_children());
}

#[serial_test]
fn start_that_fails_beside_a_thread_that_reaps_returns_the_errno() {
    Peer::start(|| {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(SeqCst) {
                    let _ = waitpid(None, None);
                }
            });
            assert_failures_are_reported();
            stop.store(true, SeqCst);
        });
    })
    .join();
}

#[serial_test]
fn seqpacket_socket_is_passed_and_reports_no_failure() {
    let (own, childs) = ipcraft::socket::seqpacket::pair().unwrap();
    let childs = OwnedFd::from(childs);
    let inherit = Inherit::new().named("other", childs.try_clone().unwrap()).numbered(30, childs);
    let mut command = Command::new("bash");
    // Descriptor 30 is still the socket of the parent, and not the reporting socket.
    command.args(["-c", "printf word >&30"]);
    let mut child = command.spawn_inheriting(inherit).unwrap();
    let mut bytes = [0; 16];
    let length = own.recv(&mut bytes).unwrap().unwrap();
    assert_eq!(&bytes[..length], b"word");
    assert!(child.wait().unwrap().success());
}

#[serial_test]
fn spawn_with_a_full_process_table_names_the_limit() -> Outcome {
    if let Some(skipped) = skipped_unless_root() {
        return skipped;
    }
    as_unprivileged(|| {
        setrlimit(Resource::RLIMIT_NPROC, 0, 0).unwrap();
        let error = Command::new("true").spawn_inheriting(Inherit::new()).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::EAGAIN)));
        let limit = error.limit().unwrap();
        assert_eq!((limit.name(), limit.value()), ("RLIMIT_NPROC", 0), "{error}");
    });
    Outcome::Passed
}

#[serial_test]
fn spawn_with_a_full_descriptor_table_names_the_limit() {
    Peer::start(|| {
        let (_reader, writer) = pipe::pipe().unwrap();
        let next = open_numbers().len() as u64;
        setrlimit(Resource::RLIMIT_NOFILE, next, next).unwrap();
        let error = Command::new("true").spawn_inheriting(Inherit::new().named("w", writer)).unwrap_err();
        assert_eq!(error.errno(), Some(libc::EMFILE), "{error}");
        assert_eq!(error.limit().unwrap().name(), "RLIMIT_NOFILE");
    })
    .join();
}

#[serial_test]
fn program_whose_name_is_not_utf8_runs_and_is_named() {
    let directory = scratch::directory();
    let program = directory.path().join(std::ffi::OsStr::from_bytes(b"pro\xffgram"));
    let error = Command::new(&program).spawn_inheriting(Inherit::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.object().unwrap().contains("pro\u{fffd}gram"), "{error}");
    fs::write(&program, "#!/bin/sh\nexit 7\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let (_child, pidfd) = Command::new(&program).spawn_pidfd(Inherit::new()).unwrap();
    let Exit::Status(status) = pidfd.wait().unwrap() else { panic!("a child's status is known") };
    assert_eq!(status.code(), Some(7));
}

/// As on Linux 5.10, where close_range(2) cannot set the flag.
#[serial_test]
fn spawn_without_close_range_skips_numbers_that_cannot_be_open() -> Outcome {
    /// More than any descriptor of this test has.
    const UNUSED: u32 = 4096;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    if hard <= UNUSED.into() {
        return Outcome::Skipped("RLIMIT_NOFILE cannot be raised".into());
    }
    let rules = [Rule::Fails(libc::SYS_close_range, Errno::EINVAL), Rule::KillsFrom(libc::SYS_fcntl, UNUSED)];
    with_rules(&rules, || {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
        crate::assert_only_the_listed_descriptor_is_inherited();
    })
}
