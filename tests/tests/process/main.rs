//! Children that inherit exactly the listed descriptors.
//!
//! The child is this binary. An environment variable selects the role that it runs.

mod failing;
mod identity;
mod signals;
mod streams;
mod unique_names;

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use ipcraft::process::{CommandExt, Exit, Inherit, PidFd, take_inherited_fd, take_inherited_fd_number};
use ipcraft::time::Deadline;
use ipcraft::{ErrorKind, Pid, pipe};
use ipcraft_tests::suite::{self, serial_test};
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::{Id, WaitPidFlag, waitid};

/// The environment variable that makes this binary run a role instead of the tests.
const ROLE: &str = "IPCRAFT_TEST_ROLE";

fn main() -> ExitCode {
    match env::var(ROLE) {
        Ok(name) => run_role(&name),
        Err(_) => return suite::main(),
    }
    ExitCode::SUCCESS
}

fn run_role(name: &str) {
    match name {
        "report" => report_descriptors(),
        "take" => take_and_answer(),
        "grandparent" => start_grandchild(),
        "ignore-sigchld" => start_children_with_sigchld_ignored(),
        "stale" => assert_eq!(take_inherited_fd("answer").unwrap_err().kind(), ErrorKind::NotFound),
        other => panic!("there is no role {other}"),
    }
}

/// Returns a command that runs the role in a child.
fn role(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(ROLE, name).stdout(Stdio::null());
    command
}

/// Reports the open descriptors of this process.
fn report_descriptors() {
    let mut out = pipe::Writer::from(take_inherited_fd("report").unwrap());
    let mut numbers = open_numbers();
    numbers.retain(|number| *number > 2);
    writeln!(out, "{numbers:?} report={}", out.as_fd().as_raw_fd()).unwrap();
}

