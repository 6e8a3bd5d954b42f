//! `Mutex`: a killed owner's lock passes on, and the next owner is told exactly when it was held.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::{LockError, Mutex, MutexGuard};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use libtest_mimic::Trial;
use nix::unistd::Pid;

use crate::world::{HANG_TIMEOUT, clean, shared};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        clean("mutex_lock_and_unlock", Alone(|pair| change(pair.lock().unwrap()))),
        clean("mutex_try_lock_and_unlock", Alone(|pair| change(pair.try_lock().unwrap()))),
        clean(
            "mutex_lock_timeout_and_unlock",
            Alone(|pair| change(pair.lock_timeout(HANG_TIMEOUT).unwrap())),
        ),
        clean("mutex_lock_after_another", AfterAnother(|pair| change(pair.lock().unwrap()))),
        clean(
            "mutex_lock_timeout_after_another",
            AfterAnother(|pair| change(pair.lock_timeout(HANG_TIMEOUT).unwrap())),
        ),
        clean("mutex_try_lock_in_vain", InVain(|pair| pair.try_lock().map(change).map_err(|e| e.kind()))),
        clean(
            "mutex_lock_timeout_in_vain",
            InVain(|pair| pair.lock_timeout(SHORT).map(change).map_err(|e| e.kind())),
        ),
        clean("mutex_unlock_before_another", BeforeAnother),
        clean("mutex_repair", Repair),
        clean("mutex_give_up", GiveUp),
    ]
}

/// A timeout that passes.
const SHORT: Duration = Duration::from_millis(1);

/// Two numbers that are equal while nobody has the lock.
type Pair = Mutex<[u64; 2]>;

ipcraft::shared_struct! {
    struct Zone {
        /// The lock that it is about.
        pair: Pair,
        /// For an operation that uses up a lock in each of its two calls.
        second: Pair,
        /// Whether a peer was told that the owner died.
        told: AtomicU32,
    }
}

struct World {
    /// Leaked, since a guard that refers to it is kept beside it.
    zone: &'static Shared<Zone>,
    /// What this process holds: the test's, or the child's.
    held: RefCell<Option<MutexGuard<'static, [u64; 2]>>>,
    /// Whether the child had the lock when it was killed.
    was_held: Cell<bool>,
}

impl World {
    fn new() -> World {
        let zone = shared(|zone: &Zone| {
            zone.pair.init([0, 0])?;
            zone.second.init([0, 0])
        });
        World { zone: Box::leak(Box::new(zone)), held: RefCell::new(None), was_held: Cell::new(false) }
    }

    fn hold(&self) {
        *self.held.borrow_mut() = Some(self.zone.pair.lock().unwrap());
    }

    fn release(&self) {
        drop(self.held.take());
    }

    fn look(&self, child: Pid) {
        self.was_held.set(self.owner() == child.as_raw() as u32);
    }

    /// The thread id in the lock word, which comes first in the C library's mutex.
    fn owner(&self) -> u32 {
        let offset = Shared::<Zone>::SIZE - size_of::<Zone>();
        self.zone.mapping().atomic_u32(offset).unwrap().load(Relaxed) & libc::FUTEX_TID_MASK
    }

    /// Takes the lock after the kill, repairs the data if told to, and goes on.
    fn next_owner(&self) -> Outcome {
        let outcome = match self.zone.pair.lock_timeout(HANG_TIMEOUT) {
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
            Err(error) if error.kind() == ErrorKind::TimedOut => return Outcome::Stuck,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(outcome == Outcome::Notified, self.was_held.get(), "told exactly when it was held");
        assert!(self.zone.pair.try_lock().is_ok(), "repaired");
        outcome
    }
}

fn change(mut pair: MutexGuard<'_, [u64; 2]>) {
    pair[0] += 1;
    pair[1] += 1;
}

/// Nobody else is there.
struct Alone(fn(&Pair));

impl Scenario for Alone {
    type Fixture = World;

    fn fixture(&self) -> World {
        World::new()
    }

    fn operate(&self, world: &World) {
        (self.0)(&world.zone.pair);
    }

    fn before_kill(&self, world: &World, child: Pid) {
        world.look(child);
    }

    fn check(&self, world: World) -> Outcome {
        world.next_owner()
    }
}

/// Somebody else has the lock, and gives it back while the child sleeps.
struct AfterAnother(fn(&Pair));

impl Scenario for AfterAnother {
    type Fixture = World;

    fn fixture(&self) -> World {
        let world = World::new();
        world.hold();
        world
    }

    fn operate(&self, world: &World) {
        (self.0)(&world.zone.pair);
    }

    fn wake(&self, world: &World) {
        world.release();
    }

    fn rearm(&self, world: &World) {
        world.hold();
    }

    fn before_kill(&self, world: &World, child: Pid) {
        world.look(child);
    }

