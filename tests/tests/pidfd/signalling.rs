//! Sending signals through pidfds.

use std::fs;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::id;

use ipcraft::ErrorKind;
use ipcraft::process::{PidFd, State};
use ipcraft::signal::Signal;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{geteuid, getuid};

use crate::{as_unprivileged_user, idle, kind_of, pidfd_of, shell, wait_for_state};

#[serial_test]
fn send_signal_ends_the_process() {
    let (_child, pidfd) = shell("exec sleep 60");
    pidfd.send_signal(Signal::TERM).unwrap();
    let exit = pidfd.wait_timeout(LONG_TIMEOUT).unwrap();
    assert_eq!(exit.status().unwrap().signal(), Some(libc::SIGTERM));
    assert!(exit.to_string().contains("15"), "{exit}");
}

#[serial_test]
fn send_signal_to_reaped_process_returns_disconnected() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    pidfd.send_signal(Signal::KILL).unwrap();
    wait_for_state(&pidfd, State::Zombie);
    pidfd.send_signal(Signal::KILL).unwrap();
    pidfd.queue_signal(Signal::KILL, 1).unwrap();
    peer.kill();
    for error in [pidfd.send_signal(Signal::KILL), pidfd.queue_signal(Signal::USR1, 1)] {
        let error = error.unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Disconnected, Some(libc::ESRCH)));
        assert!(error.to_string().contains("has ended"), "{error}");
    }
}

/// Runs in a pid namespace of its own, where the test can choose the next id.
#[serial_test]
fn send_signal_after_pid_reuse_spares_the_new_process() -> Outcome {
    in_own_pid_namespace(|| {
        let first = idle();
        let pidfd = pidfd_of(&first);
        let pid = first.pid();
        first.kill();
        fs::write("/proc/sys/kernel/ns_last_pid", (pid.as_raw() - 1).to_string()).unwrap();
        let second = idle();
        assert_eq!(second.pid(), pid, "the new process has the same id");
        assert_eq!(kind_of(pidfd.send_signal(Signal::KILL)), ErrorKind::Disconnected);
        assert_eq!(kind_of(pidfd.descriptor(0)), ErrorKind::Disconnected);
        assert_eq!(kind_of(pidfd.state()), ErrorKind::Disconnected);
        assert!(pidfd.has_ended().unwrap());
        assert!(!pidfd_of(&second).has_ended().unwrap(), "the new process still runs");
    })
}

fn in_own_pid_namespace(role: impl FnOnce()) -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may create a pid namespace".into());
    }
    // The first child after unshare(2) is the init process of the namespace.
    Peer::start(|| {
        unshare(CloneFlags::CLONE_NEWPID).expect("unshare(2)");
        Peer::start(role).join();
    })
    .join();
    Outcome::Passed
}

#[serial_test]
fn send_signal_without_permission_returns_permission_denied() -> Outcome {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    as_unprivileged_user(|| {
        assert_eq!(kind_of(pidfd.send_signal(Signal::TERM)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(pidfd.queue_signal(Signal::TERM, 1)), ErrorKind::PermissionDenied);
    })
}

#[serial_test]
fn send_signal_to_parent_pid_namespace_returns_invalid() -> Outcome {
    let outside = PidFd::current().unwrap();
    in_own_pid_namespace(|| {
        assert_eq!(kind_of(outside.send_signal(Signal::WINCH)), ErrorKind::Invalid);
    })
}

/// Takes the blocked signal from the queue. Returns its code, sender and value.
fn take(signal: Signal) -> (i32, i32, u32, i32) {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let set = blocked(signal);
    // SAFETY: because sigwaitinfo(2) reads a valid set and writes one siginfo_t, to a variable of
    // that type.
    assert_eq!(unsafe { libc::sigwaitinfo(&set, info.as_mut_ptr()) }, signal.number());
    // SAFETY: because siginfo_t consists of integers, for which the initial zeroes are valid too.
    let info = unsafe { info.assume_init() };
    // SAFETY: because a signal that a process sent has these fields.
    let (pid, uid, value) = unsafe { (info.si_pid(), info.si_uid(), info.si_value()) };
    (info.si_code, pid, uid, value.sival_ptr as usize as i32)
}

/// Blocks the signal in the calling thread, and returns the set of it alone.
fn blocked(signal: Signal) -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: because these calls write to and read from one set, which the first of them makes
    // valid.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal.number());
        libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
        set.assume_init()
    }
}

#[serial_test]
fn queue_signal_delivers_values_in_order_with_sender() {
    let signal = Signal::realtime(3).unwrap();
    let (mut started, mut start) = io::pipe().unwrap();
    let (sender, user) = (id() as i32, getuid().as_raw());
    let peer = Peer::start(move || {
        blocked(signal);
        blocked(Signal::USR1);
        start.write_all(b"x").unwrap();
        for value in [1, i32::MIN, -1] {
            assert_eq!(take(signal), (libc::SI_QUEUE, sender, user, value));
        }
        assert_eq!(take(Signal::USR1), (libc::SI_QUEUE, sender, user, 7));
        assert_eq!(take(Signal::USR1), (libc::SI_USER, sender, user, 0));
    });
    started.read_exact(&mut [0]).unwrap();
    let pidfd = pidfd_of(&peer);
    for value in [1, i32::MIN, -1] {
        pidfd.queue_signal(signal, value).unwrap();
    }
    pidfd.queue_signal(Signal::USR1, 7).unwrap();
    peer.wait_asleep();
    pidfd.send_signal(Signal::USR1).unwrap();
    peer.join();
}

#[serial_test]
fn queue_signal_beyond_limit_names_rlimit_sigpending() {
    let signal = Signal::realtime(3).unwrap();
    let (mut started, mut start) = io::pipe().unwrap();
    let peer = Peer::start(move || {
        blocked(signal);
        blocked(Signal::USR1);
        setrlimit(Resource::RLIMIT_SIGPENDING, 0, 0).unwrap();
        start.write_all(b"x").unwrap();
        loop {
            nix::unistd::pause();
        }
    });
    started.read_exact(&mut [0]).unwrap();
    let pidfd = pidfd_of(&peer);
    let error = pidfd.queue_signal(signal, 1).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::EAGAIN)));
    let limit = error.limit().unwrap();
    assert_eq!((limit.name(), limit.value()), ("RLIMIT_SIGPENDING", 0), "the limit of the receiver");
    pidfd.queue_signal(Signal::USR1, 1).unwrap();
    pidfd.send_signal(signal).unwrap();
}
