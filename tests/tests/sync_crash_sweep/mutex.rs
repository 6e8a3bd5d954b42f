//! `Mutex`: the lock of a killed owner passes on, and its death is reported exactly if it held the
//! lock.
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::{LockError, Mutex, MutexGuard};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use libtest_mimic::Trial;
use nix::unistd::Pid;

use crate::common::{EXPIRING_TIMEOUT, HANG_TIMEOUT, Pair, change, clean, die_with, recover, shared_value};

pub(crate) fn tests() -> Vec<Trial> {
    let failing = |pair: &Mutex<Pair>| pair.try_lock().map(change).map_err(|e| e.kind());
    let expiring = |pair: &Mutex<Pair>| pair.lock_timeout(EXPIRING_TIMEOUT).map(change).map_err(|e| e.kind());
    vec![
        clean("mutex_lock_and_unlock", Alone(|pair| change(pair.lock().unwrap()))),
        clean("mutex_try_lock_and_unlock", Alone(|pair| change(pair.try_lock().unwrap()))),
        clean(
            "mutex_lock_timeout_and_unlock",
            Alone(|pair| change(pair.lock_timeout(HANG_TIMEOUT).unwrap())),
        ),
        clean("mutex_lock_contended", Contended(|pair| change(pair.lock().unwrap()))),
        clean(
            "mutex_lock_timeout_contended",
            Contended(|pair| change(pair.lock_timeout(HANG_TIMEOUT).unwrap())),
        ),
        clean("mutex_try_lock_failing", Failing(failing)),
        clean("mutex_lock_timeout_expiring", Failing(expiring)),
        clean("mutex_unlock_with_a_waiter", UnlockWithWaiter),
        clean("mutex_repair", Repair),
        clean("mutex_abandon", Abandon),
    ]
}

ipcraft::shared_struct! {
    struct Locks {
        /// The lock under test.
        pair: Mutex<Pair>,
        /// For an operation that consumes a lock in each of its two calls.
        second: Mutex<Pair>,
        /// 1 if a waiter received the report of the owner's death.
        reported: AtomicU32,
    }
}

struct Fixture {
    /// Leaked, because a guard that borrows it is kept beside it.
    locks: &'static Shared<Locks>,
    /// The guard that this process holds: the test's, or the child's.
    held: RefCell<Option<MutexGuard<'static, Pair>>>,
    /// Whether the child held the lock when it was killed.
    was_held: Cell<bool>,
}

impl Fixture {
    fn new() -> Fixture {
        let locks = shared_value(|locks: &Locks| {
            locks.pair.init([0, 0])?;
            locks.second.init([0, 0])
        });
        Fixture { locks: Box::leak(Box::new(locks)), held: RefCell::new(None), was_held: Cell::new(false) }
    }

    /// A fixture whose lock this process holds.
    fn held() -> Fixture {
        let fixture = Fixture::new();
        fixture.hold();
        fixture
    }

    fn hold(&self) {
        *self.held.borrow_mut() = Some(self.locks.pair.lock().unwrap());
    }

    fn release(&self) {
        drop(self.held.take());
    }

    fn before_kill(&self, child: Pid) {
        self.was_held.set(self.owner() == child.as_raw() as u32);
    }

    /// Returns the thread id in the lock word, which comes first in the C library's mutex.
    fn owner(&self) -> u32 {
        let offset = Shared::<Locks>::SIZE - size_of::<Locks>();
        self.locks.mapping().atomic_u32(offset).unwrap().load(Relaxed) & libc::FUTEX_TID_MASK
    }

    /// Locks after the kill, and repairs the data if a death is reported.
    fn check_next_owner(&self) -> Outcome {
        let outcome = recover(self.locks.pair.lock_timeout(HANG_TIMEOUT));
        if outcome != Outcome::Stuck {
            assert_eq!(outcome == Outcome::Notified, self.was_held.get(), "reported exactly if it was held");
            assert!(self.locks.pair.try_lock().is_ok(), "repaired");
        }
        outcome
    }
}

/// Killed without contention.
struct Alone(fn(&Mutex<Pair>));

impl Scenario for Alone {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        Fixture::new()
    }

    fn operate(&self, fixture: &Fixture) {
        (self.0)(&fixture.locks.pair);
    }

    fn before_kill(&self, fixture: &Fixture, child: Pid) {
        fixture.before_kill(child);
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        fixture.check_next_owner()
    }
}

/// Killed while another process holds the lock, which it releases while the child is blocked.
struct Contended(fn(&Mutex<Pair>));

