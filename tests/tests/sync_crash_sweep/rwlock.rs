//! `RwLock`: a killed reader changes nothing, and the death of a killed writer is reported.
use std::cell::RefCell;

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::{ReadGuard, RwLock, WriteGuard};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use libtest_mimic::Trial;

use crate::common::{EXPIRING_TIMEOUT, HANG_TIMEOUT, Pair, change, clean, die_with, recover, shared_value};

pub(crate) fn tests() -> Vec<Trial> {
    let failing = |call: fn(&Table) -> Result<(), ErrorKind>| Failing(call);
    vec![
        clean("rwlock_read", reading(Other::None, |pair| compare(pair.read()))),
        clean("rwlock_try_read", reading(Other::None, |pair| compare(pair.try_read()))),
        clean("rwlock_read_beside_a_reader", reading(Other::Reader, |pair| compare(pair.read()))),
        clean("rwlock_read_after_a_writer", reading(Other::Writer, |pair| compare(pair.read()))),
        clean(
            "rwlock_read_timeout_after_a_writer",
            reading(Other::Writer, |pair| compare(pair.read_timeout(HANG_TIMEOUT))),
        ),
        clean("rwlock_try_read_failing", failing(|pair| pair.try_read().map(drop).map_err(|e| e.kind()))),
        clean(
            "rwlock_read_timeout_expiring",
            failing(|pair| pair.read_timeout(EXPIRING_TIMEOUT).map(drop).map_err(|e| e.kind())),
        ),
        clean("rwlock_write", writing(Other::None, |pair| change(pair.write().unwrap()))),
        clean("rwlock_try_write", writing(Other::None, |pair| change(pair.try_write().unwrap()))),
        clean("rwlock_write_after_a_reader", writing(Other::Reader, |pair| change(pair.write().unwrap()))),
        clean("rwlock_write_after_a_writer", writing(Other::Writer, |pair| change(pair.write().unwrap()))),
        clean(
            "rwlock_write_timeout_after_a_writer",
            writing(Other::Writer, |pair| change(pair.write_timeout(HANG_TIMEOUT).unwrap())),
        ),
        clean("rwlock_try_write_failing", failing(|pair| pair.try_write().map(drop).map_err(|e| e.kind()))),
        clean(
            "rwlock_write_timeout_expiring",
            failing(|pair| pair.write_timeout(EXPIRING_TIMEOUT).map(drop).map_err(|e| e.kind())),
        ),
        clean("rwlock_end_read_with_a_waiting_writer", EndReadWithWriter),
        clean("rwlock_end_write_with_waiters", EndWriteWithWaiters),
        clean("rwlock_repair", Repair),
    ]
}

/// The lock under test. With few slots it runs the same code in fewer instructions.
type Table = RwLock<Pair, 2>;

type Read<'a> = ReadGuard<'a, Pair, 2>;
type Write<'a> = WriteGuard<'a, Pair, 2>;

/// What another process holds meanwhile.
#[derive(Clone, Copy, PartialEq)]
enum Other {
    None,
    Reader,
    Writer,
}

struct Fixture {
    /// Leaked, because guards that borrow it are kept beside it.
    pair: &'static Shared<Table>,
    reading: RefCell<Option<Read<'static>>>,
    writing: RefCell<Option<Write<'static>>>,
}

impl Fixture {
    fn new(other: Other) -> Fixture {
        let pair = Box::leak(Box::new(shared_value(|pair: &Table| pair.init([0, 0]))));
        let fixture = Fixture { pair, reading: RefCell::new(None), writing: RefCell::new(None) };
        fixture.hold(other);
        fixture
    }

    fn hold(&self, other: Other) {
        match other {
            Other::None => {}
            Other::Reader => *self.reading.borrow_mut() = Some(self.pair.read().unwrap()),
            Other::Writer => *self.writing.borrow_mut() = Some(self.pair.write().unwrap()),
        }
    }

    fn release(&self) {
        drop(self.reading.take());
        drop(self.writing.take());
    }

    /// Reads and writes after the kill.
    fn check_survivors(&self) -> Outcome {
        let read = match self.pair.read_timeout(HANG_TIMEOUT) {
            Ok(pair) => {
                assert_eq!(pair[0], pair[1], "half changed, and no death was reported");
                Outcome::Unnoticed
            }
            Err(error) if error.kind() == ErrorKind::OwnerDied => Outcome::Notified,
            Err(error) if error.kind() == ErrorKind::TimedOut => return Outcome::Stuck,
            Err(error) => panic!("{error}"),
        };
        let written = self.write();
        assert!(written == Outcome::Stuck || written == read, "reader: {read:?}, writer: {written:?}");
        compare(self.pair.try_read());
        written
    }

