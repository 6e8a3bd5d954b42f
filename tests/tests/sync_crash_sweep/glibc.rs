//! The process-shared condition variable, reader-writer lock and semaphore of the C library. The
//! sweep finds the positions in which they leave survivors stuck. That is why
//! [`sync`](ipcraft::sync) does not use them, and it proves that the sweep can fail.
use std::cell::{Cell, RefCell, UnsafeCell};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use ipcraft::shm::{ProcessShared, Shared, SharedLayout};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors;
use libtest_mimic::Trial;

use crate::common::{shared_value, stuck_somewhere};

pub(crate) fn tests() -> Vec<Trial> {
    let lock = |operate, then| Lock { operate, then };
    vec![
        stuck_somewhere("glibc_condvar_wait", Waiter),
        stuck_somewhere("glibc_rwlock_read", lock(Glibc::read, Glibc::write)),
        stuck_somewhere("glibc_rwlock_write", lock(Glibc::write, Glibc::read)),
        stuck_somewhere("glibc_semaphore_wait_and_post", lock(Glibc::acquire, Glibc::acquire)),
    ]
}

/// The time after which a survivor counts as stuck: short, because many are.
const STUCK_TIMEOUT: Duration = Duration::from_millis(120);

/// The value in pthread.h, which the libc crate has for some targets only.
const PTHREAD_MUTEX_ROBUST: libc::c_int = 1;

/// The number of other waiters.
const OTHERS: usize = 2;

/// The objects of the C library, and a robust mutex for the condition variable.
#[repr(C)]
struct Glibc {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    condition: UnsafeCell<libc::pthread_cond_t>,
    rwlock: UnsafeCell<libc::pthread_rwlock_t>,
    semaphore: UnsafeCell<libc::sem_t>,
    jobs: AtomicU32,
}

// SAFETY: because the objects are made to be used by several threads, and are used by the C
// library's functions alone.
unsafe impl Sync for Glibc {}

// SAFETY: because zero bytes are such objects, although not shared ones. The C library keeps no
// pointers in them but those of the robust list, which each process writes before it reads them.
unsafe impl ProcessShared for Glibc {
    const LAYOUT: SharedLayout = SharedLayout::new("objects of the C library", &[]);
}

impl Glibc {
    fn init(&self) {
        // SAFETY: because the memory is new and no other thread uses it yet. Each attribute object
        // is initialized, used and destroyed in turn.
        unsafe {
            let mut of_mutex = std::mem::zeroed();
            succeeded(libc::pthread_mutexattr_init(&mut of_mutex));
            succeeded(libc::pthread_mutexattr_setpshared(&mut of_mutex, libc::PTHREAD_PROCESS_SHARED));
            succeeded(libc::pthread_mutexattr_setrobust(&mut of_mutex, PTHREAD_MUTEX_ROBUST));
            succeeded(libc::pthread_mutex_init(self.mutex.get(), &of_mutex));
            succeeded(libc::pthread_mutexattr_destroy(&mut of_mutex));

            let mut of_condition = std::mem::zeroed();
            succeeded(libc::pthread_condattr_init(&mut of_condition));
            succeeded(libc::pthread_condattr_setpshared(&mut of_condition, libc::PTHREAD_PROCESS_SHARED));
            succeeded(libc::pthread_cond_init(self.condition.get(), &of_condition));
            succeeded(libc::pthread_condattr_destroy(&mut of_condition));

            let mut of_rwlock = std::mem::zeroed();
            succeeded(libc::pthread_rwlockattr_init(&mut of_rwlock));
            succeeded(libc::pthread_rwlockattr_setpshared(&mut of_rwlock, libc::PTHREAD_PROCESS_SHARED));
            succeeded(libc::pthread_rwlock_init(self.rwlock.get(), &of_rwlock));
            succeeded(libc::pthread_rwlockattr_destroy(&mut of_rwlock));

            succeeded(libc::sem_init(self.semaphore.get(), 1, 1));
        }
    }

    fn lock(&self) {
        // SAFETY: because the mutex is initialized and mapped.
        self.locked(unsafe { libc::pthread_mutex_lock(self.mutex.get()) });
    }

    /// Ignores the death of an owner: the number of jobs changes in one step.
    fn locked(&self, errno: libc::c_int) {
        if errno == libc::EOWNERDEAD {
            // SAFETY: because this thread was just given the mutex.
            succeeded(unsafe { libc::pthread_mutex_consistent(self.mutex.get()) });
        } else {
            succeeded(errno);
        }
    }

    fn unlock(&self) {
        // SAFETY: because this thread has the mutex.
        succeeded(unsafe { libc::pthread_mutex_unlock(self.mutex.get()) });
    }

