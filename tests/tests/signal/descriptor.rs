//! Signalfd: batches, the three forms of reading, and descriptor properties.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use ipcraft::signal::{ChildEvent, Code, MAX_BATCH, Signal, SignalFd, block, pending, queue, send};
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::namespace::with_own_mounts;
use ipcraft_tests::old_kernel::{Rule, with_rules};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pause;

use crate::{in_child, kind_of, queue_to_self, rt};

#[serial_test]
fn read_many_returns_up_to_a_whole_batch() {
    in_child(|| {
        let blocked = block(rt(0) | rt(1)).unwrap();
        let signals = SignalFd::new(&blocked).unwrap();
        assert_eq!(kind_of(signals.try_read_many()), ErrorKind::Empty);
        for (signal, value) in [(rt(1), 1), (rt(0), 2), (rt(0), -3)] {
            queue_to_self(signal, value);
        }
        let batch = signals.read_many().unwrap();
        assert_eq!(batch.len(), 3);
        let found: Vec<_> = batch.map(|info| (info.signal(), info.value().unwrap())).collect();
        assert_eq!(found, [(rt(0), 2), (rt(0), -3), (rt(1), 1)]);

        let many = MAX_BATCH as i32 + 5;
        (0..many).for_each(|value| queue_to_self(rt(0), value));
        let first = signals.try_read_many().unwrap();
        assert_eq!(first.len(), MAX_BATCH);
        let rest = signals.read_many_timeout(Duration::ZERO).unwrap();
        assert_eq!(rest.len(), 5);
        assert!(first.chain(rest).map(|info| info.value().unwrap()).eq(0..many));
        assert_eq!(pending().unwrap() & rt(0), ipcraft::signal::SignalSet::empty());
    });
}

#[serial_test]
fn read_returns_one_signal_at_a_time() {
    in_child(|| {
        let blocked = block(rt(0) | Signal::USR1 | Signal::CHLD).unwrap();
        let signals = SignalFd::new(&blocked).unwrap();
        queue_to_self(rt(0), 1);
        queue_to_self(rt(0), 2);
        send(Pid::current(), Signal::USR1).unwrap();
        let user = signals.read().unwrap();
        assert_eq!((user.signal(), user.code(), user.value()), (Signal::USR1, Code::User, None));
        assert_eq!(user.sender().unwrap().pid, Pid::current());
        assert_eq!(signals.try_read().unwrap().value(), Some(1));
        let last = signals.read_timeout(Duration::ZERO).unwrap();
        assert_eq!((last.code(), last.value()), (Code::Queue, Some(2)));
        assert_eq!(last.sender().unwrap().pid, Pid::current());

        let child = Peer::start(pause);
        send(child.id(), Signal::KILL).unwrap();
        let info = signals.read_timeout(LONG_TIMEOUT).unwrap();
        assert_eq!(info.code(), Code::Child(ChildEvent::Killed(Signal::KILL)));
        assert_eq!(info.sender().unwrap().pid, child.id());
    });
}

