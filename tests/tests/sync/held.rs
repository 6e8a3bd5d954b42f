//! What a process can have of a zone, and what others make of that.

use std::mem::forget;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::sync::{Cause, LockError};

use super::zone::{Zone, kind_of};
use super::{LONG, SHORT};

/// One kind of thing to have.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// Takes it, for as long as the thread lives, and is in the middle of something with the data.
    pub(super) take: fn(&Zone),
    /// Asserts that somebody has it who lives.
    pub(super) is_taken: fn(&Zone),
    /// Takes it, and asserts that its last owner died and that this is told where data was changed; gives it back.
    pub(super) succeed: fn(&Zone),
}

/// All of them.
pub(super) const KINDS: [Kind; 5] = [
    Kind { name: "a mutex", take: lock, is_taken: is_locked, succeed: lock_after_death },
    Kind { name: "a lock to write", take: write, is_taken: is_written, succeed: write_after_death },
    Kind { name: "a lock to read", take: read, is_taken: is_read, succeed: write_after_reader },
    Kind { name: "permits", take: acquire, is_taken: is_acquired, succeed: acquire_after_death },
    Kind { name: "a place at a barrier", take: join, is_taken: is_joined, succeed: join_after_death },
];

fn lock(zone: &Zone) {
    let mut pair = zone.pair.lock().unwrap();
    pair[0] += 1;
    forget(pair);
}

fn is_locked(zone: &Zone) {
    assert_eq!(kind_of(zone.pair.try_lock()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(zone.pair.lock_timeout(SHORT)), ErrorKind::TimedOut);
    assert_eq!(kind_of(zone.pair.lock_timeout(Duration::ZERO)), ErrorKind::TimedOut);
}

fn lock_after_death(zone: &Zone) {
    match zone.pair.lock_timeout(LONG) {
        Err(LockError::Inconsistent(mut pair)) => {
            assert_eq!(pair.cause(), Cause::OwnerDied);
            assert_eq!(pair[0], pair[1] + 1, "where the last owner left it");
            pair[1] = pair[0];
            drop(pair.mark_consistent());
        }
        other => panic!("{other:?}"),
    }
    drop(zone.pair.try_lock().expect("repaired"));
}

fn write(zone: &Zone) {
    let mut pair = zone.table.write().unwrap();
    pair[0] += 1;
    forget(pair);
}

fn is_written(zone: &Zone) {
    assert_eq!(kind_of(zone.table.try_write()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(zone.table.write_timeout(SHORT)), ErrorKind::TimedOut);
    assert_eq!(kind_of(zone.table.try_read()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(zone.table.read_timeout(SHORT)), ErrorKind::TimedOut);
}

fn write_after_death(zone: &Zone) {
    assert_eq!(kind_of(zone.table.read_timeout(LONG)), ErrorKind::OwnerDied);
    match zone.table.write_timeout(LONG) {
        Err(LockError::Inconsistent(mut pair)) => {
            assert_eq!(pair.cause(), Cause::OwnerDied);
            assert_eq!(pair[0], pair[1] + 1, "where the last writer left it");
            pair[1] = pair[0];
            drop(pair.mark_consistent());
        }
        other => panic!("{other:?}"),
    }
    drop(zone.table.try_read().expect("repaired"));
    drop(zone.table.try_write().expect("repaired"));
}

fn read(zone: &Zone) {
    forget(zone.table.read().unwrap());
}

fn is_read(zone: &Zone) {
    assert_eq!(kind_of(zone.table.try_write()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(zone.table.write_timeout(SHORT)), ErrorKind::TimedOut);
    drop(zone.table.try_read().expect("readers share"));
}

fn write_after_reader(zone: &Zone) {
    drop(zone.table.write_timeout(LONG).expect("a dead reader is harmless"));
}

fn acquire(zone: &Zone) {
    forget((zone.permits.acquire().unwrap(), zone.permits.acquire().unwrap()));
}

fn is_acquired(zone: &Zone) {
    assert_eq!(kind_of(zone.permits.try_acquire()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(zone.permits.acquire_timeout(SHORT)), ErrorKind::TimedOut);
    assert_eq!(zone.permits.available(), 0);
}

fn acquire_after_death(zone: &Zone) {
    let both = (zone.permits.acquire_timeout(LONG).unwrap(), zone.permits.acquire_timeout(LONG).unwrap());
    assert_ne!(both.0.number(), both.1.number());
}

fn join(zone: &Zone) {
    forget(zone.barrier.join().unwrap());
}

fn is_joined(zone: &Zone) {
    let participant = zone.barrier.join().unwrap();
    assert_eq!(kind_of(zone.barrier.join()), ErrorKind::LimitReached);
    assert_eq!(kind_of(participant.wait_timeout(SHORT)), ErrorKind::TimedOut);
}

fn join_after_death(zone: &Zone) {
    let both = [zone.barrier.join().unwrap(), zone.barrier.join().unwrap()];
    assert_eq!(kind_of(both[0].wait_timeout(SHORT)), ErrorKind::TimedOut, "nobody is missing");
}
