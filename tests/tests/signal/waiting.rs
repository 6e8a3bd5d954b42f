//! Waiting for blocked signals.

use std::thread;
use std::time::{Duration, Instant};

use ipcraft::signal::{
    ChildEvent, Code, Signal, SignalSet, block, catch, pending, send, send_thread, thread_id,
};
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::sys::signal as other;
use nix::sys::signal::{SigHandler, SigevNotify};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use nix::unistd::pause;

use crate::{in_child, kind_of, queue_to_self, rt};

#[serial_test]
fn wait_takes_lowest_number_first_and_each_in_order() {
    in_child(|| {
        let blocked = block(SignalSet::from([rt(0), rt(1), rt(2)])).unwrap();
        for (signal, value) in [(2, 1), (0, 2), (1, 3), (0, 4), (2, 5), (0, 6)] {
            queue_to_self(rt(signal), value);
        }
        let taken: Vec<_> = (0..6).map(|_| blocked.wait().unwrap().value().unwrap()).collect();
        assert_eq!(taken, [2, 4, 6, 3, 1, 5]);
    });
}

#[serial_test]
fn try_wait_takes_exactly_one_signal() {
    in_child(|| {
        let blocked = block(rt(0)).unwrap();
        for value in 1..=3 {
            queue_to_self(rt(0), value);
        }
        for value in 1..=3 {
            assert_eq!(pending().unwrap(), rt(0).into());
            assert_eq!(blocked.try_wait().unwrap().value(), Some(value));
        }
        assert_eq!(pending().unwrap(), SignalSet::empty());
        assert_eq!(kind_of(blocked.try_wait()), ErrorKind::Empty);
    });
}

#[serial_test]
fn try_wait_takes_merged_standard_signals_once() {
    in_child(|| {
        let blocked = block(Signal::USR1).unwrap();
        for value in [1, 2, 3] {
            queue_to_self(Signal::USR1, value);
        }
        assert_eq!(blocked.try_wait().unwrap().value(), Some(1));
        assert_eq!(kind_of(blocked.try_wait()), ErrorKind::Empty);
        // A signal of the thread and one of the process do not merge. That of the thread comes
        // first.
        send(Pid::current(), Signal::USR1).unwrap();
        send_thread(Pid::current(), thread_id(), Signal::USR1).unwrap();
        assert_eq!(blocked.try_wait().unwrap().code(), Code::Thread);
        assert_eq!(blocked.try_wait().unwrap().code(), Code::User);
        assert_eq!(kind_of(blocked.try_wait()), ErrorKind::Empty);
    });
}

#[serial_test]
fn try_wait_without_signal_returns_empty() {
    let blocked = block(rt(0)).unwrap();
    let error = blocked.try_wait().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Empty, Some(libc::EAGAIN)));
    assert_eq!(kind_of(blocked.wait_timeout(Duration::ZERO)), ErrorKind::TimedOut);
    send_thread(Pid::current(), thread_id(), rt(0)).unwrap();
    let info = blocked.wait_timeout(Duration::ZERO).expect("an expired timeout takes a pending signal");
    assert_eq!(info.signal(), rt(0));
}

#[serial_test]
fn wait_interrupted_by_handler_continues() {
    in_child(|| {
        // Handled with SA_RESTART, which does not restart sigtimedwait(2).
        let caught = catch(Signal::USR1).unwrap();
        let blocked = block(rt(0)).unwrap();
        let (pid, waiter) = (Pid::current(), thread_id());
        let sender = thread::spawn(move || {
            for _ in 0..5 {
                thread::sleep(Duration::from_millis(5));
                send_thread(pid, waiter, Signal::USR1).unwrap();
            }
            thread::sleep(SHORT_TIMEOUT);
            send_thread(pid, waiter, rt(0)).unwrap();
        });
        let start = Instant::now();
        assert_eq!(kind_of(blocked.wait_timeout(Duration::from_millis(20))), ErrorKind::TimedOut);
        assert!(start.elapsed() >= Duration::from_millis(20));
        assert_eq!(blocked.wait().unwrap().signal(), rt(0));
        sender.join().unwrap();
        assert_eq!(caught.count(), 5);
    });
}

#[serial_test]
fn blocked_wait_returns_when_signal_arrives() {
    let _blocked = block(rt(0)).unwrap();
    let waits: [fn(&ipcraft::signal::SignalMaskGuard) -> ipcraft::Result<ipcraft::signal::SignalInfo>; 3] =
        [|b| b.wait(), |b| b.wait_timeout(LONG_TIMEOUT), |b| b.wait_timeout(Duration::MAX)];
    for wait in waits {
        let receiver = Peer::start(|| {
            let blocked = block(rt(0)).unwrap();
            assert_eq!(wait(&blocked).unwrap().signal(), rt(0));
        });
        receiver.wait_asleep();
        send(receiver.id(), rt(0)).unwrap();
        receiver.join();
    }
}

