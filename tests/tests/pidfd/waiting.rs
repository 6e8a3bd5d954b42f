//! Waiting through pidfds.

use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::process::{Exit, PidFd, State};
use ipcraft::signal::Signal;
use ipcraft_tests::kernel::kernel_is_at_least;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::ptrace;
use nix::sys::signal::kill;

use crate::{idle, kind_of, pidfd_of, shell, wait_for_state};

/// Returns the events that poll(2) reports without blocking.
fn poll_events(pidfd: &PidFd) -> PollFlags {
    let mut entry = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    poll(&mut entry, PollTimeout::ZERO).unwrap();
    entry[0].revents().unwrap()
}

#[serial_test]
fn wait_for_child_returns_its_status() {
    for (script, code, signal) in [
        ("exit 0", Some(0), None),
        ("exit 255", Some(255), None),
        ("kill -TERM $$", None, Some(libc::SIGTERM)),
        ("kill -KILL $$", None, Some(libc::SIGKILL)),
        // A realtime signal, which most libraries cannot represent.
        ("kill -40 $$", None, Some(40)),
    ] {
        let (_child, pidfd) = shell(script);
        let status = pidfd.wait().unwrap().status().unwrap();
        assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
        // The child is reaped. From Linux 6.15 on the kernel still returns the status.
        assert!([Exit::Status(status), Exit::Unknown].contains(&pidfd.try_wait().unwrap()), "{script}");
    }
}

