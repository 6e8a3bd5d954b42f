//! `Condvar`: who is killed takes nobody else's wake-up along.
//!
//! Jobs are counted under a mutex. Two other processes sleep on the same condvar, each until it has got one job; each job
//! comes with one notification, so a single one lost leaves somebody asleep.

use std::cell::{Cell, RefCell};
use std::mem::offset_of;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use ipcraft::shm::Shared;
use ipcraft::sync::{Condvar, LockError, Mutex, MutexGuard, WaitTimeoutResult};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::eintr_storm::{Handler, Storm};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors;
use libtest_mimic::Trial;
use nix::unistd::Pid;

use crate::world::{BRIEFLY, HANG_TIMEOUT, clean, shared};

pub(crate) fn tests() -> Vec<Trial> {
    let waiter = Waiter { operate: Queue::wait, woken: true, storm: false };
    vec![
        clean("condvar_wait", waiter),
        clean("condvar_wait_in_a_storm_of_signals", Waiter { storm: true, ..waiter }),
        clean("condvar_wait_while", Waiter { operate: Queue::work, ..waiter }),
        clean("condvar_wait_timeout", Waiter { operate: Queue::wait_briefly, woken: false, ..waiter }),
        clean("condvar_wait_while_timeout", Waiter { operate: Queue::work_briefly, woken: false, ..waiter }),
        clean("condvar_notify_one", Notifier { notify: |queue| queue.more.notify_one() }),
        clean("condvar_notify_all", Notifier { notify: |queue| queue.more.notify_all() }),
    ]
}

/// How many others wait.
const OTHERS: u32 = 2;

ipcraft::plain_struct! {
    /// What was posted is waiting or taken, unless somebody died half way.
    #[derive(Debug, Default)]
    struct Jobs {
        posted: u32,
        taken: u32,
        waiting: u32,
    }
}

ipcraft::shared_struct! {
    struct Queue {
        jobs: Mutex<Jobs>,
        more: Condvar,
        /// How often somebody was told that the owner died.
        told: AtomicU32,
    }
}

type Relocked<'a> = Result<MutexGuard<'a, Jobs>, LockError<MutexGuard<'a, Jobs>>>;

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.mended(self.jobs.lock())
    }

    /// For the test itself, which is not to hang.
    fn lock_in_time(&self) -> MutexGuard<'_, Jobs> {
        self.mended(self.jobs.lock_timeout(HANG_TIMEOUT))
    }

    /// The lock, with the jobs put in order if their last owner died.
    fn mended<'a>(&self, taken: Relocked<'a>) -> MutexGuard<'a, Jobs> {
        let repaired = taken.or_else(|e| {
            e.repair(|jobs| {
                jobs.waiting = jobs.posted - jobs.taken;
                self.told.fetch_add(1, Relaxed);
            })
        });
        let jobs = repaired.expect("the mutex of the jobs");
        assert_eq!(jobs.posted, jobs.taken + jobs.waiting, "half changed, and nobody was told");
        jobs
    }

    /// Posts as many as there is somebody for, each with a notification of its own.
    fn post_each(&self, count: u32) {
        for _ in 0..count {
            post(self.lock_in_time(), 1);
            self.more.notify_one().unwrap();
        }
    }

    /// Forgets all jobs.
    fn clear(&self) {
        *self.lock_in_time() = Jobs::default();
    }

    /// Sleeps until notified, whatever for.
    fn wait(&self) {
        drop(self.mended(self.more.wait(self.lock())));
    }

    /// Sleeps until there is a job, and takes it.
    fn work(&self) {
        take(self.mended(self.more.wait_while(self.lock(), |jobs| jobs.waiting == 0)));
    }

    fn wait_briefly(&self) {
        let (_jobs, woken) = self.more.wait_timeout(self.lock(), BRIEFLY).unwrap();
        assert_eq!(woken, WaitTimeoutResult::TimedOut);
    }

    fn work_briefly(&self) {
        let waited = self.more.wait_while_timeout(self.lock(), BRIEFLY, |jobs| jobs.waiting == 0);
        assert_eq!(waited.unwrap().1, WaitTimeoutResult::TimedOut);
    }
}

fn post(mut jobs: MutexGuard<'_, Jobs>, count: u32) {
    jobs.posted += count;
    jobs.waiting += count;
}

fn take(mut jobs: MutexGuard<'_, Jobs>) {
    jobs.taken += 1;
    jobs.waiting -= 1;
}

