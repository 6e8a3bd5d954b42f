//! `Condvar`: a killed waiter consumes no notification of another.
//!
//! Jobs are counted under a mutex. Two other processes wait on the condition variable, each until
//! it has taken one job. Each job comes with one notification, so a single lost one leaves a
//! process blocked.
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

use crate::common::{EXPIRING_TIMEOUT, HANG_TIMEOUT, clean, shared_value};

pub(crate) fn tests() -> Vec<Trial> {
    let waiter = Waiter { operate: Queue::wait, is_notified: true, signals: false };
    vec![
        clean("condvar_wait", waiter),
        clean("condvar_wait_under_signals", Waiter { signals: true, ..waiter }),
        clean("condvar_wait_while", Waiter { operate: Queue::work, ..waiter }),
        clean(
            "condvar_wait_timeout",
            Waiter { operate: Queue::wait_until_timeout, is_notified: false, ..waiter },
        ),
        clean(
            "condvar_wait_while_timeout",
            Waiter { operate: Queue::work_until_timeout, is_notified: false, ..waiter },
        ),
        clean("condvar_notify_one", Notifier { notify: |queue| queue.more.notify_one() }),
        clean("condvar_notify_all", Notifier { notify: |queue| queue.more.notify_all() }),
    ]
}

/// The number of other waiters.
const OTHERS: u32 = 2;

ipcraft::plain_struct! {
    /// Every posted job is waiting or taken, unless a process died in the middle of a change.
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
        /// How often the death of the last owner was reported.
        reported: AtomicU32,
    }
}

type LockResult<'a> = Result<MutexGuard<'a, Jobs>, LockError<MutexGuard<'a, Jobs>>>;

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.repaired(self.jobs.lock())
    }

    /// Locks with a timeout, so that the test itself cannot hang.
    fn lock_within_timeout(&self) -> MutexGuard<'_, Jobs> {
        self.repaired(self.jobs.lock_timeout(HANG_TIMEOUT))
    }

    /// Repairs the jobs if their last owner died.
    fn repaired<'a>(&self, result: LockResult<'a>) -> MutexGuard<'a, Jobs> {
        let locked = result.or_else(|e| {
            e.repair(|jobs| {
                jobs.waiting = jobs.posted - jobs.taken;
                self.reported.fetch_add(1, Relaxed);
            })
        });
        let jobs = locked.expect("the mutex of the jobs");
        assert_eq!(jobs.posted, jobs.taken + jobs.waiting, "half changed, and no death was reported");
        jobs
    }

    /// Posts jobs one by one, each with a notification of its own.
    fn post_each(&self, count: u32) {
        for _ in 0..count {
            post(self.lock_within_timeout(), 1);
            self.more.notify_one().unwrap();
        }
    }

    /// Removes all jobs.
    fn clear(&self) {
        *self.lock_within_timeout() = Jobs::default();
    }

    /// Blocks until notified, for any reason.
    fn wait(&self) {
        drop(self.repaired(self.more.wait(self.lock())));
    }

    /// Blocks until a job is waiting, and takes it.
    fn work(&self) {
        take(self.repaired(self.more.wait_while(self.lock(), |jobs| jobs.waiting == 0)));
    }

    fn wait_until_timeout(&self) {
        let (_jobs, result) = self.more.wait_timeout(self.lock(), EXPIRING_TIMEOUT).unwrap();
        assert_eq!(result, WaitTimeoutResult::TimedOut);
    }

    fn work_until_timeout(&self) {
        let waited = self.more.wait_while_timeout(self.lock(), EXPIRING_TIMEOUT, |jobs| jobs.waiting == 0);
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

struct Fixture {
    queue: Shared<Queue>,
    /// The other processes.
    waiters: RefCell<Vec<Peer>>,
    /// Whether a job and its notification were posted for each waiter.
    posted: Cell<bool>,
    /// Whether the child held the mutex when it was killed.
    was_held: Cell<bool>,
    /// The count of notifications before the child notified.
    notifications: Cell<u32>,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture {
            queue: shared_value(|queue: &Queue| queue.jobs.init(Jobs::default())),
            waiters: RefCell::default(),
            posted: Cell::new(false),
            was_held: Cell::new(false),
            notifications: Cell::new(0),
        }
    }

    /// Restores the state before the first call, with the other processes blocked.
    fn fill(&self, signals: bool) {
        self.queue.clear();
        self.posted.set(false);
        self.waiters.replace(workers(&self.queue, OTHERS, signals));
        self.notifications.set(self.count());
    }

    fn before_kill(&self, child: Pid) {
        let owner = self.word(offset_of!(Queue, jobs)).load(Relaxed) & libc::FUTEX_TID_MASK;
        self.was_held.set(owner == child.as_raw() as u32);
    }

    /// Returns the count of notifications, the first word of a condition variable.
    fn count(&self) -> u32 {
        self.word(offset_of!(Queue, more)).load(Relaxed)
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        let queue = Shared::<Queue>::SIZE - size_of::<Queue>();
        self.queue.mapping().atomic_u32(queue + offset).unwrap()
    }

    /// Checks that each of the others takes a job, and then that a newcomer does.
    fn check_survivors(&self, signals: bool) -> Outcome {
        if !survivors::finish(self.waiters.take()) {
            return Outcome::Stuck;
        }
        let jobs = *self.queue.lock_within_timeout();
        assert!(
            jobs.taken - OTHERS <= 1,
            "the others took one job each, and the child at most one: {jobs:?}"
        );
        let reported = self.queue.reported.load(Relaxed);
        assert_eq!(reported, self.was_held.get().into(), "reported once if it was held, and otherwise never");

        self.queue.clear();
        let newcomers = workers(&self.queue, 1, signals);
        self.queue.post_each(1);
        if !survivors::finish(newcomers) {
            return Outcome::Stuck;
        }
        if reported > 0 { Outcome::Notified } else { Outcome::Unnoticed }
    }
}

