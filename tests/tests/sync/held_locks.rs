//! The locks that a process can hold, and how other processes see them.
use std::mem::forget;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::sync::{Cause, LockError};
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};

use super::fixture::{Fixture, kind_of};

/// One kind of lock to hold.
pub(super) struct HeldLock {
    pub(super) name: &'static str,
    /// Takes the lock until the thread ends, and changes half of its data.
    pub(super) take: fn(&Fixture),
    /// Asserts that a live thread holds the lock.
    pub(super) assert_taken: fn(&Fixture),
    /// Takes the lock, asserts that the death of the last owner is reported if it could change
    /// data, and releases the lock.
    pub(super) assert_recovers: fn(&Fixture),
}

/// Every kind of lock.
pub(super) const HELD_LOCKS: [HeldLock; 5] = [
    HeldLock { name: "mutex", take: lock, assert_taken: assert_locked, assert_recovers: lock_after_death },
    HeldLock {
        name: "write lock",
        take: write,
        assert_taken: assert_written,
        assert_recovers: write_after_death,
    },
    HeldLock {
        name: "read lock",
        take: read,
        assert_taken: assert_read,
        assert_recovers: write_after_reader,
    },
    HeldLock {
        name: "permits",
        take: acquire,
        assert_taken: assert_acquired,
        assert_recovers: acquire_after_death,
    },
    HeldLock {
        name: "barrier participant",
        take: join,
        assert_taken: assert_joined,
        assert_recovers: join_after_death,
    },
];

fn lock(fixture: &Fixture) {
    let mut pair = fixture.pair.lock().unwrap();
    pair[0] += 1;
    forget(pair);
}

fn assert_locked(fixture: &Fixture) {
    assert_eq!(kind_of(fixture.pair.try_lock()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(fixture.pair.lock_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    assert_eq!(kind_of(fixture.pair.lock_timeout(Duration::ZERO)), ErrorKind::TimedOut);
}

fn lock_after_death(fixture: &Fixture) {
    match fixture.pair.lock_timeout(LONG_TIMEOUT) {
        Err(LockError::Inconsistent(mut pair)) => {
            assert_eq!(pair.cause(), Cause::OwnerDied);
            assert_eq!(pair[0], pair[1] + 1, "as the last owner left it");
            pair[1] = pair[0];
            drop(pair.mark_consistent());
        }
        other => panic!("{other:?}"),
    }
    drop(fixture.pair.try_lock().expect("repaired"));
}

fn write(fixture: &Fixture) {
    let mut pair = fixture.table.write().unwrap();
    pair[0] += 1;
    forget(pair);
}

fn assert_written(fixture: &Fixture) {
    assert_eq!(kind_of(fixture.table.try_write()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(fixture.table.write_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    assert_eq!(kind_of(fixture.table.try_read()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(fixture.table.read_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
}

fn write_after_death(fixture: &Fixture) {
    assert_eq!(kind_of(fixture.table.read_timeout(LONG_TIMEOUT)), ErrorKind::OwnerDied);
    match fixture.table.write_timeout(LONG_TIMEOUT) {
        Err(LockError::Inconsistent(mut pair)) => {
            assert_eq!(pair.cause(), Cause::OwnerDied);
            assert_eq!(pair[0], pair[1] + 1, "as the last writer left it");
            pair[1] = pair[0];
            drop(pair.mark_consistent());
        }
        other => panic!("{other:?}"),
    }
    drop(fixture.table.try_read().expect("repaired"));
    drop(fixture.table.try_write().expect("repaired"));
}

fn read(fixture: &Fixture) {
    forget(fixture.table.read().unwrap());
}

fn assert_read(fixture: &Fixture) {
    assert_eq!(kind_of(fixture.table.try_write()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(fixture.table.write_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    drop(fixture.table.try_read().expect("readers share"));
}

fn write_after_reader(fixture: &Fixture) {
    drop(fixture.table.write_timeout(LONG_TIMEOUT).expect("a dead reader is harmless"));
}

fn acquire(fixture: &Fixture) {
    forget((fixture.permits.acquire().unwrap(), fixture.permits.acquire().unwrap()));
}

fn assert_acquired(fixture: &Fixture) {
    assert_eq!(kind_of(fixture.permits.try_acquire()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(fixture.permits.acquire_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    assert_eq!(fixture.permits.available(), 0);
}

fn acquire_after_death(fixture: &Fixture) {
    let both = (
        fixture.permits.acquire_timeout(LONG_TIMEOUT).unwrap(),
        fixture.permits.acquire_timeout(LONG_TIMEOUT).unwrap(),
    );
    assert_ne!(both.0.number(), both.1.number());
}

fn join(fixture: &Fixture) {
    forget(fixture.barrier.join().unwrap());
}

fn assert_joined(fixture: &Fixture) {
    let participant = fixture.barrier.join().unwrap();
    assert_eq!(kind_of(fixture.barrier.join()), ErrorKind::LimitReached);
    assert_eq!(kind_of(participant.wait_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
}

fn join_after_death(fixture: &Fixture) {
    let both = [fixture.barrier.join().unwrap(), fixture.barrier.join().unwrap()];
    assert_eq!(kind_of(both[0].wait_timeout(SHORT_TIMEOUT)), ErrorKind::Deadlock, "no participant died");
}