impl Scenario for Contended {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        Fixture::held()
    }

    fn operate(&self, fixture: &Fixture) {
        (self.0)(&fixture.locks.pair);
    }

    fn wake(&self, fixture: &Fixture) {
        fixture.release();
    }

    fn rearm(&self, fixture: &Fixture) {
        fixture.hold();
    }

    fn before_kill(&self, fixture: &Fixture, child: Pid) {
        fixture.before_kill(child);
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        fixture.release();
        fixture.check_next_owner()
    }
}

/// Killed while another process keeps the lock, so that the operation fails.
struct Failing(fn(&Mutex<Pair>) -> Result<(), ErrorKind>);

impl Scenario for Failing {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        Fixture::held()
    }

    fn operate(&self, fixture: &Fixture) {
        let kind = (self.0)(&fixture.locks.pair).unwrap_err();
        assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    }

    fn wake(&self, _fixture: &Fixture) {
        // The timeout ends the wait.
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        assert_ne!(fixture.owner(), 0, "this process still holds the lock");
        fixture.release();
        fixture.check_next_owner()
    }
}

/// Killed while it unlocks and a waiter is blocked. The first call locks, the second unlocks.
struct UnlockWithWaiter;

impl Scenario for UnlockWithWaiter {
    type Fixture = (Fixture, RefCell<Option<Peer>>);

    fn fixture(&self) -> Self::Fixture {
        (Fixture::new(), RefCell::new(None))
    }

    fn operate(&self, (fixture, _): &Self::Fixture) {
        match fixture.held.take() {
            None => fixture.hold(),
            Some(pair) => change(pair),
        }
    }

    fn rearm(&self, (fixture, other): &Self::Fixture) {
        let locks = fixture.locks;
        let waiter = Peer::start(|| match recover(locks.pair.lock_timeout(HANG_TIMEOUT)) {
            Outcome::Notified => locks.reported.store(1, Relaxed),
            outcome => assert_eq!(outcome, Outcome::Unnoticed),
        });
        waiter.wait_asleep();
        *other.borrow_mut() = Some(waiter);
    }

    fn before_kill(&self, (fixture, _): &Self::Fixture, child: Pid) {
        fixture.before_kill(child);
    }

    fn check(&self, (fixture, other): Self::Fixture) -> Outcome {
        other.into_inner().unwrap().join();
        let reported = fixture.locks.reported.load(Relaxed) == 1;
        assert_eq!(reported, fixture.was_held.replace(false), "reported exactly if it was held");
        assert_eq!(fixture.check_next_owner(), Outcome::Unnoticed);
        if reported { Outcome::Notified } else { Outcome::Unnoticed }
    }
}

/// Killed while it repairs the data of a dead owner.
struct Repair;

impl Repair {
    fn die(fixture: &Fixture) {
        die_with(|| fixture.locks.pair.lock().unwrap());
    }
}

impl Scenario for Repair {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        let fixture = Fixture::new();
        Repair::die(&fixture);
        fixture
    }

    fn operate(&self, fixture: &Fixture) {
        assert_eq!(recover(fixture.locks.pair.lock()), Outcome::Notified);
    }

    fn rearm(&self, fixture: &Fixture) {
        Repair::die(fixture);
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        let outcome = recover(fixture.locks.pair.lock_timeout(HANG_TIMEOUT));
        assert!(outcome == Outcome::Stuck || fixture.locks.pair.try_lock().is_ok(), "repaired");
        outcome
    }
}

/// Killed while it abandons the data of a dead owner: survivors find it inconsistent or abandoned.
struct Abandon;

impl Scenario for Abandon {
    type Fixture = (Fixture, Cell<bool>);

    fn fixture(&self) -> Self::Fixture {
        let fixture = Fixture::new();
        die_with(|| fixture.locks.second.lock().unwrap());
        die_with(|| fixture.locks.pair.lock().unwrap());
        (fixture, Cell::new(true))
    }

    fn operate(&self, (fixture, is_first): &Self::Fixture) {
        let pair = if is_first.replace(false) { &fixture.locks.second } else { &fixture.locks.pair };
        match pair.lock() {
            Err(LockError::Inconsistent(pair)) => pair.abandon(),
            other => panic!("{other:?}"),
        }
    }

    fn check(&self, (fixture, _): Self::Fixture) -> Outcome {
        match fixture.locks.pair.lock_timeout(HANG_TIMEOUT) {
            Err(LockError::Inconsistent(_)) => Outcome::Notified,
            Err(error) if error.kind() == ErrorKind::Unrecoverable => Outcome::Unnoticed,
            Err(error) if error.kind() == ErrorKind::TimedOut => Outcome::Stuck,
            other => panic!("{other:?}"),
        }
    }
}
