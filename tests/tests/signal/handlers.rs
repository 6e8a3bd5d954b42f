//! Handlers that count.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::signal::{Signal, catch, send};
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::peer::Peer;

use crate::{LONG, in_child, kind_of, queue_to_self, rt};

pub(crate) fn count() {
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
        while terms.count() == 0 && start.elapsed() < LONG {
            sleep(Duration::from_millis(1));
        }
        assert_eq!((terms.take(), jobs.take()), (1, 0));
    });
}

pub(crate) fn are_refused_where_they_make_no_sense() {
    let library = Signal::from_number(32).unwrap();
    for signal in [Signal::KILL, Signal::STOP, Signal::SEGV, Signal::ILL, Signal::FPE, library] {
        assert_eq!(kind_of(catch(signal)), ErrorKind::Invalid, "{signal}");
    }
}

pub(crate) fn leave_a_signal_that_does_nothing() {
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
