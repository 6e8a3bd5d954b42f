//! Children that inherit exactly what they are given.
//!
//! The child is this same binary, told by an environment variable which part to play.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::process::{Child, Command, Stdio};

use ipcraft::process::{CommandExt, Exit, Inherit, PidFd, take_inherited_fd, take_inherited_fd_number};
use ipcraft::{ErrorKind, Pid, pipe};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::{Id, WaitPidFlag, waitid};

const PART: &str = "IPCRAFT_TEST_PART";

/// Where the child parts of this file run; as a test of its own it has nothing to do.
#[test]
fn play_part() {
    match env::var(PART).as_deref() {
        Ok("report") => report(),
        Ok("take") => take_and_answer(),
        Ok("grandparent") => start_grandchild(),
        Ok("careless") => start_children_that_nobody_waits_for(),
        Ok("stale") => assert_eq!(take_inherited_fd("answer").unwrap_err().kind(), ErrorKind::NotFound),
        Ok(other) => panic!("no such part: {other}"),
        Err(_) => {}
    }
}

fn part(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["play_part", "--exact", "--nocapture"]).env(PART, name).stdout(Stdio::null());
    command
}

/// Says which descriptors this process has.
fn report() {
    let mut out = pipe::Writer::from(take_inherited_fd("report").unwrap());
    let mut numbers = open_numbers();
    numbers.retain(|number| *number > 2);
    writeln!(out, "{numbers:?} report={}", out.as_fd().as_raw_fd()).unwrap();
}

fn open_numbers() -> Vec<RawFd> {
    let entries: Vec<_> = fs::read_dir("/proc/self/fd").unwrap().map(|e| e.unwrap().path()).collect();
    // The descriptor that the directory was read with is closed by now, and its link leads nowhere.
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
    let mut answer = pipe::Writer::from(take_inherited_fd_number(40).unwrap());
    let mut text = String::new();
    pipe::Reader::from(request).read_to_string(&mut text).unwrap();
    answer.write_all(text.to_uppercase().as_bytes()).unwrap();
}

