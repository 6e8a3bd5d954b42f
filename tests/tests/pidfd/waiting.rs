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
use ipcraft_tests::peer::Peer;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::ptrace;
use nix::sys::signal::kill;

use crate::{LONG, SHORT, idle, kind_of, pidfd_of, reaches, shell};

/// What poll(2) says at once.
fn readiness(pidfd: &PidFd) -> PollFlags {
    let mut entry = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    poll(&mut entry, PollTimeout::ZERO).unwrap();
    entry[0].revents().unwrap()
}

pub(crate) fn tells_how_a_child_has_ended() {
    for (script, code, signal) in [
        ("exit 0", Some(0), None),
        ("exit 255", Some(255), None),
        ("kill -TERM $$", None, Some(libc::SIGTERM)),
        ("kill -KILL $$", None, Some(libc::SIGKILL)),
        // A realtime signal has no name in most libraries.
        ("kill -40 $$", None, Some(40)),
    ] {
        let (_child, pidfd) = shell(script);
        let status = pidfd.wait().unwrap().status().unwrap();
        assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
        // It is reaped now; from Linux 6.15 on the kernel remembers.
        assert!([Exit::Status(status), Exit::Unknown].contains(&pidfd.try_wait().unwrap()), "{script}");
    }
}

pub(crate) fn ends_at_the_deadline_and_reaps_nothing() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let pidfd = PidFd::for_child(&child).unwrap();
    assert_eq!(kind_of(pidfd.try_wait()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(pidfd.wait_timeout(Duration::ZERO)), ErrorKind::TimedOut);
    let start = Instant::now();
    assert_eq!(kind_of(pidfd.wait_timeout(SHORT)), ErrorKind::TimedOut);
    assert!(start.elapsed() >= SHORT);
    drop(child.stdin.take());
    reaches(&pidfd, State::Zombie);
    let exit = pidfd.wait_timeout(Duration::ZERO).unwrap();
    assert_eq!(exit.status().unwrap().code(), Some(0), "what has ended needs no time");
    assert_eq!(child.wait().unwrap_err().raw_os_error(), Some(libc::ECHILD), "reaped once");
}

pub(crate) fn without_waiting_for_a_descriptor_that_never_does() {
    let peer = idle();
    // SAFETY: because pidfd_open(2) takes two integers.
    let number = unsafe { libc::syscall(libc::SYS_pidfd_open, peer.pid().as_raw(), libc::O_NONBLOCK) };
    assert!(number >= 0, "PIDFD_NONBLOCK");
    // SAFETY: because pidfd_open(2) returned a new descriptor, which nobody else owns.
    let pidfd = PidFd::try_from(unsafe { OwnedFd::from_raw_fd(number as i32) }).unwrap();
    assert_eq!(kind_of(pidfd.wait()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(pidfd.wait_timeout(SHORT)), ErrorKind::TimedOut);
    pidfd.send_signal(Signal::KILL).unwrap();
    assert_eq!(pidfd.wait_timeout(LONG).unwrap().status().unwrap().signal(), Some(libc::SIGKILL));
}

pub(crate) fn the_descriptor_is_readable_from_the_end_on() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    assert_eq!(readiness(&pidfd), PollFlags::empty());
    pidfd.send_signal(Signal::KILL).unwrap();
    reaches(&pidfd, State::Zombie);
    assert!(readiness(&pidfd).contains(PollFlags::POLLIN));
    peer.kill();
    assert!(readiness(&pidfd).contains(PollFlags::POLLIN));
}

pub(crate) fn the_end_of_the_first_thread_is_not_the_end() {
    let (mut go_on, mut say) = io::pipe().unwrap();
    let peer = Peer::start(move || {
        let outlives = thread::spawn(move || {
            let _ = go_on.read(&mut [0]);
            // SAFETY: because _exit(2) runs nothing of this process any more.
            unsafe { libc::_exit(0) };
        });
        std::mem::forget(outlives);
        // SAFETY: because the system call ends this thread alone, whose stack nobody else uses.
        unsafe { libc::syscall(libc::SYS_exit, 1) };
    });
    let pidfd = pidfd_of(&peer);
    reaches(&pidfd, State::Zombie);
    assert!(!pidfd.has_ended().unwrap());
    assert_eq!(readiness(&pidfd), PollFlags::empty());
    assert_eq!(kind_of(pidfd.wait_timeout(SHORT)), ErrorKind::TimedOut);
    say.write_all(b"x").unwrap();
    drop(say);
    peer.join();
    assert!(pidfd.has_ended().unwrap());
}

