//! No event loop is forgotten, without any timeout.
//!
//! The kernel's part is an event that stays until it is read. It is raised after the byte is
//! cleared, and when a notifier dies.

use std::sync::atomic::Ordering::{Acquire, Release};

use loom::sync::atomic::AtomicU32;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use crate::channel::shared::doorbell::{Doorbell, Notifier, WaitToken, Waiters};
use crate::time::Deadline;

/// A doorbell, the changes that it announces, and the event of the channel's file.
#[derive(Default)]
struct World {
    doorbell: Doorbell,
    changes: AtomicU32,
    /// How many threads are between a change and the test for waiters.
    within: Mutex<u32>,
    left: Condvar,
    event: Mutex<bool>,
    raised: Condvar,
}

/// How far a notifier goes.
#[derive(Clone, Copy, PartialEq)]
enum Goes {
    ToTheEnd,
    /// It is killed after it woke the blocked endpoints, so the kernel raises an event.
    UntilWoken,
}

impl World {
    fn change(&self, notifier: &mut Notifier, waiters: Waiters, goes: Goes) {
        *self.within.lock().unwrap() += 1;
        self.changes.fetch_add(1, Release);
        let is_idle = self.doorbell.no_waiters();
        if !is_idle {
            self.doorbell.notify_slow(notifier, waiters);
        }
        *self.within.lock().unwrap() -= 1;
        self.left.notify_all();
        if goes == Goes::UntilWoken {
            self.raise();
        } else if !is_idle && self.doorbell.has_listeners() {
            self.doorbell.clear_listeners();
            self.raise();
        }
    }

    fn raise(&self) {
        *self.event.lock().unwrap() = true;
        self.raised.notify_all();
    }

    /// Reads the event, and waits for it before.
    fn wait_for_event(&self) {
        let mut event = self.event.lock().unwrap();
        while !*event {
            event = self.raised.wait(event).unwrap();
        }
        *event = false;
    }

    /// Returns when every change has become visible: a bounded wait ends then.
    fn wait_until_visible(&self) {
        let mut within = self.within.lock().unwrap();
        while *within > 0 {
            within = self.left.wait(within).unwrap();
        }
    }

    fn has_changed(&self, times: u32) -> bool {
        self.changes.load(Acquire) >= times
    }

    /// Waits as an event loop does.
    fn poll_for(&self, times: u32) {
        let mut last_full_wait: Option<WaitToken> = None;
        while !self.has_changed(times) {
            let token = self.doorbell.prepare_listen(last_full_wait.take());
            if self.has_changed(times) {
                break;
            }
            if token.is_bounded() {
                self.wait_until_visible();
            } else {
                self.wait_for_event();
                // Without a ring, others have read the file.
                while self.doorbell.is_listening(token) {
                    self.wait_for_event();
                }
            }
            last_full_wait = Some(token);
        }
    }

    /// Blocks as an endpoint does.
    fn block_for(&self, times: u32) {
        let mut last_full_wait = None;
        while !self.has_changed(times) {
            let token = self.doorbell.prepare_wait(last_full_wait.take());
            if self.has_changed(times) {
                break;
            }
            if token.is_bounded() {
                self.wait_until_visible();
            } else {
                self.doorbell.commit_wait(token, Deadline::NEVER).unwrap();
            }
            last_full_wait = Some(token);
        }
    }
}

#[test]
fn event_loop_is_rung_by_each_change() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let poller = Arc::clone(&world);
        let poller = thread::spawn(move || (1..=3).for_each(|times| poller.poll_for(times)));
        let mut notifier = Notifier::default();
        (0..3).for_each(|_| world.change(&mut notifier, Waiters::One, Goes::ToTheEnd));
        poller.join().unwrap();
    });
}

/// The event of a closed file replaces the ring.
#[test]
fn event_loop_hears_of_the_last_change_of_a_killed_notifier() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let poller = Arc::clone(&world);
        let poller = thread::spawn(move || (1..=2).for_each(|times| poller.poll_for(times)));
        let mut notifier = Notifier::default();
        world.change(&mut notifier, Waiters::One, Goes::ToTheEnd);
        world.change(&mut notifier, Waiters::One, Goes::UntilWoken);
        poller.join().unwrap();
    });
}

#[test]
fn event_loop_and_blocked_endpoint_both_hear_of_a_change() {
    for waiters in [Waiters::Many, Waiters::All] {
        loom::model(move || {
            let world = Arc::new(World::default());
            let (poller, sleeper) = (Arc::clone(&world), Arc::clone(&world));
            let poller = thread::spawn(move || poller.poll_for(1));
            let sleeper = thread::spawn(move || sleeper.block_for(1));
            world.change(&mut Notifier::default(), waiters, Goes::ToTheEnd);
            poller.join().unwrap();
            sleeper.join().unwrap();
        });
    }
}

#[test]
fn event_loop_is_rung_by_one_of_two_notifiers() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let notifiers = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || world.change(&mut Notifier::default(), Waiters::One, Goes::ToTheEnd))
        });
        world.poll_for(2);
        notifiers.into_iter().for_each(|notifier| notifier.join().unwrap());
    });
}

/// One thread reads the event, and wakes the task that had armed the endpoint.
#[test]
fn task_is_woken_by_the_thread_that_drains() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let task = Arc::new((Mutex::new(false), Condvar::new()));
        let (draining, woken) = (Arc::clone(&world), Arc::clone(&task));
        let draining = thread::spawn(move || {
            draining.wait_for_event();
            *woken.0.lock().unwrap() = true;
            woken.1.notify_one();
        });
        let waiting = Arc::clone(&world);
        let waiting = thread::spawn(move || {
            // The first wait is bounded.
            let token = waiting.doorbell.prepare_listen(None);
            waiting.wait_until_visible();
            let token = waiting.doorbell.prepare_listen(Some(token));
            assert!(!token.is_bounded() || waiting.has_changed(1));
            if !waiting.has_changed(1) {
                let mut is_woken = task.0.lock().unwrap();
                while !*is_woken {
                    is_woken = task.1.wait(is_woken).unwrap();
                }
                assert!(waiting.has_changed(1));
            }
            // Ends the other thread.
            waiting.raise();
        });
        world.change(&mut Notifier::default(), Waiters::One, Goes::ToTheEnd);
        waiting.join().unwrap();
        draining.join().unwrap();
    });
}