#[serial_test]
fn read_without_signal_blocks_times_out_or_returns_empty() {
    let blocked = block(rt(0)).unwrap();
    let signals = SignalFd::new(&blocked).unwrap();
    let empty = signals.try_read().unwrap_err();
    assert_eq!((empty.kind(), empty.errno()), (ErrorKind::Empty, Some(libc::EAGAIN)));
    let start = Instant::now();
    assert_eq!(kind_of(signals.read_timeout(SHORT_TIMEOUT * 3)), ErrorKind::TimedOut);
    assert_eq!(kind_of(signals.read_many_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    assert!(start.elapsed() >= SHORT_TIMEOUT * 4);

    let reads: [fn(&SignalFd) -> Option<i32>; 3] = [
        |fd| fd.read().unwrap().value(),
        |fd| fd.read_timeout(LONG_TIMEOUT).unwrap().value(),
        |fd| fd.read_many().unwrap().next().unwrap().value(),
    ];
    for read in reads {
        let receiver = Peer::start(|| assert_eq!(read(&signals), Some(9)));
        std::thread::sleep(SHORT_TIMEOUT);
        queue(receiver.id(), rt(0), 9).unwrap();
        receiver.join();
    }
}

#[serial_test]
fn poll_with_pending_signal_is_readable() {
    in_child(|| {
        let blocked = block(rt(0) | rt(1)).unwrap();
        let signals = SignalFd::new(&block(rt(0)).unwrap()).unwrap();
        assert!(!is_readable(&signals));
        queue_to_self(rt(1), 0);
        assert!(!is_readable(&signals), "of another set");
        queue_to_self(rt(0), 0);
        assert!(is_readable(&signals));
        signals.read().unwrap();
        assert!(!is_readable(&signals));
        assert_eq!(blocked.try_wait().unwrap().signal(), rt(1));
    });
}

fn is_readable(signals: &SignalFd) -> bool {
    let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).unwrap() == 1
}

#[serial_test]
fn set_signals_replaces_the_set() {
    in_child(|| {
        let (one, other) = (block(rt(0)).unwrap(), block(rt(1)).unwrap());
        let signals = SignalFd::new(&one).unwrap();
        queue_to_self(rt(0), 0);
        queue_to_self(rt(1), 1);
        assert_eq!(signals.signals().unwrap(), rt(0).into());
        signals.set_signals(&other).unwrap();
        assert_eq!(signals.signals().unwrap(), rt(1).into());
        assert_eq!(signals.try_read().unwrap().value(), Some(1));
        assert_eq!(kind_of(signals.try_read()), ErrorKind::Empty);
        signals.set_signals(&one).unwrap();
        assert_eq!(signals.try_read().unwrap().value(), Some(0));
    });
}

#[serial_test]
fn read_from_other_descriptor_returns_wrong_type() {
    let blocked = block(rt(0)).unwrap();
    let zeroes = || SignalFd::from(OwnedFd::from(File::open("/dev/zero").unwrap()));
    let nothing = || SignalFd::from(OwnedFd::from(File::open("/dev/null").unwrap()));
    let (pipe, writer) = std::io::pipe().unwrap();
    nix::unistd::write(&writer, &[1; 200]).unwrap();
    let pipe = SignalFd::from(OwnedFd::from(pipe));
    for fd in [zeroes(), nothing(), pipe] {
        assert_eq!(kind_of(fd.signals()), ErrorKind::WrongType);
        assert_eq!(kind_of(fd.set_signals(&blocked)), ErrorKind::WrongType);
        assert_eq!(kind_of(fd.read()), ErrorKind::WrongType);
    }
    assert_eq!(kind_of(zeroes().read_many()), ErrorKind::WrongType);
    assert_eq!(kind_of(zeroes().read_timeout(LONG_TIMEOUT)), ErrorKind::WrongType);
}

#[serial_test]
fn signalfd_is_close_on_exec_and_converts_to_owned_fd() {
    let blocked = block(rt(0)).unwrap();
    let fd = OwnedFd::from(SignalFd::new(&blocked).unwrap());
    assert_eq!(fcntl(&fd, FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
    assert_eq!(SignalFd::from(fd).signals().unwrap(), rt(0).into());
}

#[serial_test]
fn read_in_child_takes_the_signals_of_the_child() {
    in_child(|| {
        let blocked = block(rt(0)).unwrap();
        let signals = SignalFd::new(&blocked).unwrap();
        queue_to_self(rt(0), 5);
        in_child(|| {
            assert_eq!(kind_of(signals.try_read()), ErrorKind::Empty);
            queue_to_self(rt(0), 6);
            assert_eq!(signals.try_read().unwrap().value(), Some(6));
        });
        assert_eq!(signals.try_read().unwrap().value(), Some(5));
    });
}

#[serial_test]
fn set_signals_in_a_forked_child_leaves_the_parents_set() {
    in_child(|| {
        let blocked = block(Signal::TERM | Signal::USR1).unwrap();
        let signals = SignalFd::new(&blocked).unwrap();
        in_child(|| {
            let narrower = block(Signal::USR1).unwrap();
            let number = signals.as_fd().as_raw_fd();
            signals.set_signals(&narrower).unwrap();
            assert_eq!(signals.as_fd().as_raw_fd(), number);
            assert_eq!(fcntl(&signals, FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
            assert_eq!(signals.signals().unwrap(), Signal::USR1.into());
            send(Pid::current(), Signal::TERM).unwrap();
            send(Pid::current(), Signal::USR1).unwrap();
            assert_eq!(signals.read().unwrap().signal(), Signal::USR1);
            assert_eq!(kind_of(signals.try_read()), ErrorKind::Empty);
        });
        assert_eq!(signals.signals().unwrap(), blocked.signals());
        send(Pid::current(), Signal::TERM).unwrap();
        assert_eq!(signals.read_timeout(LONG_TIMEOUT).unwrap().signal(), Signal::TERM);
    });
}

/// As on Linux 5.10 after a change of the user, where fdinfo cannot be read.
#[serial_test]
fn try_read_without_proc_and_without_nowait_uses_the_given_set() -> Outcome {
    let rules = [Rule::Fails(libc::SYS_preadv2, Errno::EOPNOTSUPP)];
    let mut inner = Outcome::Passed;
    let outer = with_own_mounts(|| {
        let none = None::<&str>;
        mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), none).unwrap();
        inner = with_rules(&rules, || {
            let blocked = block(rt(0) | Signal::TERM).unwrap();
            let signals = SignalFd::new(&blocked).unwrap();
            assert_eq!(signals.signals().unwrap(), blocked.signals());
            assert_eq!(kind_of(signals.try_read()), ErrorKind::Empty);
            (1..4).for_each(|value| queue_to_self(rt(0), value));
            assert_eq!(signals.try_read().unwrap().value(), Some(1));
            assert_eq!(signals.read_timeout(SHORT_TIMEOUT).unwrap().value(), Some(2));
            assert_eq!(signals.try_read_many().unwrap().len(), 1);
            let narrower = block(Signal::TERM).unwrap();
            signals.set_signals(&narrower).unwrap();
            queue_to_self(rt(0), 4);
            assert_eq!(kind_of(signals.try_read()), ErrorKind::Empty);
            let adopted = SignalFd::from(OwnedFd::from(signals));
            assert_eq!(kind_of(adopted.try_read()), ErrorKind::Unsupported);
            // Pending when the guard is dropped, it would kill the process.
            assert_eq!(blocked.try_wait().unwrap().value(), Some(4));
        });
    });
    if matches!(outer, Outcome::Passed) { inner } else { outer }
}