#[serial_test]
fn wait_timeout_on_running_child_expires_without_reaping() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let pidfd = PidFd::for_child(&child).unwrap();
    assert_eq!(kind_of(pidfd.try_wait()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(pidfd.wait_timeout(Duration::ZERO)), ErrorKind::TimedOut);
    let start = Instant::now();
    assert_eq!(kind_of(pidfd.wait_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    assert!(start.elapsed() >= SHORT_TIMEOUT);
    drop(child.stdin.take());
    wait_for_state(&pidfd, State::Zombie);
    let exit = pidfd.wait_timeout(Duration::ZERO).unwrap();
    assert_eq!(exit.status().unwrap().code(), Some(0), "an ended process needs no time");
    assert_eq!(child.wait().unwrap_err().raw_os_error(), Some(libc::ECHILD), "reaped once");
}

#[serial_test]
fn wait_on_nonblocking_pidfd_returns_would_block() {
    let peer = idle();
    // SAFETY: because pidfd_open(2) takes two integers.
    let number = unsafe { libc::syscall(libc::SYS_pidfd_open, peer.pid().as_raw(), libc::O_NONBLOCK) };
    assert!(number >= 0, "PIDFD_NONBLOCK");
    // SAFETY: because pidfd_open(2) returned a new descriptor, without another owner.
    let pidfd = PidFd::try_from(unsafe { OwnedFd::from_raw_fd(number as i32) }).unwrap();
    assert_eq!(kind_of(pidfd.wait()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(pidfd.wait_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    pidfd.send_signal(Signal::KILL).unwrap();
    assert_eq!(pidfd.wait_timeout(LONG_TIMEOUT).unwrap().status().unwrap().signal(), Some(libc::SIGKILL));
}

#[serial_test]
fn poll_after_process_ended_stays_readable() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    assert_eq!(poll_events(&pidfd), PollFlags::empty());
    pidfd.send_signal(Signal::KILL).unwrap();
    wait_for_state(&pidfd, State::Zombie);
    assert!(poll_events(&pidfd).contains(PollFlags::POLLIN));
    peer.kill();
    assert!(poll_events(&pidfd).contains(PollFlags::POLLIN));
}

#[serial_test]
fn has_ended_after_first_thread_exited_returns_false() {
    let (mut resumed, mut resume) = io::pipe().unwrap();
    let peer = Peer::start(move || {
        let second_thread = thread::spawn(move || {
            let _ = resumed.read(&mut [0]);
            // SAFETY: because _exit(2) ends the process without running other code.
            unsafe { libc::_exit(0) };
        });
        std::mem::forget(second_thread);
        // SAFETY: because the system call ends only this thread, and no other thread uses its
        // stack.
        unsafe { libc::syscall(libc::SYS_exit, 1) };
    });
    let pidfd = pidfd_of(&peer);
    wait_for_state(&pidfd, State::Zombie);
    assert!(!pidfd.has_ended().unwrap());
    assert_eq!(poll_events(&pidfd), PollFlags::empty());
    assert_eq!(kind_of(pidfd.wait_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    resume.write_all(b"x").unwrap();
    drop(resume);
    peer.join();
    assert!(pidfd.has_ended().unwrap());
}

/// Starts a child that holds a socket and blocks.
fn child_with_socket() -> (Peer, UnixStream) {
    let (own, peers) = UnixStream::pair().unwrap();
    own.set_nonblocking(true).unwrap();
    let peer = Peer::start({
        let copy = own.try_clone().unwrap();
        move || {
            drop(copy);
            let _held = peers;
            loop {
                nix::unistd::pause();
            }
        }
    });
    (peer, own)
}

fn hung_up(socket: &UnixStream) -> bool {
    matches!((&*socket).read(&mut [0]), Ok(0))
}

#[serial_test]
fn has_ended_of_stopped_process_returns_false() {
    let (peer, socket) = child_with_socket();
    let pidfd = pidfd_of(&peer);
    pidfd.send_signal(Signal::STOP).unwrap();
    wait_for_state(&pidfd, State::Stopped);
    assert!(!pidfd.has_ended().unwrap());
    assert_eq!(poll_events(&pidfd), PollFlags::empty());
    assert_eq!(kind_of(pidfd.try_wait()), ErrorKind::WouldBlock);
    assert!(!hung_up(&socket));
    assert_eq!(kill(peer.pid(), None), Ok(()));
}

#[serial_test]
fn has_ended_of_zombie_returns_true() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    pidfd.send_signal(Signal::KILL).unwrap();
    wait_for_state(&pidfd, State::Zombie);
    assert!(pidfd.has_ended().unwrap());
    assert_eq!(kill(peer.pid(), None), Ok(()), "kill(2) still finds it");
    assert_eq!(pidfd.pid().unwrap(), peer.id());
}

#[serial_test]
fn wait_for_non_child_returns_status_after_reaping() {
    let (mut reaped, mut notify_reaped) = io::pipe().unwrap();
    let (mut checked, mut notify_checked) = io::pipe().unwrap();
    let sibling = idle();
    let pid = sibling.id();
    // The sibling is not a child of the watcher.
    let watcher = Peer::start(move || {
        let pidfd = PidFd::open(pid).unwrap();
        assert_eq!(kind_of(pidfd.try_wait()), ErrorKind::WouldBlock);
        assert_eq!(kind_of(pidfd.wait_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
        pidfd.send_signal(Signal::TERM).unwrap();
        assert_eq!(pidfd.wait().unwrap(), Exit::Unknown, "it is not reaped yet");
        assert_eq!(pidfd.wait_timeout(Duration::ZERO).unwrap(), Exit::Unknown);
        assert_eq!(pidfd.state().unwrap(), State::Zombie);
        notify(&mut notify_checked);
        reaped.read_exact(&mut [0]).unwrap();
        match pidfd.try_wait().unwrap() {
            Exit::Status(status) => assert_eq!(status.signal(), Some(libc::SIGTERM)),
            Exit::Unknown => assert!(!kernel_is_at_least(6, 15)),
        }
    });
    checked.read_exact(&mut [0]).unwrap();
    sibling.kill();
    notify(&mut notify_reaped);
    watcher.join();
}

fn notify(writer: &mut PipeWriter) {
    writer.write_all(b"x").unwrap();
}

#[serial_test]
fn wait_after_child_was_reaped_elsewhere_returns() {
    let (mut child, pidfd) = shell("exit 9");
    assert_eq!(child.wait().unwrap().code(), Some(9));
    for exit in [pidfd.wait().unwrap(), pidfd.try_wait().unwrap(), pidfd.wait_timeout(LONG_TIMEOUT).unwrap()]
    {
        match exit {
            Exit::Status(status) => assert_eq!(status.code(), Some(9)),
            Exit::Unknown => assert!(!kernel_is_at_least(6, 15)),
        }
    }
}

#[serial_test]
fn wait_timeout_keeps_deadline_while_tracer_withholds_status() {
    let traced = idle();
    let pidfd = pidfd_of(&traced);
    let pid = traced.pid();
    let tracer = Peer::start(move || {
        ptrace::seize(pid, ptrace::Options::empty()).unwrap();
        nix::unistd::pause();
    });
    tracer.wait_asleep();
    pidfd.send_signal(Signal::KILL).unwrap();
    let start = Instant::now();
    while !pidfd.has_ended().unwrap() {
        assert!(start.elapsed() < LONG_TIMEOUT, "a killed process ends");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(kind_of(pidfd.wait_timeout(2 * SHORT_TIMEOUT)), ErrorKind::TimedOut);
    assert_eq!(kind_of(pidfd.try_wait()), ErrorKind::WouldBlock);
    tracer.kill();
    assert_eq!(pidfd.wait_timeout(LONG_TIMEOUT).unwrap().status().unwrap().signal(), Some(libc::SIGKILL));
}