    /// Blocks until a job is waiting, and takes it.
    fn work(&self) {
        self.lock();
        while self.jobs.load(SeqCst) == 0 {
            // SAFETY: because both are initialized and mapped, and this thread has the mutex.
            self.locked(unsafe { libc::pthread_cond_wait(self.condition.get(), self.mutex.get()) });
        }
        self.jobs.fetch_sub(1, SeqCst);
        self.unlock();
    }

    /// Posts jobs, each with a notification of its own.
    fn post_each(&self, count: usize) {
        for _ in 0..count {
            self.lock();
            self.jobs.fetch_add(1, SeqCst);
            self.unlock();
            // SAFETY: because the condition variable is initialized and mapped.
            succeeded(unsafe { libc::pthread_cond_signal(self.condition.get()) });
        }
    }

    fn read(&self) {
        // SAFETY: because the lock is initialized and mapped, and unlocked by the thread that
        // locked it.
        unsafe {
            succeeded(libc::pthread_rwlock_rdlock(self.rwlock.get()));
            succeeded(libc::pthread_rwlock_unlock(self.rwlock.get()));
        }
    }

    fn write(&self) {
        // SAFETY: because the lock is initialized and mapped, and unlocked by the thread that
        // locked it.
        unsafe {
            succeeded(libc::pthread_rwlock_wrlock(self.rwlock.get()));
            succeeded(libc::pthread_rwlock_unlock(self.rwlock.get()));
        }
    }

    fn acquire(&self) {
        // SAFETY: because the semaphore is initialized and mapped.
        unsafe {
            succeeded(libc::sem_wait(self.semaphore.get()));
            succeeded(libc::sem_post(self.semaphore.get()));
        }
    }
}

fn succeeded(errno: libc::c_int) {
    assert_eq!(errno, 0);
}

/// Killed while it waits for a job, as in the sweep of the library's own condition variable.
struct Waiter;

struct Queue {
    queue: Shared<Glibc>,
    others: RefCell<Vec<Peer>>,
    /// Whether a job was posted for each waiter.
    posted: Cell<bool>,
}

impl Queue {
    /// Starts processes that block until each has taken one job.
    fn workers(&self, count: usize) -> Vec<Peer> {
        survivors::asleep(count, || self.queue.work())
    }

    /// Posts jobs in a process of its own, because notifying may hang as well. Returns whether it
    /// did not.
    fn post_each(&self, count: usize) -> bool {
        survivors::finish_within(STUCK_TIMEOUT, [survivors::start(|| self.queue.post_each(count))])
    }
}

impl Scenario for Waiter {
    type Fixture = Queue;

    fn stride(&self, _asked: u64) -> u64 {
        7
    }

    fn ends_with_failure(&self) -> bool {
        true
    }

    fn fixture(&self) -> Queue {
        Queue {
            queue: shared_value(|glibc: &Glibc| {
                glibc.init();
                Ok(())
            }),
            others: RefCell::default(),
            posted: Cell::new(false),
        }
    }

    fn operate(&self, fixture: &Queue) {
        fixture.queue.work();
    }

    fn rearm(&self, fixture: &Queue) {
        fixture.posted.set(false);
        fixture.others.replace(fixture.workers(OTHERS));
    }

    fn wake(&self, fixture: &Queue) {
        if !fixture.posted.replace(true) {
            fixture.queue.post_each(fixture.others.borrow().len() + 1);
        }
    }

    fn check(&self, fixture: Queue) -> Outcome {
        let woken = (fixture.posted.get() || fixture.post_each(OTHERS))
            && survivors::finish_within(STUCK_TIMEOUT, fixture.others.take());
        if !woken {
            return Outcome::Stuck;
        }
        fixture.queue.jobs.store(0, SeqCst);
        let newcomers = fixture.workers(1);
        if fixture.post_each(1) && survivors::finish_within(STUCK_TIMEOUT, newcomers) {
            Outcome::Unnoticed
        } else {
            Outcome::Stuck
        }
    }
}

/// Killed while it holds what another process acquires next.
struct Lock {
    operate: fn(&Glibc),
    then: fn(&Glibc),
}

impl Scenario for Lock {
    type Fixture = Shared<Glibc>;

    fn stride(&self, _asked: u64) -> u64 {
        1
    }

    fn ends_with_failure(&self) -> bool {
        true
    }

    fn fixture(&self) -> Shared<Glibc> {
        shared_value(|glibc: &Glibc| {
            glibc.init();
            Ok(())
        })
    }

    fn operate(&self, fixture: &Shared<Glibc>) {
        (self.operate)(fixture);
    }

    fn check(&self, fixture: Shared<Glibc>) -> Outcome {
        let next = survivors::start(|| (self.then)(&fixture));
        if survivors::finish_within(STUCK_TIMEOUT, [next]) { Outcome::Unnoticed } else { Outcome::Stuck }
    }
}
