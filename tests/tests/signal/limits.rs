//! Limits of queued signals and of descriptors.

use ipcraft::error::Limit;
use ipcraft::signal::{Code, Signal, SignalFd, block, queue, queue_thread, send, send_thread, thread_id};
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{in_child, kind_of, queue_to_self, rt};

/// Runs the role in a child with this limit of queued signals. The child inherits the mask.
fn with_queue_limit(signals: u64, role: impl FnOnce()) -> Peer {
    Peer::start(move || {
        setrlimit(Resource::RLIMIT_SIGPENDING, signals, signals).unwrap();
        role();
    })
}

/// Returns the number of signals that are queued for the user of this process.
fn queued() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let numbers = status.lines().find_map(|line| line.strip_prefix("SigQ:")).unwrap();
    numbers.trim().split_once('/').unwrap().0.parse().unwrap()
}

#[serial_test]
fn queue_beyond_limit_names_rlimit_sigpending() {
    let maximum = queued() + 8;
    with_queue_limit(maximum, || {
        let blocked = block(rt(0)).unwrap();
        let mut sent = 0;
        let error = loop {
            match queue(Pid::current(), rt(0), sent) {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
        };
        assert!(sent > 0 && u64::from(sent.unsigned_abs()) <= maximum);
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(Errno::EAGAIN as i32)));
        let limit = error.limit().unwrap();
        assert_eq!((limit.name(), limit.value()), ("RLIMIT_SIGPENDING", maximum));
        assert!(limit.requested() > Some(maximum), "{error}");
        assert_eq!(kind_of(queue_thread(Pid::current(), thread_id(), rt(0), 0)), ErrorKind::LimitReached);
        assert_eq!(kind_of(send_thread(Pid::current(), thread_id(), rt(0))), ErrorKind::LimitReached);
        let taken: Vec<_> = (0..sent).map(|_| blocked.try_wait().unwrap().value().unwrap()).collect();
        assert!(taken.into_iter().eq(0..sent), "every accepted signal is delivered, in order");
        assert_eq!(kind_of(blocked.try_wait()), ErrorKind::Empty);
    })
    .join();

    with_queue_limit(0, || {
        let _blocked = block(rt(0)).unwrap();
        assert_eq!(kind_of(send_thread(Pid::current(), thread_id(), rt(0))), ErrorKind::LimitReached);
    })
    .join();
}

#[serial_test]
fn queue_uses_the_limit_of_the_receiver() {
    let _blocked = block(rt(0) | rt(1)).unwrap();
    let receiver = with_queue_limit(0, || {
        let blocked = block(rt(1)).unwrap();
        blocked.wait_timeout(LONG_TIMEOUT).unwrap();
    });
    let pid = receiver.id();
    receiver.wait_asleep();
    let (mine, _) = getrlimit(Resource::RLIMIT_SIGPENDING).unwrap();
    assert!(mine > 0);
    let error = queue(pid, rt(0), 1).unwrap_err();
    assert_eq!(error.limit().map(Limit::value), Some(0), "{error}");
    send(pid, rt(1)).unwrap();
    receiver.join();
}

#[serial_test]
fn queue_of_standard_signal_beyond_limit_loses_its_value() {
    with_queue_limit(0, || {
        let blocked = block(Signal::USR1).unwrap();
        queue_to_self(Signal::USR1, 5);
        let info = blocked.try_wait().unwrap();
        assert_eq!((info.code(), info.value(), info.sender()), (Code::User, None, None));
    })
    .join();
}

#[serial_test]
fn send_of_realtime_signals_beyond_limit_merges_them() {
    with_queue_limit(0, || {
        let blocked = block(rt(0)).unwrap();
        (0..3).for_each(|_| send(Pid::current(), rt(0)).unwrap());
        assert_eq!(blocked.try_wait().unwrap().sender(), None);
        assert_eq!(kind_of(blocked.try_wait()), ErrorKind::Empty);
    })
    .join();
}

#[serial_test]
fn signalfd_with_full_descriptor_table_names_rlimit_nofile() {
    in_child(|| {
        let blocked = block(rt(0)).unwrap();
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, 0, hard).unwrap();
        let error = SignalFd::new(&blocked).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(Errno::EMFILE as i32)));
        assert_eq!(error.limit().map(Limit::name), Some("RLIMIT_NOFILE"));
    });
}
