//! Room for queued signals, and what happens without.

use ipcraft::error::Limit;
use ipcraft::signal::{Code, Signal, SignalFd, block, queue, queue_thread, send, send_thread, thread_id};
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::peer::Peer;
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{LONG, in_child, kind_of, queue_to_self, rt};

/// In a child that may have so many signals queued, which inherits what this process blocks.
fn with_room_for(signals: u64, role: impl FnOnce()) -> Peer {
    Peer::start(move || {
        setrlimit(Resource::RLIMIT_SIGPENDING, signals, signals).unwrap();
        role();
    })
}

/// How many are queued for this process's user now.
fn queued() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let numbers = status.lines().find_map(|line| line.strip_prefix("SigQ:")).unwrap();
    numbers.trim().split_once('/').unwrap().0.parse().unwrap()
}

pub(crate) fn of_the_queue_are_named() {
    let room = queued() + 8;
    with_room_for(room, || {
        let blocked = block(rt(0)).unwrap();
        let mut sent = 0;
        let error = loop {
            match queue(Pid::current(), rt(0), sent) {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
        };
        assert!(sent > 0 && u64::from(sent.unsigned_abs()) <= room);
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(Errno::EAGAIN as i32)));
        let limit = error.limit().unwrap();
        assert_eq!((limit.name(), limit.value()), ("RLIMIT_SIGPENDING", room));
        assert!(limit.requested() > Some(room), "{error}");
        assert_eq!(kind_of(queue_thread(Pid::current(), thread_id(), rt(0), 0)), ErrorKind::LimitReached);
        assert_eq!(kind_of(send_thread(Pid::current(), thread_id(), rt(0))), ErrorKind::LimitReached);
        let taken: Vec<_> = (0..sent).map(|_| blocked.try_wait().unwrap().value().unwrap()).collect();
        assert!(taken.into_iter().eq(0..sent), "what was accepted comes, in order");
        assert_eq!(kind_of(blocked.try_wait()), ErrorKind::Empty);
    })
    .join();

    with_room_for(0, || {
        let _blocked = block(rt(0)).unwrap();
        assert_eq!(kind_of(send_thread(Pid::current(), thread_id(), rt(0))), ErrorKind::LimitReached);
    })
    .join();
}

pub(crate) fn of_the_queue_are_the_receivers() {
    let _blocked = block(rt(0) | rt(1)).unwrap();
    let receiver = with_room_for(0, || {
        let blocked = block(rt(1)).unwrap();
        blocked.wait_timeout(LONG).unwrap();
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

pub(crate) fn of_the_queue_cost_a_standard_signal_its_value() {
    with_room_for(0, || {
        let blocked = block(Signal::USR1).unwrap();
        queue_to_self(Signal::USR1, 5);
        let info = blocked.try_wait().unwrap();
        assert_eq!((info.code(), info.value(), info.sender()), (Code::User, None, None));
    })
    .join();
}

pub(crate) fn of_the_queue_merge_what_was_only_sent() {
    with_room_for(0, || {
        let blocked = block(rt(0)).unwrap();
        (0..3).for_each(|_| send(Pid::current(), rt(0)).unwrap());
        assert_eq!(blocked.try_wait().unwrap().sender(), None);
        assert_eq!(kind_of(blocked.try_wait()), ErrorKind::Empty);
    })
    .join();
}

pub(crate) fn of_the_descriptor_table_are_named() {
    in_child(|| {
        let blocked = block(rt(0)).unwrap();
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, 0, hard).unwrap();
        let error = SignalFd::new(&blocked).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(Errno::EMFILE as i32)));
        assert_eq!(error.limit().map(Limit::name), Some("RLIMIT_NOFILE"));
    });
}
