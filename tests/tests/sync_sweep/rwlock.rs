//! `RwLock`: a killed reader is harmless, and a killed writer's data is told of to whoever comes next.

use std::cell::RefCell;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::{LockError, ReadGuard, RwLock, WriteGuard};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use libtest_mimic::Trial;

use crate::world::{HANG_TIMEOUT, clean, shared};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        clean("rwlock_read", reading(Other::Nobody, |pair| compare(pair.read()))),
        clean("rwlock_try_read", reading(Other::Nobody, |pair| compare(pair.try_read()))),
        clean("rwlock_read_beside_a_reader", reading(Other::Reader, |pair| compare(pair.read()))),
        clean("rwlock_read_after_a_writer", reading(Other::Writer, |pair| compare(pair.read()))),
        clean(
            "rwlock_read_timeout_after_a_writer",
            reading(Other::Writer, |pair| compare(pair.read_timeout(HANG_TIMEOUT))),
        ),
        clean("rwlock_try_read_in_vain", InVain(|pair| pair.try_read().map(drop).map_err(|e| e.kind()))),
        clean(
            "rwlock_read_timeout_in_vain",
            InVain(|pair| pair.read_timeout(SHORT).map(drop).map_err(|e| e.kind())),
        ),
        clean("rwlock_write", writing(Other::Nobody, |pair| change(pair.write()))),
        clean("rwlock_try_write", writing(Other::Nobody, |pair| change(pair.try_write()))),
        clean("rwlock_write_after_a_reader", writing(Other::Reader, |pair| change(pair.write()))),
        clean("rwlock_write_after_a_writer", writing(Other::Writer, |pair| change(pair.write()))),
        clean(
            "rwlock_write_timeout_after_a_writer",
            writing(Other::Writer, |pair| change(pair.write_timeout(HANG_TIMEOUT))),
        ),
        clean("rwlock_try_write_in_vain", InVain(|pair| pair.try_write().map(drop).map_err(|e| e.kind()))),
        clean(
            "rwlock_write_timeout_in_vain",
            InVain(|pair| pair.write_timeout(SHORT).map(drop).map_err(|e| e.kind())),
        ),
        clean("rwlock_end_of_a_read_before_a_writer", ReadBeforeWriter),
        clean("rwlock_end_of_a_write_before_a_reader", WriteBeforeReader),
        clean("rwlock_repair", Repair),
    ]
}

/// A timeout that passes.
const SHORT: Duration = Duration::from_millis(1);

/// Two numbers that are equal while nobody writes. A lock with few slots is the same code, and fewer instructions.
type Pair = RwLock<[u64; 2], 2>;

type Read<'a> = ReadGuard<'a, [u64; 2], 2>;
type Write<'a> = WriteGuard<'a, [u64; 2], 2>;

/// Who has the lock besides.
#[derive(Clone, Copy, PartialEq)]
enum Other {
    Nobody,
    Reader,
    Writer,
}

struct World {
    /// Leaked, since a guard that refers to it is kept beside it.
    pair: &'static Shared<Pair>,
    reading: RefCell<Option<Read<'static>>>,
    writing: RefCell<Option<Write<'static>>>,
}

impl World {
    fn new(other: Other) -> World {
        let pair = Box::leak(Box::new(shared(|pair: &Pair| pair.init([0, 0]))));
        let world = World { pair, reading: RefCell::new(None), writing: RefCell::new(None) };
        world.hold(other);
        world
    }

    fn hold(&self, other: Other) {
        match other {
            Other::Nobody => {}
            Other::Reader => *self.reading.borrow_mut() = Some(self.pair.read().unwrap()),
            Other::Writer => *self.writing.borrow_mut() = Some(self.pair.write().unwrap()),
        }
    }

    fn release(&self) {
        drop(self.reading.take());
        drop(self.writing.take());
    }

    /// Reads and writes after the kill.
    fn survivors(&self) -> Outcome {
        let read = match self.pair.read_timeout(HANG_TIMEOUT) {
            Ok(pair) => {
                assert_eq!(pair[0], pair[1], "half changed, and nobody was told");
                Outcome::Unnoticed
            }
            Err(error) if error.kind() == ErrorKind::OwnerDied => Outcome::Notified,
            Err(error) if error.kind() == ErrorKind::TimedOut => return Outcome::Stuck,
            Err(error) => panic!("{error}"),
        };
        let written = self.write();
        assert!(
            written == Outcome::Stuck || written == read,
            "a reader is told {read:?}, a writer {written:?}"
        );
        let pair = self.pair.try_read().expect("repaired");
        assert_eq!(pair[0], pair[1]);
        written
    }