#[serial_test]
fn signal_with_several_waiters_reaches_one() {
    in_child(|| {
        let _blocked = block(rt(0)).unwrap();
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                thread::spawn(|| {
                    let blocked = block(rt(0)).unwrap();
                    blocked.wait_timeout(Duration::from_millis(300)).map_err(|e| e.kind())
                })
            })
            .collect();
        thread::sleep(SHORT_TIMEOUT);
        queue_to_self(rt(0), 1);
        let results: Vec<_> = waiters.into_iter().map(|waiter| waiter.join().unwrap()).collect();
        let taken = results.iter().filter(|result| result.is_ok()).count();
        let timed_out = results.iter().filter(|result| **result == Err(ErrorKind::TimedOut)).count();
        assert_eq!((taken, timed_out), (1, 2));
    });
}

#[serial_test]
fn wait_takes_ignored_signals_and_runs_no_handler() {
    in_child(|| {
        // SAFETY: because ignoring a signal runs no code.
        unsafe { other::signal(other::Signal::SIGUSR2, SigHandler::SigIgn) }.unwrap();
        let caught = catch(Signal::USR1).unwrap();
        let blocked = block(Signal::USR1 | Signal::USR2).unwrap();
        send(Pid::current(), Signal::USR2).unwrap();
        assert_eq!(blocked.wait_timeout(LONG_TIMEOUT).unwrap().signal(), Signal::USR2);
        send(Pid::current(), Signal::USR1).unwrap();
        assert_eq!(blocked.wait_timeout(LONG_TIMEOUT).unwrap().signal(), Signal::USR1);
        drop(blocked);
        assert_eq!(caught.count(), 0);

        // An ignored signal does not interrupt a wait.
        let blocked = block(rt(0)).unwrap();
        let parent = Pid::current();
        let sender = Peer::start(|| (0..20).for_each(|_| send(parent, Signal::USR2).unwrap()));
        assert_eq!(kind_of(blocked.wait_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
        sender.join();
    });
}

#[serial_test]
fn wait_for_sigchld_reports_each_event_of_a_child() {
    in_child(|| {
        let blocked = block(Signal::CHLD).unwrap();
        let next = |pid: Pid| {
            let info = blocked.wait_timeout(LONG_TIMEOUT).unwrap();
            assert_eq!(info.sender().unwrap().pid, pid);
            assert_eq!(info.value(), None);
            info.code()
        };
        let child = Peer::start(|| ());
        assert_eq!(next(child.id()), Code::Child(ChildEvent::Exited(0)));
        child.join();

        let child = Peer::start(pause);
        let pid = child.id();
        send(pid, Signal::STOP).unwrap();
        assert_eq!(next(pid), Code::Child(ChildEvent::Stopped(Signal::STOP)));
        send(pid, Signal::CONT).unwrap();
        assert_eq!(next(pid), Code::Child(ChildEvent::Continued));
        send(pid, Signal::KILL).unwrap();
        assert_eq!(next(pid), Code::Child(ChildEvent::Killed(Signal::KILL)));
        child.kill();
    });
}

#[serial_test]
fn wait_for_timer_reports_its_value() {
    in_child(|| {
        let blocked = block(Signal::USR1).unwrap();
        let signal = SigevNotify::SigevSignal { signal: other::Signal::SIGUSR1, si_value: 77 };
        let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, other::SigEvent::new(signal)).unwrap();
        let soon = Expiration::OneShot(nix::sys::time::TimeSpec::new(0, 1_000_000));
        timer.set(soon, TimerSetTimeFlags::empty()).unwrap();
        let info = blocked.wait_timeout(LONG_TIMEOUT).unwrap();
        assert_eq!((info.code(), info.value(), info.sender()), (Code::Timer, Some(77), None));
    });
}

#[serial_test]
fn block_of_reserved_signals_leaves_them_out() {
    let library = [32, 33].map(|number| Signal::from_number(number).unwrap());
    let never = SignalSet::from(library) | Signal::KILL | Signal::STOP;
    for nothing in [SignalSet::empty(), never] {
        assert_eq!(kind_of(block(nothing)), ErrorKind::Invalid);
    }
    let blocked = block(SignalSet::full()).unwrap();
    assert_eq!(blocked.signals(), !never);
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap().trim();
    let kernels: SignalSet = Signal::all()
        .filter(|s| u64::from_str_radix(mask, 16).unwrap() >> (s.number() - 1) & 1 == 1)
        .collect();
    assert_eq!(kernels, !never);
}

#[serial_test]
fn guard_dropped_with_pending_signal_delivers_it() {
    // The signal kills the child.
    let mut child = Peer::start(|| {
        let outer = block(Signal::USR1).unwrap();
        let inner = block(Signal::USR1 | Signal::USR2).unwrap();
        send(Pid::current(), Signal::USR1).unwrap();
        drop(inner);
        assert_eq!(outer.wait().unwrap().signal(), Signal::USR1, "the outer guard still blocks it");
        send(Pid::current(), Signal::USR1).unwrap();
        drop(outer);
        unreachable!("the pending signal is delivered here");
    });
    let end = child.wait().unwrap();
    assert!(matches!(end, nix::sys::wait::WaitStatus::Signaled(_, other::Signal::SIGUSR1, _)), "{end:?}");
}
