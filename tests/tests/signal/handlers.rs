//! Signal handlers that count.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::signal::{Signal, catch, send};
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;

use crate::{in_child, kind_of, queue_to_self, rt};

#[serial_test]
fn caught_signals_are_counted() {
    in_child(|| {
        let (terms, jobs) = (catch(Signal::TERM).unwrap(), catch(rt(0)).unwrap());
        let again = catch(rt(0)).unwrap();
        assert_eq!((terms.count(), jobs.count(), jobs.signal()), (0, 0, rt(0)));
        (0..5).for_each(|value| queue_to_self(rt(0), value));
        assert_eq!((terms.count(), jobs.count(), again.count()), (0, 5, 5));
        assert_eq!((jobs.take(), jobs.count(), again.count()), (5, 0, 5));
        drop(again);
        let parent = Pid::current();
        Peer::start(|| send(parent, Signal::TERM).unwrap()).join();
        let start = Instant::now();
        while terms.count() == 0 && start.elapsed() < LONG_TIMEOUT {
            sleep(Duration::from_millis(1));
        }
        assert_eq!((terms.take(), jobs.take()), (1, 0));
    });
}

#[serial_test]
fn catch_of_uncatchable_signal_returns_invalid() {
    let library = Signal::from_number(32).unwrap();
    for signal in [Signal::KILL, Signal::STOP, Signal::SEGV, Signal::ILL, Signal::FPE, library] {
        assert_eq!(kind_of(catch(signal)), ErrorKind::Invalid, "{signal}");
    }
}

#[serial_test]
fn signal_after_counter_dropped_has_no_effect() {
    in_child(|| {
        let caught = catch(Signal::TERM).unwrap();
        drop(caught);
        send(Pid::current(), Signal::TERM).unwrap();
        let caught = catch(Signal::TERM).unwrap();
        assert_eq!(caught.count(), 0);
        send(Pid::current(), Signal::TERM).unwrap();
        assert_eq!(caught.count(), 1);
    });
}