fn start_grandchild() {
    // The variable is passed on, as environment variables are, but the descriptor is not. Something else takes its number.
    let answer = take_inherited_fd("answer").unwrap();
    let number = answer.as_raw_fd();
    drop(answer);
    let other = fs::File::open("/dev/null").unwrap();
    let mut status = part("stale");
    if other.as_raw_fd() == number {
        fcntl(&other, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    }
    assert!(status.status().unwrap().success());
}

/// With SIGCHLD ignored the kernel reaps each child the moment it ends.
fn start_children_that_nobody_waits_for() {
    // SAFETY: because ignoring a signal runs no code.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }.unwrap();
    let mut gone = 0;
    for _ in 0..50 {
        let (child, pidfd) = Command::new("true").spawn_pidfd(Inherit::new()).unwrap();
        let ended = pidfd.wait().unwrap();
        assert!(ended.status().is_none_or(|status| status.success()), "{ended}");
        gone += usize::from(PidFd::for_child(&child).is_err());
        assert_eq!(pidfd.pid().unwrap_err().kind(), ErrorKind::Disconnected);
    }
    assert_eq!(gone, 50, "looked up by its id such a child is not to be found");
}

fn succeed(mut child: Child) {
    assert!(child.wait().unwrap().success());
}

#[test]
fn named_and_numbered_descriptors_arrive_and_the_parents_copies_are_closed() {
    let (request, mut ask) = pipe::pipe().unwrap();
    let (mut answered, answer) = pipe::pipe().unwrap();
    let child =
        part("take").spawn_inheriting(Inherit::new().named("request", request).numbered(40, answer)).unwrap();
    ask.write_all(b"shout").unwrap();
    drop(ask);
    let mut text = String::new();
    answered.read_to_string(&mut text).unwrap();
    assert_eq!(text, "SHOUT");
    succeed(child);
}

#[test]
fn nothing_else_leaks_not_even_what_is_not_close_on_exec() {
    let leaky = fs::File::open("/dev/null").unwrap();
    fcntl(&leaky, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let (mut reported, report) = pipe::pipe().unwrap();
    succeed(part("report").spawn_inheriting(Inherit::new().named("report", report)).unwrap());
    let mut text = String::new();
    reported.read_to_string(&mut text).unwrap();
    let (numbers, own) = text.trim().split_once(" report=").unwrap();
    assert_eq!(numbers, format!("[{own}]"), "besides its standard streams the child has the report alone");
}

#[test]
fn a_descriptor_whose_number_another_one_wants_gives_way() {
    let (first_reader, first) = pipe::pipe().unwrap();
    let (second_reader, second) = pipe::pipe().unwrap();
    let (first_number, second_number) = (first.as_fd().as_raw_fd(), second.as_fd().as_raw_fd());
    // Crossed: each wants the number that the other has here.
    let inherit = Inherit::new().numbered(second_number, first).numbered(first_number, second);
    let script = format!("echo one >&{second_number}; echo two >&{first_number}");
    succeed(Command::new("bash").args(["-c", &script]).spawn_inheriting(inherit).unwrap());
    let mut text = String::new();
    (&first_reader).read_to_string(&mut text).unwrap();
    (&second_reader).read_to_string(&mut text).unwrap();
    assert_eq!(text, "one\ntwo\n");
}

#[test]
fn a_command_keeps_nothing_of_an_earlier_spawn() {
    let (mut reported, report) = pipe::pipe().unwrap();
    let mut command = part("report");
    succeed(command.spawn_inheriting(Inherit::new().named("report", report)).unwrap());
    reported.read_to_string(&mut String::new()).unwrap();
    // Without its descriptor the part fails, rather than taking somebody else's.
    assert!(!command.stderr(Stdio::null()).status().unwrap().success());
}

#[test]
fn a_grandchild_recognises_a_stale_variable() {
    let (_reader, answer) = pipe::pipe().unwrap();
    succeed(part("grandparent").spawn_inheriting(Inherit::new().named("answer", answer)).unwrap());
}

#[test]
fn what_cannot_be_started_is_named_and_leaks_nothing() {
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

#[test]
fn bad_numbers_and_names_are_refused_before_anything_starts() {
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

#[test]
fn many_children_at_once_get_their_own_descriptors_only() {
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
                    succeed(child);
                }
            })
        })
        .collect();
    for starter in starters {
        starter.join().unwrap();
    }
}

#[test]
fn a_child_comes_with_its_pidfd_and_its_descriptors() {
    let (mut reported, report) = pipe::pipe().unwrap();
    let (child, pidfd) = part("report").spawn_pidfd(Inherit::new().named("report", report)).unwrap();
    assert_eq!(pidfd.pid().unwrap(), Pid::from(&child));
    let mut text = String::new();
    reported.read_to_string(&mut text).unwrap();
    let (numbers, own) = text.trim().split_once(" report=").unwrap();
    assert_eq!(numbers, format!("[{own}]"), "it keeps neither its pidfd nor the socket");
    assert_eq!(pidfd.wait().unwrap(), Exit::Status(Default::default()));
}

#[test]
fn the_pidfd_comes_whatever_numbers_the_child_wants() {
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

#[test]
fn a_pidfd_is_right_even_if_the_kernel_reaps_the_child() {
    assert!(part("careless").status().unwrap().success());
}

#[test]
fn nothing_is_left_of_a_child_that_could_not_be_started_with_its_pidfd() {
    let before = open_numbers();
    let error = Command::new("/no/such/program").spawn_pidfd(Inherit::new()).unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::NotFound, Some("/no/such/program")));
    assert_eq!(open_numbers(), before);
    assert_eq!(waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG), Err(Errno::ECHILD));
}