struct World {
    queue: Shared<Queue>,
    /// The others.
    waiters: RefCell<Vec<Peer>>,
    /// Whether there is a job for everybody, with its notification.
    posted: Cell<bool>,
    /// Whether the child had the mutex when it was killed.
    was_held: Cell<bool>,
    /// The count of notifications before the child notified.
    notifications: Cell<u32>,
}

impl World {
    fn new() -> World {
        World {
            queue: shared(|queue: &Queue| queue.jobs.init(Jobs::default())),
            waiters: RefCell::default(),
            posted: Cell::new(false),
            was_held: Cell::new(false),
            notifications: Cell::new(0),
        }
    }

    /// Everything as before the first call, and the others asleep.
    fn fill(&self, storm: bool) {
        self.queue.clear();
        self.posted.set(false);
        self.waiters.replace(workers(&self.queue, OTHERS, storm));
        self.notifications.set(self.count());
    }

    fn before_kill(&self, child: Pid) {
        let owner = self.word(offset_of!(Queue, jobs)).load(Relaxed) & libc::FUTEX_TID_MASK;
        self.was_held.set(owner == child.as_raw() as u32);
    }

    /// How often those who sleep were notified: the first word of a condvar.
    fn count(&self) -> u32 {
        self.word(offset_of!(Queue, more)).load(Relaxed)
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        let queue = Shared::<Queue>::SIZE - size_of::<Queue>();
        self.queue.mapping().atomic_u32(queue + offset).unwrap()
    }

    /// The others have a job each, or will never have; then a newcomer gets one too.
    fn proceed(&self, storm: bool) -> Outcome {
        if !survivors::finish(self.waiters.take()) {
            return Outcome::Stuck;
        }
        let jobs = *self.queue.lock_in_time();
        assert!(jobs.taken - OTHERS <= 1, "the others took one each, and the child none or one: {jobs:?}");
        let told = self.queue.told.load(Relaxed);
        assert_eq!(told, self.was_held.get().into(), "told once if it was held, and not at all if not");

        self.queue.clear();
        let newcomers = workers(&self.queue, 1, storm);
        self.queue.post_each(1);
        if !survivors::finish(newcomers) {
            return Outcome::Stuck;
        }
        if told > 0 { Outcome::Notified } else { Outcome::Unnoticed }
    }
}

/// Processes that sleep until they have got one job each.
fn workers(queue: &Queue, count: u32, storm: bool) -> Vec<Peer> {
    survivors::asleep(count as usize, || {
        let _storm = storm.then(|| Storm::start(Handler::Interrupting));
        queue.work();
    })
}

/// Killed while it waits, as the others do.
#[derive(Clone, Copy)]
struct Waiter {
    operate: fn(&Queue),
    /// Whether it is notified, and does not wait for the timeout.
    woken: bool,
    /// Whether signals rain on the others.
    storm: bool,
}

impl Scenario for Waiter {
    type Fixture = World;

    fn fixture(&self) -> World {
        World::new()
    }

    fn operate(&self, world: &World) {
        (self.operate)(&world.queue);
    }

    fn rearm(&self, world: &World) {
        world.fill(self.storm);
    }

    fn wake(&self, world: &World) {
        if self.woken && !world.posted.replace(true) {
            world.queue.post_each(world.waiters.borrow().len() as u32 + 1);
        }
    }

    fn before_kill(&self, world: &World, child: Pid) {
        world.before_kill(child);
    }

    fn check(&self, world: World) -> Outcome {
        if !world.posted.get() {
            world.queue.post_each(OTHERS);
        }
        world.proceed(self.storm)
    }
}

/// Killed while it posts a job for each of the others and notifies them.
struct Notifier {
    notify: fn(&Queue) -> ipcraft::Result<()>,
}

impl Scenario for Notifier {
    type Fixture = World;

    fn fixture(&self) -> World {
        World::new()
    }

    fn operate(&self, world: &World) {
        post(world.queue.lock(), OTHERS);
        (self.notify)(&world.queue).unwrap();
    }

    fn rearm(&self, world: &World) {
        world.fill(false);
    }

    fn before_kill(&self, world: &World, child: Pid) {
        world.before_kill(child);
        world.posted.set(world.count() != world.notifications.get());
    }

    /// Once the kernel has counted the notification everybody is awake; otherwise the next one wakes everybody.
    fn check(&self, world: World) -> Outcome {
        if !world.posted.get() {
            let jobs = world.queue.lock_in_time();
            let missing = OTHERS - jobs.posted;
            post(jobs, missing);
            (self.notify)(&world.queue).unwrap();
        }
        world.proceed(false)
    }
}