/// Starts processes that block until each has taken one job.
fn workers(queue: &Queue, count: u32, signals: bool) -> Vec<Peer> {
    survivors::asleep(count as usize, || {
        let _storm = signals.then(|| Storm::start(Handler::Interrupting));
        queue.work();
    })
}

/// Killed while it waits, as the other processes do.
#[derive(Clone, Copy)]
struct Waiter {
    operate: fn(&Queue),
    /// Whether it is notified, or waits for its timeout.
    is_notified: bool,
    /// Whether signals interrupt the other processes.
    signals: bool,
}

impl Scenario for Waiter {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        Fixture::new()
    }

    fn operate(&self, fixture: &Fixture) {
        (self.operate)(&fixture.queue);
    }

    fn rearm(&self, fixture: &Fixture) {
        fixture.fill(self.signals);
    }

    fn wake(&self, fixture: &Fixture) {
        if self.is_notified && !fixture.posted.replace(true) {
            fixture.queue.post_each(fixture.waiters.borrow().len() as u32 + 1);
        }
    }

    fn before_kill(&self, fixture: &Fixture, child: Pid) {
        fixture.before_kill(child);
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        if !fixture.posted.get() {
            fixture.queue.post_each(OTHERS);
        }
        fixture.check_survivors(self.signals)
    }
}

/// Killed while it posts a job for each of the others and notifies them.
struct Notifier {
    notify: fn(&Queue) -> ipcraft::Result<()>,
}

impl Scenario for Notifier {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        Fixture::new()
    }

    fn operate(&self, fixture: &Fixture) {
        post(fixture.queue.lock(), OTHERS);
        (self.notify)(&fixture.queue).unwrap();
    }

    fn rearm(&self, fixture: &Fixture) {
        fixture.fill(false);
    }

    fn before_kill(&self, fixture: &Fixture, child: Pid) {
        fixture.before_kill(child);
        fixture.posted.set(fixture.count() != fixture.notifications.get());
    }

    /// If the kernel has counted the notification, all waiters are awake. Otherwise the next one
    /// wakes them.
    fn check(&self, fixture: Fixture) -> Outcome {
        if !fixture.posted.get() {
            let jobs = fixture.queue.lock_within_timeout();
            let missing = OTHERS - jobs.posted;
            post(jobs, missing);
            (self.notify)(&fixture.queue).unwrap();
        }
        fixture.check_survivors(false)
    }
}
