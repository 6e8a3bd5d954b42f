//! `Mutex`: a killed owner's lock passes on, and the next owner is told exactly when it was held.

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::{LockError, Mutex};
use ipcraft_tests::sweep::{Outcome, Scenario};
use libtest_mimic::Trial;
use nix::unistd::Pid;

use crate::world::{FOREVER, clean, shared};

pub(crate) fn tests() -> Vec<Trial> {
    vec![clean("mutex_lock_and_unlock", LockAndUnlock)]
}

/// Two numbers that are equal while nobody has the lock.
type Pair = Mutex<[u64; 2]>;

struct World {
    pair: Shared<Pair>,
    /// Whether the child had the lock when it was killed.
    was_held: Cell<bool>,
}

fn world() -> World {
    World { pair: shared(|pair: &Pair| pair.init([0, 0])), was_held: Cell::new(false) }
}

/// Locked, changed, unlocked; nobody else is there.
struct LockAndUnlock;

impl Scenario for LockAndUnlock {
    type World = World;

    fn world(&self) -> World {
        world()
    }

    fn operate(&self, world: &World) {
        let mut pair = world.pair.lock().unwrap();
        pair[0] += 1;
        pair[1] += 1;
    }

    fn before_kill(&self, world: &World, child: Pid) {
        world.was_held.set(owner(&world.pair) == child.as_raw() as u32);
    }

    fn check(&self, world: World) -> Outcome {
        next_owner(&world)
    }
}

/// The thread id in the lock word, which comes first in the C library's mutex.
fn owner(pair: &Shared<Pair>) -> u32 {
    let offset = Shared::<Pair>::SIZE - size_of::<Pair>();
    pair.mapping().atomic_u32(offset).unwrap().load(Relaxed) & libc::FUTEX_TID_MASK
}

/// Takes the lock after the kill, repairs the data if told to, and goes on.
fn next_owner(world: &World) -> Outcome {
    let outcome = match world.pair.lock_timeout(FOREVER) {
        Ok(pair) => {
            assert_eq!(pair[0], pair[1], "half changed, and nobody was told");
            Outcome::Unnoticed
        }
        Err(LockError::Inconsistent(mut pair)) => {
            assert!(pair[0] - pair[1] <= 1, "{pair:?}");
            pair[1] = pair[0];
            drop(pair.mark_consistent());
            Outcome::Told
        }
        Err(error) if error.kind() == ErrorKind::TimedOut => return Outcome::Stuck,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(outcome == Outcome::Told, world.was_held.get(), "told exactly when it was held");
    assert!(world.pair.try_lock().is_ok(), "repaired");
    outcome
}