fn open_numbers() -> Vec<RawFd> {
    let entries: Vec<_> = fs::read_dir("/proc/self/fd").unwrap().map(|e| e.unwrap().path()).collect();
    // The descriptor of the directory itself is closed by now, so its link is dangling.
    let mut numbers: Vec<RawFd> = entries
        .iter()
        .filter(|path| fs::read_link(path).is_ok())
        .map(|path| path.file_name().unwrap().to_str().unwrap().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers
}

fn take_and_answer() {
    let request = take_inherited_fd("request").unwrap();
    assert_eq!(fcntl(&request, FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
    assert_eq!(take_inherited_fd("request").unwrap_err().kind(), ErrorKind::InUse);
    assert_eq!(take_inherited_fd("").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(take_inherited_fd("no-such").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(take_inherited_fd_number(request.as_raw_fd()).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(take_inherited_fd_number(1).unwrap_err().kind(), ErrorKind::NotFound);
    let answer = pipe::Writer::from(take_inherited_fd_number(40).unwrap());
    let mut text = String::new();
    pipe::Reader::from(request).read_to_string(&mut text).unwrap();
    answer.write_all(text.to_uppercase().as_bytes()).unwrap();
}

fn start_grandchild() {
    // The child inherits the variable but not the descriptor. Another descriptor gets its number.
    let answer = take_inherited_fd("answer").unwrap();
    let number = answer.as_raw_fd();
    drop(answer);
    let other = fs::File::open("/dev/null").unwrap();
    let mut status = role("stale");
    if other.as_raw_fd() == number {
        fcntl(&other, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    }
    assert!(status.status().unwrap().success());
}

/// With SIGCHLD ignored, the kernel reaps each child when it ends.
fn start_children_with_sigchld_ignored() {
    // SAFETY: because ignoring a signal runs no code.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }.unwrap();
    for _ in 0..50 {
        let (child, pidfd) = Command::new("true").spawn_pidfd(Inherit::new()).unwrap();
        let ended = pidfd.wait().unwrap();
        assert!(ended.status().is_none_or(|status| status.success()), "{ended}");
        // The end is reported before the kernel reaps the child.
        let deadline = Deadline::after(LONG_TIMEOUT);
        while pidfd.pid().is_ok() {
            assert!(!deadline.has_passed(), "the kernel reaps the child");
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(pidfd.pid().unwrap_err().kind(), ErrorKind::Disconnected);
        assert_eq!(PidFd::for_child(&child).unwrap_err().kind(), ErrorKind::NotFound);
    }
}

fn assert_success(mut child: Child) {
    assert!(child.wait().unwrap().success());
}

#[serial_test]
fn spawn_inheriting_moves_named_and_numbered_descriptors() {
    let (request, ask) = pipe::pipe().unwrap();
    let (mut answered, answer) = pipe::pipe().unwrap();
    let child =
        role("take").spawn_inheriting(Inherit::new().named("request", request).numbered(40, answer)).unwrap();
    ask.write_all(b"shout").unwrap();
    drop(ask);
    let mut text = String::new();
    answered.read_to_string(&mut text).unwrap();
    assert_eq!(text, "SHOUT");
    assert_success(child);
}

#[serial_test]
fn spawn_inheriting_closes_descriptors_without_close_on_exec() {
    assert_only_the_listed_descriptor_is_inherited();
}

fn assert_only_the_listed_descriptor_is_inherited() {
    let leaky = fs::File::open("/dev/null").unwrap();
    fcntl(&leaky, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let (mut reported, report) = pipe::pipe().unwrap();
    assert_success(role("report").spawn_inheriting(Inherit::new().named("report", report)).unwrap());
    let mut text = String::new();
    reported.read_to_string(&mut text).unwrap();
    let (numbers, own) = text.trim().split_once(" report=").unwrap();
    assert_eq!(numbers, format!("[{own}]"), "the child has only its standard streams and the report");
}

#[serial_test]
fn spawn_inheriting_with_crossed_numbers_places_both() {
    let (first_reader, first) = pipe::pipe().unwrap();
    let (second_reader, second) = pipe::pipe().unwrap();
    let (first_number, second_number) = (first.as_fd().as_raw_fd(), second.as_fd().as_raw_fd());
    // Each gets the number that the other has in this process.
    let inherit = Inherit::new().numbered(second_number, first).numbered(first_number, second);
    let script = format!("echo one >&{second_number}; echo two >&{first_number}");
    assert_success(Command::new("bash").args(["-c", &script]).spawn_inheriting(inherit).unwrap());
    let mut text = String::new();
    (&first_reader).read_to_string(&mut text).unwrap();
    (&second_reader).read_to_string(&mut text).unwrap();
    assert_eq!(text, "one\ntwo\n");
}

#[serial_test]
fn command_after_spawn_inheriting_retains_nothing() {
    let (mut reported, report) = pipe::pipe().unwrap();
    let mut command = role("report");
    assert_success(command.spawn_inheriting(Inherit::new().named("report", report)).unwrap());
    reported.read_to_string(&mut String::new()).unwrap();
    // Without its descriptor the role fails.
    assert!(!command.stderr(Stdio::null()).status().unwrap().success());
}

#[serial_test]
fn take_inherited_fd_in_grandchild_returns_not_found() {
    let (_reader, answer) = pipe::pipe().unwrap();
    assert_success(role("grandparent").spawn_inheriting(Inherit::new().named("answer", answer)).unwrap());
}

#[serial_test]
fn spawn_inheriting_of_bad_program_names_it_and_leaks_nothing() {
    let before = open_numbers();
    for (program, kind) in
        [("/no/such/program", ErrorKind::NotFound), ("/etc/passwd", ErrorKind::PermissionDenied)]
    {
        let (_reader, writer) = pipe::pipe().unwrap();
        let error = Command::new(program)
            .spawn_inheriting(
                Inherit::new().named("a", writer).numbered(50, fs::File::open("/dev/null").unwrap()),
            )
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.object(), Some(program));
    }
    assert_eq!(open_numbers(), before);
}

#[serial_test]
fn spawn_inheriting_with_bad_number_or_name_returns_error() {
    let null = || OwnedFd::from(fs::File::open("/dev/null").unwrap());
    let spawn = |inherit: Inherit| Command::new("true").spawn_inheriting(inherit).unwrap_err().kind();
    assert_eq!(spawn(Inherit::new().numbered(2, null())), ErrorKind::Invalid);
    assert_eq!(spawn(Inherit::new().numbered(-1, null())), ErrorKind::Invalid);
    assert_eq!(spawn(Inherit::new().numbered(i32::MAX, null())), ErrorKind::Invalid);
    assert_eq!(spawn(Inherit::new().numbered(9, null()).numbered(9, null())), ErrorKind::Invalid);
    assert_eq!(spawn(Inherit::new().named("", null())), ErrorKind::InvalidName);
    assert_eq!(spawn(Inherit::new().named("a;b", null())), ErrorKind::InvalidName);
    assert_eq!(spawn(Inherit::new().named("a", null()).named("a", null())), ErrorKind::InvalidName);
}

#[serial_test]
fn concurrent_spawns_inherit_only_their_own_descriptors() {
    let starters: Vec<_> = (0..4)
        .map(|id| {
            std::thread::spawn(move || {
                for round in 0..10 {
                    let (mut reader, writer) = pipe::pipe().unwrap();
                    let word = format!("{id}.{round}");
                    let script =
                        format!("echo {word} >&30; test $(ls /proc/self/fd | grep -cvE '^[0-2]$') -le 3");
                    let child = Command::new("bash")
                        .args(["-c", &script])
                        .spawn_inheriting(Inherit::new().numbered(30, writer))
                        .unwrap();
                    let mut text = String::new();
                    reader.read_to_string(&mut text).unwrap();
                    assert_eq!(text.trim(), word);
                    assert_success(child);
                }
            })
        })
        .collect();
    for starter in starters {
        starter.join().unwrap();
    }
}

#[serial_test]
fn spawn_pidfd_passes_only_the_listed_descriptors() {
    let (mut reported, report) = pipe::pipe().unwrap();
    let (child, pidfd) = role("report").spawn_pidfd(Inherit::new().named("report", report)).unwrap();
    assert_eq!(pidfd.pid().unwrap(), Pid::from(&child));
    let mut text = String::new();
    reported.read_to_string(&mut text).unwrap();
    let (numbers, own) = text.trim().split_once(" report=").unwrap();
    assert_eq!(numbers, format!("[{own}]"), "the child keeps neither its pidfd nor the socket");
    assert_eq!(pidfd.wait().unwrap(), Exit::Status(Default::default()));
}

#[serial_test]
fn spawn_pidfd_with_many_numbers_returns_the_pidfd() {
    let before = open_numbers();
    let null = || fs::File::open("/dev/null").unwrap();
    let inherit = (3..40).fold(Inherit::new(), |inherit, number| inherit.numbered(number, null()));
    let script = "test $(ls /proc/self/fd | grep -cxE '[3-9]|[12][0-9]|3[0-9]') -eq 37";
    let (child, pidfd) = Command::new("bash").args(["-c", script]).spawn_pidfd(inherit).unwrap();
    assert_eq!(pidfd.pid().unwrap(), Pid::from(&child));
    assert!(pidfd.wait().unwrap().status().unwrap().success());
    drop(pidfd);
    assert_eq!(open_numbers(), before);
}

#[serial_test]
fn spawn_pidfd_with_sigchld_ignored_refers_to_the_child() {
    assert!(role("ignore-sigchld").status().unwrap().success());
}

#[serial_test]
fn spawn_pidfd_of_missing_program_leaves_nothing() {
    let before = open_numbers();
    let error = Command::new("/no/such/program").spawn_pidfd(Inherit::new()).unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::NotFound, Some("/no/such/program")));
    assert_eq!(open_numbers(), before);
    assert_eq!(waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG), Err(Errno::ECHILD));
}
