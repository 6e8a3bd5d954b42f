//! Process states.

use std::fs;
use std::hint;
use std::os::fd::OwnedFd;

use ipcraft::process::{self, PidFd, State};
use ipcraft::signal::Signal;
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::{prctl, ptrace};
use nix::unistd::geteuid;

use crate::{idle, kind_of, pidfd_of, wait_for_state};

#[serial_test]
fn state_follows_stop_continue_and_kill() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    wait_for_state(&pidfd, State::Sleeping);
    assert_eq!(process::state(peer.id()).unwrap(), State::Sleeping);
    pidfd.send_signal(Signal::STOP).unwrap();
    wait_for_state(&pidfd, State::Stopped);
    pidfd.send_signal(Signal::CONT).unwrap();
    wait_for_state(&pidfd, State::Sleeping);
    pidfd.send_signal(Signal::KILL).unwrap();
    wait_for_state(&pidfd, State::Zombie);
    peer.kill();
    assert_eq!(kind_of(pidfd.state()), ErrorKind::Disconnected);

    let busy = Peer::start(|| {
        loop {
            hint::spin_loop();
        }
    });
    wait_for_state(&pidfd_of(&busy), State::Running);
    assert_eq!(PidFd::current().unwrap().state().unwrap(), State::Running);
}

#[serial_test]
fn state_of_traced_process_is_traced() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    wait_for_state(&pidfd, State::Sleeping);
    ptrace::seize(peer.pid(), ptrace::Options::empty()).unwrap();
    ptrace::interrupt(peer.pid()).unwrap();
    wait_for_state(&pidfd, State::Traced);
}

#[serial_test]
fn state_with_parentheses_in_command_name_is_correct() {
    let peer = Peer::start(|| {
        prctl::set_name(c"a) R (b) Z 0").unwrap();
        loop {
            nix::unistd::pause();
        }
    });
    wait_for_state(&pidfd_of(&peer), State::Sleeping);
    let stat = fs::read_to_string(format!("/proc/{}/stat", peer.pid())).unwrap();
    assert!(stat.contains("(a) R (b) Z 0)"), "{stat}");
}

#[serial_test]
fn state_of_unused_pid_returns_not_found() {
    let error = process::state(Pid::try_from(i32::MAX).unwrap()).unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::NotFound, Some("2147483647")));
}

#[serial_test]
fn state_of_idle_kernel_thread_is_idle() -> Outcome {
    let mut processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path().join("status"));
    let is_idle = |text: &str| text.lines().any(|line| line.starts_with("State:\tI"));
    let Some(status) = processes.find(|path| fs::read_to_string(path).is_ok_and(|text| is_idle(&text)))
    else {
        return Outcome::Skipped("no idle kernel thread is visible in this pid namespace".into());
    };
    let pid = status.parent().unwrap().file_name().unwrap().to_str().unwrap().parse().unwrap();
    wait_for_state(&PidFd::open(pid).unwrap(), State::Idle);
    Outcome::Passed
}

#[serial_test]
fn state_without_proc_returns_unsupported() -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may hide /proc".into());
    }
    Peer::start(|| {
        unshare(CloneFlags::CLONE_NEWNS).expect("unshare(2)");
        let (none, private) = (None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE);
        mount(none, "/", none, private, none).expect("making mounts private");
        let own = PidFd::current().unwrap();
        mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), none).expect("mounting a tmpfs");
        assert_eq!(kind_of(process::state(Pid::current())), ErrorKind::Unsupported);
        assert_eq!(kind_of(own.state()), ErrorKind::Unsupported);
        assert_eq!(own.pid().unwrap(), Pid::current(), "remembered from the opening");
        let received = PidFd::try_from(OwnedFd::from(own.try_clone().unwrap())).unwrap();
        assert_eq!(kind_of(received.pid()), ErrorKind::Unsupported);
        let ended = idle();
        let pidfd = pidfd_of(&ended);
        assert_eq!(pidfd.pid().unwrap(), ended.id());
        ended.kill();
        assert_eq!(kind_of(pidfd.pid()), ErrorKind::Disconnected);
        assert!(!own.has_ended().unwrap(), "functions without /proc still work");
        own.send_signal(Signal::WINCH).unwrap();
    })
    .join();
    Outcome::Passed
}
