//! Nobody who sleeps is forgotten, and nobody has to look whether he was.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

use loom::sync::atomic::AtomicU32;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use crate::channel::bell::{Bed, Bell, Ringer, Sleepers};
use crate::time::Deadline;

/// A bell, and what it rings for.
#[derive(Default)]
struct World {
    bell: Bell,
    /// How many changes there were.
    changes: AtomicU32,
    /// How many of them somebody has taken.
    taken: AtomicU32,
    /// How many are within a step in which they change something and look whether anybody sleeps.
    within: Mutex<u32>,
    left: Condvar,
}

impl World {
    /// Changes something and rings. A fence in between is the bell's affair; before and after, time passes.
    fn change(&self, ringer: &mut Ringer, sleepers: Sleepers) {
        *self.within.lock().unwrap() += 1;
        self.changes.fetch_add(1, Release);
        self.bell.ring(ringer, sleepers);
        *self.within.lock().unwrap() -= 1;
        self.left.notify_all();
    }

    /// Ends when everything that anybody had changed has become visible: whoever was within a step has left it by then. That
    /// is all that a nap is for, and here it is not woken.
    fn nap(&self) {
        let mut within = self.within.lock().unwrap();
        while *within > 0 {
            within = self.left.wait(within).unwrap();
        }
    }

    /// Sleeps until there is what is wanted, as every end does: time wakes nobody but who naps. `rested` is what the end
    /// remembers from one wait to the next.
    fn wait(&self, rested: &mut Option<Bed>, sleepers: Sleepers, mut attempt: impl FnMut() -> bool) {
        let mut found = attempt();
        while !found {
            let bed = self.bell.lie_down(rested.take());
            let mut has_rested = !bed.is_for_nap();
            found = attempt();
            if !found {
                match has_rested {
                    true => self.bell.sleep(bed, Deadline::NEVER).unwrap(),
                    false => self.nap(),
                }
                has_rested = true;
                found = attempt();
            }
            if found && sleepers == Sleepers::One {
                self.bell.get_up(bed, has_rested);
            } else if has_rested {
                *rested = Some(bed);
            }
        }
    }

    fn has_changed(&self, times: u32) -> bool {
        self.changes.load(Acquire) >= times
    }

    /// Takes one of the changes, which nobody else has then.
    fn take(&self) -> bool {
        let there = self.changes.load(Acquire);
        let taken = self.taken.fetch_update(AcqRel, Acquire, |taken| (taken < there).then_some(taken + 1));
        taken.is_ok()
    }

    /// Wakes another if there is more.
    fn pass_on(&self) {
        if self.changes.load(Acquire) > self.taken.load(Acquire) {
            self.bell.ring(&mut Ringer::default(), Sleepers::Many);
        }
    }
}

#[test]
fn one_who_sleeps_hears_of_each_change() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let sleeper = Arc::clone(&world);
        let sleeper = thread::spawn(move || {
            let mut rested = None;
            for times in 1..=3 {
                sleeper.wait(&mut rested, Sleepers::One, || sleeper.has_changed(times));
            }
        });
        let mut ringer = Ringer::default();
        for _ in 0..3 {
            world.change(&mut ringer, Sleepers::One);
        }
        sleeper.join().unwrap();
    });
}

#[test]
fn all_who_sleep_hear_of_one_change() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let sleepers = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || world.wait(&mut None, Sleepers::All, || world.has_changed(1)))
        });
        world.change(&mut Ringer::default(), Sleepers::All);
        sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    });
}

#[test]
fn as_many_wake_as_there_are_changes() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let sleepers = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.wait(&mut None, Sleepers::Many, || world.take());
                world.pass_on();
            })
        });
        let mut ringer = Ringer::default();
        for _ in 0..2 {
            world.change(&mut ringer, Sleepers::Many);
        }
        sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    });
}

#[test]
fn one_of_many_hears_of_each_change() {
    for sleepers in [Sleepers::Many, Sleepers::All] {
        loom::model(move || {
            let world = Arc::new(World::default());
            let sleeper = Arc::clone(&world);
            let sleeper = thread::spawn(move || {
                let mut rested = None;
                for times in 1..=4 {
                    sleeper.wait(&mut rested, sleepers, || sleeper.has_changed(times));
                }
            });
            let mut ringer = Ringer::default();
            for _ in 0..4 {
                world.change(&mut ringer, sleepers);
            }
            sleeper.join().unwrap();
        });
    }
}

#[test]
fn who_gave_up_and_comes_back_hears_of_a_change() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let sleeper = Arc::clone(&world);
        let sleeper = thread::spawn(move || {
            // Its deadline has passed before it slept.
            sleeper.bell.lie_down(None);
            sleeper.wait(&mut None, Sleepers::One, || sleeper.has_changed(2));
        });
        let mut ringer = Ringer::default();
        for _ in 0..2 {
            world.change(&mut ringer, Sleepers::One);
        }
        sleeper.join().unwrap();
    });
}