    /// Writes, and repairs the data if a death is reported.
    fn write(&self) -> Outcome {
        recover(self.pair.write_timeout(HANG_TIMEOUT))
    }
}

fn compare(pair: ipcraft::Result<Read<'_>>) {
    let pair = pair.unwrap();
    assert_eq!(pair[0], pair[1]);
}

/// Killed while it reads or writes, perhaps after another process.
struct Using {
    other: Other,
    operation: fn(&Table),
    writes: bool,
}

fn reading(other: Other, read: fn(&Table)) -> Using {
    Using { other, operation: read, writes: false }
}

fn writing(other: Other, write: fn(&Table)) -> Using {
    Using { other, operation: write, writes: true }
}

impl Scenario for Using {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        Fixture::new(self.other)
    }

    fn operate(&self, fixture: &Fixture) {
        (self.operation)(fixture.pair);
    }

    fn wake(&self, fixture: &Fixture) {
        fixture.release();
    }

    fn rearm(&self, fixture: &Fixture) {
        fixture.release();
        fixture.hold(self.other);
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        fixture.release();
        let outcome = fixture.check_survivors();
        assert!(self.writes || outcome != Outcome::Notified, "a dead reader changes nothing");
        outcome
    }
}

/// Killed while another process writes, so that the operation fails.
struct Failing(fn(&Table) -> Result<(), ErrorKind>);

impl Scenario for Failing {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        Fixture::new(Other::Writer)
    }

    fn operate(&self, fixture: &Fixture) {
        let kind = (self.0)(fixture.pair).unwrap_err();
        assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    }

    fn wake(&self, _fixture: &Fixture) {
        // The timeout ends the wait.
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        fixture.release();
        let outcome = fixture.check_survivors();
        assert_ne!(outcome, Outcome::Notified, "the dead process did not hold the lock");
        outcome
    }
}

/// Killed while it ends a read and a writer waits. The first call begins to read, the second ends.
struct EndReadWithWriter;

impl Scenario for EndReadWithWriter {
    type Fixture = (Fixture, RefCell<Option<Peer>>);

    fn fixture(&self) -> Self::Fixture {
        (Fixture::new(Other::None), RefCell::new(None))
    }

    fn operate(&self, (fixture, _): &Self::Fixture) {
        match fixture.reading.take() {
            None => fixture.hold(Other::Reader),
            Some(pair) => drop(pair),
        }
    }

    fn rearm(&self, (fixture, other): &Self::Fixture) {
        let waiter = Peer::start(|| change(fixture.pair.write_timeout(HANG_TIMEOUT).unwrap()));
        waiter.wait_asleep();
        *other.borrow_mut() = Some(waiter);
    }

    fn check(&self, (fixture, other): Self::Fixture) -> Outcome {
        other.into_inner().unwrap().join();
        fixture.check_survivors()
    }
}

/// Killed while it ends a write, and a reader and a writer wait. The first call begins to write,
/// the second changes the data and ends.
struct EndWriteWithWaiters;

impl Scenario for EndWriteWithWaiters {
    type Fixture = (Fixture, RefCell<Vec<Peer>>);

    fn fixture(&self) -> Self::Fixture {
        (Fixture::new(Other::None), RefCell::new(Vec::new()))
    }

    fn operate(&self, (fixture, _): &Self::Fixture) {
        match fixture.writing.take() {
            None => fixture.hold(Other::Writer),
            Some(pair) => change(pair),
        }
    }

    fn rearm(&self, (fixture, others): &Self::Fixture) {
        let reader = Peer::start(|| match fixture.pair.read_timeout(HANG_TIMEOUT) {
            Err(error) if error.kind() == ErrorKind::OwnerDied => {}
            read => compare(read),
        });
        let writer = Peer::start(|| assert_ne!(fixture.write(), Outcome::Stuck));
        let waiters = [reader, writer];
        waiters.iter().for_each(Peer::wait_asleep);
        others.borrow_mut().extend(waiters);
    }

    fn check(&self, (fixture, others): Self::Fixture) -> Outcome {
        others.into_inner().into_iter().for_each(Peer::join);
        // The waiting writer has repaired the data.
        let outcome = fixture.check_survivors();
        assert_ne!(outcome, Outcome::Notified);
        outcome
    }
}

/// Killed while it repairs the data of a dead writer.
struct Repair;

impl Repair {
    fn die(fixture: &Fixture) {
        die_with(|| fixture.pair.write().unwrap());
    }
}

impl Scenario for Repair {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        let fixture = Fixture::new(Other::None);
        Repair::die(&fixture);
        fixture
    }

    fn operate(&self, fixture: &Fixture) {
        assert_eq!(recover(fixture.pair.write()), Outcome::Notified);
    }

    fn rearm(&self, fixture: &Fixture) {
        Repair::die(fixture);
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        fixture.check_survivors()
    }
}