/// A child that holds a socket and sleeps.
fn with_a_socket() -> (Peer, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let peer = Peer::start({
        let copy = ours.try_clone().unwrap();
        move || {
            drop(copy);
            let _theirs = theirs;
            loop {
                nix::unistd::pause();
            }
        }
    });
    (peer, ours)
}

fn hung_up(socket: &UnixStream) -> bool {
    matches!((&*socket).read(&mut [0]), Ok(0))
}

pub(crate) fn a_stopped_process_has_not_ended() {
    let (peer, socket) = with_a_socket();
    let pidfd = pidfd_of(&peer);
    pidfd.send_signal(Signal::STOP).unwrap();
    reaches(&pidfd, State::Stopped);
    assert!(!pidfd.has_ended().unwrap());
    assert_eq!(readiness(&pidfd), PollFlags::empty());
    assert_eq!(kind_of(pidfd.try_wait()), ErrorKind::WouldBlock);
    assert!(!hung_up(&socket));
    assert_eq!(kill(peer.pid(), None), Ok(()));
}

pub(crate) fn a_zombie_has_ended_although_its_id_is_taken() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    pidfd.send_signal(Signal::KILL).unwrap();
    reaches(&pidfd, State::Zombie);
    assert!(pidfd.has_ended().unwrap());
    assert_eq!(kill(peer.pid(), None), Ok(()), "to kill(2) it is there");
    assert_eq!(pidfd.pid().unwrap(), peer.id());
}

pub(crate) fn for_a_stranger_tells_the_status_when_it_was_reaped() {
    let (mut reaped, mut tell) = io::pipe().unwrap();
    let (mut seen, mut see) = io::pipe().unwrap();
    let sibling = idle();
    let pid = sibling.id();
    // To this process both are children; to the watcher the sibling is not.
    let watcher = Peer::start(move || {
        let pidfd = PidFd::open(pid).unwrap();
        assert_eq!(kind_of(pidfd.try_wait()), ErrorKind::WouldBlock);
        assert_eq!(kind_of(pidfd.wait_timeout(SHORT)), ErrorKind::TimedOut);
        pidfd.send_signal(Signal::TERM).unwrap();
        assert_eq!(pidfd.wait().unwrap(), Exit::Unknown, "nobody has reaped it yet");
        assert_eq!(pidfd.wait_timeout(Duration::ZERO).unwrap(), Exit::Unknown);
        assert_eq!(pidfd.state().unwrap(), State::Zombie);
        say(&mut see);
        reaped.read_exact(&mut [0]).unwrap();
        match pidfd.try_wait().unwrap() {
            Exit::Status(status) => assert_eq!(status.signal(), Some(libc::SIGTERM)),
            Exit::Unknown => assert!(!kernel_is_at_least(6, 15)),
        }
    });
    seen.read_exact(&mut [0]).unwrap();
    sibling.kill();
    say(&mut tell);
    watcher.join();
}

fn say(writer: &mut PipeWriter) {
    writer.write_all(b"x").unwrap();
}

fn kernel_is_at_least(major: u32, minor: u32) -> bool {
    let release = nix::sys::utsname::uname().unwrap().release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(major), Some(minor))
}

pub(crate) fn after_somebody_else_has_reaped_the_child() {
    let (mut child, pidfd) = shell("exit 9");
    assert_eq!(child.wait().unwrap().code(), Some(9));
    for exit in [pidfd.wait().unwrap(), pidfd.try_wait().unwrap(), pidfd.wait_timeout(LONG).unwrap()] {
        match exit {
            Exit::Status(status) => assert_eq!(status.code(), Some(9)),
            Exit::Unknown => assert!(!kernel_is_at_least(6, 15)),
        }
    }
}

pub(crate) fn keeps_its_deadline_while_a_tracer_holds_the_status_back() {
    let traced = idle();
    let pidfd = pidfd_of(&traced);
    let pid = traced.pid();
    let tracer = Peer::start(move || {
        ptrace::seize(pid, ptrace::Options::empty()).unwrap();
        nix::unistd::pause();
    });
    tracer.wait_asleep();
    pidfd.send_signal(Signal::KILL).unwrap();
    assert_eq!(kind_of(pidfd.wait_timeout(2 * SHORT)), ErrorKind::TimedOut);
    assert!(pidfd.has_ended().unwrap());
    assert_eq!(kind_of(pidfd.try_wait()), ErrorKind::WouldBlock);
    tracer.kill();
    assert_eq!(pidfd.wait_timeout(LONG).unwrap().status().unwrap().signal(), Some(libc::SIGKILL));
}
