//! Waiting through pidfds until a child stops or continues.

use std::thread;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::process::{PidFd, State};
use ipcraft::signal::Signal;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::sys::ptrace;
use nix::sys::signal::{SigHandler, Signal as NixSignal, raise, signal};
use nix::sys::wait::{WaitPidFlag, waitpid};

use crate::{idle, kind_of, pidfd_of, shell, wait_for_state};

/// Stops the child and waits until the stop has taken effect.
fn stop(pidfd: &PidFd) {
    pidfd.send_signal(Signal::STOP).unwrap();
    assert_eq!(pidfd.wait_stopped().unwrap(), Signal::STOP);
}

fn resume(pidfd: &PidFd) {
    pidfd.send_signal(Signal::CONT).unwrap();
    pidfd.wait_continued().unwrap();
}

/// Returns the errors of all six forms.
fn all_errors(pidfd: &PidFd) -> Vec<ErrorKind> {
    vec![
        kind_of(pidfd.wait_stopped()),
        kind_of(pidfd.try_wait_stopped()),
        kind_of(pidfd.wait_stopped_timeout(LONG_TIMEOUT)),
        kind_of(pidfd.wait_continued()),
        kind_of(pidfd.try_wait_continued()),
        kind_of(pidfd.wait_continued_timeout(LONG_TIMEOUT)),
    ]
}

#[serial_test]
fn wait_stopped_on_stopped_child_returns_signal_as_often_as_called() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    stop(&pidfd);
    for _ in 0..3 {
        assert_eq!(pidfd.wait_stopped().unwrap(), Signal::STOP);
        assert_eq!(pidfd.try_wait_stopped().unwrap(), Signal::STOP);
        assert_eq!(pidfd.wait_stopped_timeout(Duration::ZERO).unwrap(), Signal::STOP);
    }
    assert_eq!(pidfd.state().unwrap(), State::Stopped);
}

#[serial_test]
fn wait_stopped_after_continuation_reports_only_the_next_stop() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    for _ in 0..100 {
        stop(&pidfd);
        assert_eq!(kind_of(pidfd.try_wait_continued()), ErrorKind::WouldBlock);
        resume(&pidfd);
        assert_eq!(kind_of(pidfd.try_wait_stopped()), ErrorKind::WouldBlock);
        pidfd.try_wait_continued().unwrap();
    }
}

#[serial_test]
fn wait_on_running_child_expires_or_would_block() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    assert_eq!(kind_of(pidfd.try_wait_stopped()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(pidfd.try_wait_continued()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(pidfd.wait_stopped_timeout(Duration::ZERO)), ErrorKind::TimedOut);
    for wait in [
        |pidfd: &PidFd| pidfd.wait_stopped_timeout(SHORT_TIMEOUT).map(drop),
        |pidfd: &PidFd| pidfd.wait_continued_timeout(SHORT_TIMEOUT),
    ] {
        let start = Instant::now();
        assert_eq!(kind_of(wait(&pidfd)), ErrorKind::TimedOut);
        assert!(start.elapsed() >= SHORT_TIMEOUT);
    }
}

#[serial_test]
fn wait_stopped_returns_when_the_child_stops_later() {
    for timeout in [None, Some(LONG_TIMEOUT)] {
        let (_child, pidfd) = shell("sleep 0.05; kill -STOP $$");
        let stopped = match timeout {
            None => pidfd.wait_stopped(),
            Some(timeout) => pidfd.wait_stopped_timeout(timeout),
        };
        assert_eq!(stopped.unwrap(), Signal::STOP);
        pidfd.send_signal(Signal::CONT).unwrap();
        assert_eq!(pidfd.wait().unwrap().status().unwrap().code(), Some(0));
    }
}

#[serial_test]
fn wait_on_ended_child_returns_disconnected_and_leaves_the_status() {
    let (mut child, pidfd) = shell("exit 7");
    wait_for_state(&pidfd, State::Zombie);
    assert_eq!(all_errors(&pidfd), [ErrorKind::Disconnected; 6]);
    let error = pidfd.wait_stopped().unwrap_err();
    assert!(error.to_string().contains("exit status with wait"), "{error}");
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert_eq!(all_errors(&pidfd), [ErrorKind::Disconnected; 6], "reaped");
}

#[serial_test]
fn blocked_wait_on_killed_child_returns_disconnected() {
    for is_stopped in [false, true] {
        let peer = idle();
        let pidfd = pidfd_of(&peer);
        if is_stopped {
            stop(&pidfd);
        }
        thread::scope(|scope| {
            let stopped = scope.spawn(|| if is_stopped { Ok(()) } else { pidfd.wait_stopped().map(drop) });
            let continued = scope.spawn(|| pidfd.wait_continued());
            thread::sleep(SHORT_TIMEOUT);
            pidfd.send_signal(Signal::KILL).unwrap();
            assert_eq!(stopped.join().unwrap().is_ok(), is_stopped);
            assert_eq!(kind_of(continued.join().unwrap()), ErrorKind::Disconnected);
        });
        assert!(pidfd.wait().unwrap().status().is_some(), "the status is left");
    }
}

#[serial_test]
fn wait_stopped_after_report_was_taken_waits_for_the_next_stop() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    stop(&pidfd);
    waitpid(peer.pid(), Some(WaitPidFlag::WUNTRACED)).unwrap();
    assert_eq!(kind_of(pidfd.try_wait_stopped()), ErrorKind::WouldBlock);
    resume(&pidfd);
    stop(&pidfd);
}

#[serial_test]
fn wait_stopped_of_process_that_is_no_child_returns_invalid() {
    let peer = Peer::start(|| {
        let parent = PidFd::open(std::os::unix::process::parent_id().try_into().unwrap()).unwrap();
        assert_eq!(all_errors(&parent), [ErrorKind::Invalid; 6]);
        let error = parent.wait_stopped().unwrap_err();
        assert_eq!(error.errno(), Some(libc::ECHILD));
        assert!(error.to_string().contains("wait in the parent"), "{error}");
    });
    peer.join();
}

#[serial_test]
fn wait_stopped_with_ignored_sigchld_returns_disconnected_at_the_end() {
    let peer = Peer::start(|| {
        // SAFETY: because no handler runs: the signal is ignored.
        unsafe { signal(NixSignal::SIGCHLD, SigHandler::SigIgn) }.unwrap();
        let (_child, pidfd) = shell("kill -STOP $$");
        assert_eq!(pidfd.wait_stopped().unwrap(), Signal::STOP);
        pidfd.send_signal(Signal::KILL).unwrap();
        assert_eq!(all_errors(&pidfd), [ErrorKind::Disconnected; 6]);
    });
    peer.join();
}

#[serial_test]
fn wait_stopped_of_traced_child_returns_its_signal() {
    let peer = Peer::start(|| {
        ptrace::traceme().unwrap();
        raise(NixSignal::SIGUSR1).unwrap();
    });
    let pidfd = pidfd_of(&peer);
    assert_eq!(pidfd.wait_stopped().unwrap(), Signal::USR1);
}