    /// Writes, and repairs the data if told to.
    fn write(&self) -> Outcome {
        match self.pair.write_timeout(HANG_TIMEOUT) {
            Ok(pair) => {
                assert_eq!(pair[0], pair[1], "half changed, and nobody was told");
                Outcome::Unnoticed
            }
            Err(LockError::Inconsistent(mut pair)) => {
                assert!(pair[0] - pair[1] <= 1, "{pair:?}");
                pair[1] = pair[0];
                drop(pair.mark_consistent());
                Outcome::Notified
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => Outcome::Stuck,
            Err(error) => panic!("{error}"),
        }
    }
}

fn compare(pair: ipcraft::Result<Read<'_>>) {
    let pair = pair.unwrap();
    assert_eq!(pair[0], pair[1]);
}

fn change(pair: Result<Write<'_>, LockError<Write<'_>>>) {
    let mut pair = pair.unwrap();
    pair[0] += 1;
    pair[1] += 1;
}

/// The child reads or writes, after somebody else or not.
struct Using {
    other: Other,
    operation: fn(&Pair),
    writes: bool,
}

fn reading(other: Other, read: fn(&Pair)) -> Using {
    Using { other, operation: read, writes: false }
}

fn writing(other: Other, write: fn(&Pair)) -> Using {
    Using { other, operation: write, writes: true }
}

impl Scenario for Using {
    type Fixture = World;

    fn fixture(&self) -> World {
        World::new(self.other)
    }

    fn operate(&self, world: &World) {
        (self.operation)(world.pair);
    }

    fn wake(&self, world: &World) {
        world.release();
    }

    fn rearm(&self, world: &World) {
        world.release();
        world.hold(self.other);
    }

    fn check(&self, world: World) -> Outcome {
        world.release();
        let outcome = world.survivors();
        assert!(self.writes || outcome != Outcome::Notified, "a dead reader is harmless");
        outcome
    }
}

/// Somebody else writes all the time.
struct InVain(fn(&Pair) -> Result<(), ErrorKind>);

impl Scenario for InVain {
    type Fixture = World;

    fn fixture(&self) -> World {
        World::new(Other::Writer)
    }

    fn operate(&self, world: &World) {
        let kind = (self.0)(world.pair).unwrap_err();
        assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    }

    fn wake(&self, _world: &World) {
        // The timeout does.
    }

    fn check(&self, world: World) -> Outcome {
        world.release();
        let outcome = world.survivors();
        assert_ne!(outcome, Outcome::Notified, "nobody died who had the lock");
        outcome
    }
}

/// A writer waits for the child to stop reading: the first call begins to read, the second ends it.
struct ReadBeforeWriter;

impl Scenario for ReadBeforeWriter {
    type Fixture = (World, RefCell<Option<Peer>>);

    fn fixture(&self) -> Self::Fixture {
        (World::new(Other::Nobody), RefCell::new(None))
    }

    fn operate(&self, (world, _): &Self::Fixture) {
        match world.reading.take() {
            None => world.hold(Other::Reader),
            Some(pair) => drop(pair),
        }
    }

    fn rearm(&self, (world, other): &Self::Fixture) {
        let waiter = Peer::start(|| change(world.pair.write_timeout(HANG_TIMEOUT)));
        waiter.wait_asleep();
        *other.borrow_mut() = Some(waiter);
    }

    fn check(&self, (world, other): Self::Fixture) -> Outcome {
        other.into_inner().unwrap().join();
        world.survivors()
    }
}

/// Readers and a writer wait for the child to stop writing: the first call begins to write, the second changes the data
/// and ends it.
struct WriteBeforeReader;

impl Scenario for WriteBeforeReader {
    type Fixture = (World, RefCell<Vec<Peer>>);

    fn fixture(&self) -> Self::Fixture {
        (World::new(Other::Nobody), RefCell::new(Vec::new()))
    }

    fn operate(&self, (world, _): &Self::Fixture) {
        match world.writing.take() {
            None => world.hold(Other::Writer),
            Some(pair) => change(Ok(pair)),
        }
    }

    fn rearm(&self, (world, others): &Self::Fixture) {
        let reader = Peer::start(|| match world.pair.read_timeout(HANG_TIMEOUT) {
            Err(error) if error.kind() == ErrorKind::OwnerDied => {}
            read => compare(read),
        });
        let writer = Peer::start(|| assert_ne!(world.write(), Outcome::Stuck));
        let waiters = [reader, writer];
        waiters.iter().for_each(Peer::wait_asleep);
        others.borrow_mut().extend(waiters);
    }

    fn check(&self, (world, others): Self::Fixture) -> Outcome {
        others.into_inner().into_iter().for_each(Peer::join);
        // The writer among them has repaired the data.
        let outcome = world.survivors();
        assert_ne!(outcome, Outcome::Notified);
        outcome
    }
}

/// The last writer died, and the child is the one who repairs.
struct Repair;

impl Scenario for Repair {
    type Fixture = World;

    fn fixture(&self) -> World {
        let world = World::new(Other::Nobody);
        die_writing(world.pair);
        world
    }

    fn operate(&self, world: &World) {
        match world.pair.write() {
            Err(LockError::Inconsistent(mut pair)) => {
                pair[1] = pair[0];
                drop(pair.mark_consistent());
            }
            other => panic!("{other:?}"),
        }
    }

    fn rearm(&self, world: &World) {
        die_writing(world.pair);
    }

    fn check(&self, world: World) -> Outcome {
        world.survivors()
    }
}

/// A process that changes half of the data and is gone.
fn die_writing(pair: &Pair) {
    Peer::start(|| {
        let mut pair = pair.write().unwrap();
        pair[0] += 1;
        std::mem::forget(pair);
    })
    .join();
}
