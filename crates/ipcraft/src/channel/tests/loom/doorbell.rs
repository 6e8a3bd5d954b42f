//! No waiter is forgotten, without any timeout.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

use loom::sync::atomic::AtomicU32;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use crate::channel::shared::doorbell::{Doorbell, Notifier, WaitToken, Waiters};
use crate::time::Deadline;

/// A doorbell, and the changes that it announces.
#[derive(Default)]
struct World {
    doorbell: Doorbell,
    /// How many changes there were.
    changes: AtomicU32,
    /// How many of them were taken.
    taken: AtomicU32,
    /// How many threads are between a change and the test for waiters.
    within: Mutex<u32>,
    left: Condvar,
}

impl World {
    /// Makes a change and notifies. A fence in between is the doorbell's task; before and after,
    /// time passes.
    fn change(&self, notifier: &mut Notifier, waiters: Waiters) {
        *self.within.lock().unwrap() += 1;
        self.changes.fetch_add(1, Release);
        self.doorbell.notify(notifier, waiters);
        *self.within.lock().unwrap() -= 1;
        self.left.notify_all();
    }

    /// Returns when every change has become visible: all threads have left the step between
    /// change and test. A bounded wait ends only then, and here it is not woken.
    fn wait_until_visible(&self) {
        let mut within = self.within.lock().unwrap();
        while *within > 0 {
            within = self.left.wait(within).unwrap();
        }
    }

    /// Waits for the condition, as every endpoint does: only a bounded wait ends by time.
    /// `last_full_wait` is what the endpoint keeps between two waits.
    fn wait(
        &self,
        last_full_wait: &mut Option<WaitToken>,
        waiters: Waiters,
        mut attempt: impl FnMut() -> bool,
    ) {
        let mut found = attempt();
        while !found {
            let token = self.doorbell.prepare_wait(last_full_wait.take());
            let mut has_rested = !token.is_bounded();
            found = attempt();
            if !found {
                match has_rested {
                    true => self.doorbell.commit_wait(token, Deadline::NEVER).unwrap(),
                    false => self.wait_until_visible(),
                }
                has_rested = true;
                found = attempt();
            }
            if found && waiters == Waiters::One {
                self.doorbell.cancel_wait(token, has_rested);
            } else if has_rested {
                *last_full_wait = Some(token);
            }
        }
    }

    fn has_changed(&self, times: u32) -> bool {
        self.changes.load(Acquire) >= times
    }

    /// Takes one of the changes, which no other thread gets then.
    fn take(&self) -> bool {
        let there = self.changes.load(Acquire);
        let taken = self.taken.fetch_update(AcqRel, Acquire, |taken| (taken < there).then_some(taken + 1));
        taken.is_ok()
    }

    /// Wakes another if there is more.
    fn cascade_wake(&self) {
        if self.changes.load(Acquire) > self.taken.load(Acquire) {
            self.doorbell.notify(&mut Notifier::default(), Waiters::Many);
        }
    }
}

#[test]
fn wait_of_one_is_woken_by_each_change() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let sleeper = Arc::clone(&world);
        let sleeper = thread::spawn(move || {
            let mut last_full_wait = None;
            for times in 1..=3 {
                sleeper.wait(&mut last_full_wait, Waiters::One, || sleeper.has_changed(times));
            }
        });
        let mut notifier = Notifier::default();
        for _ in 0..3 {
            world.change(&mut notifier, Waiters::One);
        }
        sleeper.join().unwrap();
    });
}

#[test]
fn wait_of_all_is_woken_by_one_change() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let waiters = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || world.wait(&mut None, Waiters::All, || world.has_changed(1)))
        });
        world.change(&mut Notifier::default(), Waiters::All);
        waiters.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    });
}

#[test]
fn as_many_wake_as_there_are_changes() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let waiters = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.wait(&mut None, Waiters::Many, || world.take());
                world.cascade_wake();
            })
        });
        let mut notifier = Notifier::default();
        for _ in 0..2 {
            world.change(&mut notifier, Waiters::Many);
        }
        waiters.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    });
}

#[test]
fn one_of_many_hears_of_each_change() {
    for waiters in [Waiters::Many, Waiters::All] {
        loom::model(move || {
            let world = Arc::new(World::default());
            let sleeper = Arc::clone(&world);
            let sleeper = thread::spawn(move || {
                let mut last_full_wait = None;
                for times in 1..=4 {
                    sleeper.wait(&mut last_full_wait, waiters, || sleeper.has_changed(times));
                }
            });
            let mut notifier = Notifier::default();
            for _ in 0..4 {
                world.change(&mut notifier, waiters);
            }
            sleeper.join().unwrap();
        });
    }
}

#[test]
fn wait_after_a_cancelled_wait_is_woken() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let sleeper = Arc::clone(&world);
        let sleeper = thread::spawn(move || {
            // Its deadline has passed before it slept.
            sleeper.doorbell.prepare_wait(None);
            sleeper.wait(&mut None, Waiters::One, || sleeper.has_changed(2));
        });
        let mut notifier = Notifier::default();
        for _ in 0..2 {
            world.change(&mut notifier, Waiters::One);
        }
        sleeper.join().unwrap();
    });
}
