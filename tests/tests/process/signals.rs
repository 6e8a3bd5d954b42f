//! The signal settings of children.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use ipcraft::process::{CommandExt, Inherit, PidFd};
use ipcraft::signal::{self, Signal, SignalSet};
use ipcraft::{ErrorKind, Pid, pipe};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::sys::signal::{SigHandler, Signal as Number, signal};

/// Starts a program, and returns its blocked and its ignored signals.
fn blocked_and_ignored(inherit: Inherit) -> (SignalSet, SignalSet) {
    let mut command = Command::new("cat");
    command.arg("/proc/self/status").stdout(Stdio::piped());
    let mut child = command.spawn_inheriting(inherit).unwrap();
    let mut status = String::new();
    child.stdout.take().unwrap().read_to_string(&mut status).unwrap();
    assert!(child.wait().unwrap().success());
    let set = |label: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(label)).unwrap();
        let bits = u64::from_str_radix(line.trim(), 16).unwrap();
        Signal::all().filter(|one| bits & (1 << (one.number() - 1)) != 0).collect()
    };
    (set("SigBlk:"), set("SigIgn:"))
}

#[serial_test]
fn child_inherits_blocked_and_ignored_signals_unless_they_are_reset() {
    Peer::start(|| {
        let _blocked = signal::block(Signal::TERM | Signal::realtime(3).unwrap()).unwrap();
        // SAFETY: because ignoring a signal runs no code.
        unsafe { signal(Number::SIGUSR1, SigHandler::SigIgn) }.unwrap();
        let (blocked, ignored) = blocked_and_ignored(Inherit::new());
        assert!(blocked.is_superset(Signal::TERM.into()), "{blocked}");
        assert!(ignored.is_superset(Signal::USR1.into()), "{ignored}");
        let none = (SignalSet::empty(), SignalSet::empty());
        assert_eq!(blocked_and_ignored(Inherit::new().reset_signals(true)), none);
        let (blocked, _) = blocked_and_ignored(Inherit::new());
        assert!(blocked.is_superset(Signal::TERM.into()), "the parent's mask is unchanged");
    })
    .join();
}

/// Starts a child that runs until it is killed.
fn sleeper(inherit: Inherit) -> PidFd {
    Command::new("sleep").arg("1000").spawn_pidfd(inherit).unwrap().1
}

#[serial_test]
fn child_whose_parent_blocks_sigterm_is_deaf_unless_signals_are_reset() {
    Peer::start(|| {
        let _blocked = signal::block(Signal::TERM).unwrap();
        let (deaf, hearing) = (sleeper(Inherit::new()), sleeper(Inherit::new().reset_signals(true)));
        for child in [&deaf, &hearing] {
            child.send_signal(Signal::TERM).unwrap();
        }
        hearing.wait_timeout(LONG_TIMEOUT).unwrap();
        assert_eq!(deaf.wait_timeout(SHORT_TIMEOUT).unwrap_err().kind(), ErrorKind::TimedOut);
        deaf.send_signal(Signal::KILL).unwrap();
        deaf.wait().unwrap();
    })
    .join();
}

/// A process that starts a child with `start`, sends its id, and blocks. Returns it, and the child.
fn parent_and_child(start: impl FnOnce() -> PidFd) -> (Peer, PidFd) {
    let (mut told, mut tell) = pipe::pipe().unwrap();
    let parent = Peer::start(move || {
        let child = start();
        writeln!(tell, "{}", child.pid().unwrap()).unwrap();
        drop(tell);
        loop {
            nix::unistd::pause();
        }
    });
    let mut text = String::new();
    told.read_to_string(&mut text).unwrap();
    let child: Pid = text.trim().parse().unwrap();
    (parent, PidFd::open(child).unwrap())
}

#[serial_test]
fn child_gets_the_death_signal_when_its_parent_is_killed() {
    let (parent, child) = parent_and_child(|| sleeper(Inherit::new().death_signal(Signal::KILL)));
    assert!(!child.has_ended().unwrap());
    parent.kill();
    child.wait_timeout(LONG_TIMEOUT).unwrap();
}

#[serial_test]
fn child_outlives_the_thread_that_started_it_and_not_the_process() {
    let (parent, child) = parent_and_child(|| {
        let start = || sleeper(Inherit::new().death_signal(Signal::KILL));
        thread::spawn(start).join().unwrap()
    });
    assert_eq!(child.wait_timeout(SHORT_TIMEOUT).unwrap_err().kind(), ErrorKind::TimedOut);
    parent.kill();
    child.wait_timeout(LONG_TIMEOUT).unwrap();
}

#[serial_test]
fn child_started_for_a_thread_has_the_mask_of_that_thread() {
    Peer::start(|| {
        let started = thread::spawn(|| {
            let _blocked = signal::block(Signal::USR2).unwrap();
            blocked_and_ignored(Inherit::new().death_signal(Signal::TERM)).0
        });
        assert_eq!(started.join().unwrap(), Signal::USR2.into());
    })
    .join();
}

#[serial_test]
fn forked_child_starts_a_lasting_thread_of_its_own() {
    Peer::start(|| {
        let start = || thread::spawn(|| sleeper(Inherit::new().death_signal(Signal::KILL))).join().unwrap();
        let first = start();
        Peer::start(|| {
            let second = start();
            second.send_signal(Signal::KILL).unwrap();
            second.wait().unwrap();
        })
        .join();
        first.send_signal(Signal::KILL).unwrap();
        first.wait().unwrap();
    })
    .join();
}