    fn check(&self, world: World) -> Outcome {
        world.release();
        world.next_owner()
    }
}

/// Somebody else has the lock all the time.
struct InVain(fn(&Pair) -> Result<(), ErrorKind>);

impl Scenario for InVain {
    type Fixture = World;

    fn fixture(&self) -> World {
        let world = World::new();
        world.hold();
        world
    }

    fn operate(&self, world: &World) {
        let kind = (self.0)(&world.zone.pair).unwrap_err();
        assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    }

    fn wake(&self, _world: &World) {
        // The timeout does.
    }

    fn check(&self, world: World) -> Outcome {
        assert_ne!(world.owner(), 0, "the lock is still this process's");
        world.release();
        world.next_owner()
    }
}

/// Somebody else waits for the child to unlock: the first call locks, the second unlocks.
struct BeforeAnother;

impl Scenario for BeforeAnother {
    type Fixture = (World, RefCell<Option<Peer>>);

    fn fixture(&self) -> Self::Fixture {
        (World::new(), RefCell::new(None))
    }

    fn operate(&self, (world, _): &Self::Fixture) {
        match world.held.take() {
            None => world.hold(),
            Some(pair) => change(pair),
        }
    }

    fn rearm(&self, (world, other): &Self::Fixture) {
        let zone = world.zone;
        let waiter = Peer::start(|| {
            drop(
                zone.pair
                    .lock_timeout(HANG_TIMEOUT)
                    .or_else(|e| e.repair(|pair| repair(zone, pair)))
                    .unwrap(),
            );
        });
        waiter.wait_asleep();
        *other.borrow_mut() = Some(waiter);
    }

    fn before_kill(&self, (world, _): &Self::Fixture, child: Pid) {
        world.look(child);
    }

    fn check(&self, (world, other): Self::Fixture) -> Outcome {
        other.into_inner().unwrap().join();
        let told = world.zone.told.load(Relaxed) == 1;
        assert_eq!(told, world.was_held.replace(false), "told exactly when it was held");
        assert_eq!(world.next_owner(), Outcome::Unnoticed);
        if told { Outcome::Notified } else { Outcome::Unnoticed }
    }
}

fn repair(zone: &Zone, pair: &mut [u64; 2]) {
    pair[1] = pair[0];
    zone.told.store(1, Relaxed);
}

/// The last owner died, and the child is the one who repairs.
struct Repair;

impl Scenario for Repair {
    type Fixture = World;

    fn fixture(&self) -> World {
        let world = World::new();
        die_with(&world.zone.pair);
        world
    }

    fn operate(&self, world: &World) {
        match world.zone.pair.lock() {
            Err(LockError::Inconsistent(mut pair)) => {
                pair[1] = pair[0];
                drop(pair.mark_consistent());
            }
            other => panic!("{other:?}"),
        }
    }

    fn rearm(&self, world: &World) {
        die_with(&world.zone.pair);
    }

    fn check(&self, world: World) -> Outcome {
        match world.zone.pair.lock_timeout(HANG_TIMEOUT) {
            Ok(pair) => {
                assert_eq!(pair[0], pair[1], "repaired, so nobody has to be told");
                Outcome::Unnoticed
            }
            Err(LockError::Inconsistent(mut pair)) => {
                pair[1] = pair[0];
                drop(pair.mark_consistent());
                assert!(world.zone.pair.try_lock().is_ok());
                Outcome::Notified
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => Outcome::Stuck,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The last owner died, and the child is the one who gives up: the others are told either of these.
struct GiveUp;

impl Scenario for GiveUp {
    type Fixture = (World, Cell<bool>);

    fn fixture(&self) -> Self::Fixture {
        let world = World::new();
        die_with(&world.zone.second);
        die_with(&world.zone.pair);
        (world, Cell::new(true))
    }

    fn operate(&self, (world, first): &Self::Fixture) {
        let pair = if first.replace(false) { &world.zone.second } else { &world.zone.pair };
        match pair.lock() {
            Err(LockError::Inconsistent(pair)) => pair.abandon(),
            other => panic!("{other:?}"),
        }
    }

    fn check(&self, (world, _): Self::Fixture) -> Outcome {
        match world.zone.pair.lock_timeout(HANG_TIMEOUT) {
            Err(LockError::Inconsistent(_)) => Outcome::Notified,
            Err(error) if error.kind() == ErrorKind::Unrecoverable => Outcome::Unnoticed,
            Err(error) if error.kind() == ErrorKind::TimedOut => Outcome::Stuck,
            other => panic!("{other:?}"),
        }
    }
}

/// A process that changes half of the data and is gone.
fn die_with(pair: &Pair) {
    Peer::start(|| {
        let mut pair = pair.lock().unwrap();
        pair[0] += 1;
        std::mem::forget(pair);
    })
    .join();
}
