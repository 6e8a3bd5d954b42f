//! A place where processes wait for each other.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use nix::errno::Errno;

use super::LOOK_FOR_DEAD;
use super::atomic::{AtomicU32, futex};
use super::condition::{self, INITIALISED};
use super::failure::{failed, not_initialised};
use super::raw::RawMutex;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::time::Deadline;

const JOIN: &str = "join barrier";
const WAIT: &str = "pthread_barrier_wait";

// What a seat is.
/// Nobody's.
const FREE: u32 = 0;
/// Somebody's; if its lock can be had, he died.
const TAKEN: u32 = 1;
/// Somebody's who died.
const VACATED: u32 = 2;

/// A place where `PARTIES` threads of many processes wait until all have come, in memory that processes share.
///
/// Each of them [joins](Barrier::join) once, and then [waits](Participant::wait) as often as there are rounds. If one
/// dies, wherever it is, the others are told instead of waiting for it: within about 20 ms, since they have to look. When
/// somebody else has joined in its place, it goes on.
///
/// Takes 64 bytes for each party, and 64 more.
///
/// ```
/// use std::thread;
/// use ipcraft::shm::{Shared, memfd::Memfd};
/// use ipcraft::sync::Barrier;
///
/// let memory = Memfd::create("start", Shared::<Barrier<2>>::SIZE)?;
/// let start = Shared::<Barrier<2>>::initialize(memory.map()?, Barrier::init)?;
/// thread::scope(|scope| {
///     let other = scope.spawn(|| start.join()?.wait()); // usually another process
///     let leads = start.join()?.wait()?;
///     let other_leads = other.join().unwrap()?;
///     assert_ne!(leads, other_leads);
///     Ok::<(), ipcraft::Error>(())
/// })?;
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[repr(C)]
pub struct Barrier<const PARTIES: usize> {
    /// Held for a moment by who changes anything below.
    lock: RawMutex,
    condition: AtomicU32,
    /// Counts the rounds, and wraps. Who waits for the end of one sleeps on it.
    round: AtomicU32,
    seats: [Seat; PARTIES],
}

/// What is known of one participant.
#[repr(C, align(64))]
struct Seat {
    /// Held by the participant for as long as it takes part.
    presence: RawMutex,
    state: AtomicU32,
    /// The round that begins when all have come, if this one has come; any other if not.
    come_for: AtomicU32,
}

impl<const PARTIES: usize> Barrier<PARTIES> {
    /// Makes new memory, which is all zero, a barrier that nobody has joined. Later calls do nothing.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) or
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the process has not used a lock before and
    /// cannot read `/proc/self/ns/pid`; a later call can succeed. [`InUse`](crate::ErrorKind::InUse) if another
    /// thread is initializing the lock, or died there.
    #[doc(alias = "pthread_barrier_init")]
    pub fn init(&self) -> Result<()> {
        const { assert!(PARTIES > 0, "somebody has to come") };
        let make = || self.locks().try_for_each(RawMutex::init);
        condition::initialize("pthread_barrier_init", &self.condition, make)
    }

    /// Takes part, as one of `PARTIES`; in the place of one who died, if there is such a place.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if so many take part already, or the thread holds 2048 locks;
    /// [`Invalid`](ErrorKind::Invalid) if it was not initialised.
    pub fn join(&self) -> Result<Participant<'_, PARTIES>> {
        if self.condition.load(Acquire) != INITIALISED {
            return Err(not_initialised(JOIN));
        }
        let _lock = self.lock(JOIN)?;
        for (number, seat) in self.seats.iter().enumerate() {
            match seat.presence.forgiving(seat.presence.try_lock()) {
                Ok(()) => {
                    seat.come_for.store(self.round.load(Relaxed), Relaxed);
                    seat.state.store(TAKEN, Relaxed);
                    return Ok(Participant { barrier: self, number, _thread: PhantomData });
                }
                Err(Errno::EBUSY) => {}
                Err(errno) => return Err(failed(JOIN, errno)),
            }
        }
        let limit = Limit {
            name: "the parties of the barrier",
            value: PARTIES as u64,
            requested: Some(PARTIES as u64 + 1),
        };
        Err(Error::new(JOIN, ErrorKind::LimitReached).with_limit(Some(limit)))
    }

    /// How many rounds are complete, modulo 2^32. Stale as soon as it is returned.
    pub fn rounds(&self) -> u32 {
        self.round.load(Acquire)
    }

    fn lock(&self, operation: &'static str) -> Result<Lock<'_>> {
        // Each change is one store, or one of the kernel's, so a dead owner leaves no disorder.
        self.lock.forgiving(self.lock.lock()).map_err(|e| failed(operation, e))?;
        Ok(Lock(&self.lock))
    }

    /// Whether all have come; for who holds the lock.
    fn is_complete(&self, next: u32) -> bool {
        self.seats.iter().all(|seat| seat.state.load(Relaxed) == TAKEN && seat.come_for.load(Relaxed) == next)
    }

    /// Whether one who took part died and nobody has taken its place; for who holds the lock.
    fn lacks_somebody(&self) -> Result<bool> {
        for seat in &self.seats {
            if seat.is_vacated().map_err(|e| failed(WAIT, e))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All locks that it is made of.
    pub(super) fn locks(&self) -> impl Iterator<Item = &RawMutex> {
        std::iter::once(&self.lock).chain(self.seats.iter().map(|seat| &seat.presence))
    }
}

impl Seat {
    /// Whether whoever had it died; looks, and notes it.
    fn is_vacated(&self) -> nix::Result<bool> {
        if self.state.load(Relaxed) == TAKEN {
            match self.presence.forgiving(self.presence.try_lock()) {
                Ok(()) => {
                    self.state.store(VACATED, Relaxed);
                    self.presence.unlock();
                }
                Err(Errno::EBUSY) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(self.state.load(Relaxed) == VACATED)
    }
}

/// One of those who wait for each other. It belongs to the thread that joined; dropping it makes place for another.
pub struct Participant<'a, const PARTIES: usize> {
    barrier: &'a Barrier<PARTIES>,
    number: usize,
    _thread: PhantomData<*const ()>,
}

impl<const PARTIES: usize> Participant<'_, PARTIES> {
    /// Which one it is, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// `pthread_barrier_wait(3)`: waits until all have come. True for exactly one of them, the last to come (for none, if
    /// that one is killed as it completes the round).
    ///
    /// # Errors
    ///
    /// [`OwnerDied`](ErrorKind::OwnerDied) if one who took part died: this one then has not come, and may wait again. It
    /// fails until somebody has joined in its place. [`LimitReached`](ErrorKind::LimitReached) if the thread holds 2047
    /// locks: looking whether the others live takes two more for a moment.
    #[doc(alias = "pthread_barrier_wait")]
    pub fn wait(&self) -> Result<bool> {
        self.wait_until(Deadline::NEVER)
    }

    /// [`wait`](Participant::wait) that fails with [`TimedOut`](ErrorKind::TimedOut) if not all have come within
    /// `timeout`; this one then has not come either.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool> {
        self.wait_until(Deadline::after(timeout))
    }

    fn wait_until(&self, deadline: Deadline) -> Result<bool> {
        let Some(round) = self.come()? else { return Ok(true) };
        loop {
            let piece = Deadline::after(deadline.capped(LOOK_FOR_DEAD));
            match futex::wait(&self.barrier.round, round, futex::ANY, piece) {
                Ok(()) | Err(Errno::EAGAIN | Errno::ETIMEDOUT) => {}
                Err(errno) => return Err(failed(WAIT, errno)),
            }
            if self.barrier.round.load(Acquire) != round {
                return Ok(false);
            }
            let _lock = self.barrier.lock(WAIT)?;
            if self.barrier.round.load(Acquire) != round {
                return Ok(false);
            }
            let lacking = self.barrier.lacks_somebody()?;
            if lacking || deadline.has_passed() {
                self.seat().come_for.store(round, Relaxed);
                return Err(if lacking { somebody_died() } else { failed(WAIT, Errno::ETIMEDOUT) });
            }
        }
    }

    /// Comes, and says which round it is, unless that was the last to come and the round is over.
    fn come(&self) -> Result<Option<u32>> {
        let barrier = self.barrier;
        let lock = barrier.lock(WAIT)?;
        let round = barrier.round.load(Relaxed);
        let next = round.wrapping_add(1);
        if barrier.lacks_somebody()? {
            return Err(somebody_died());
        }
        self.seat().come_for.store(next, Release);
        if !barrier.is_complete(next) {
            return Ok(Some(round));
        }
        barrier.round.store(next, Release);
        // Who wakes comes again and wants the lock. If this one dies before it wakes them, they look in a while.
        drop(lock);
        futex::wake(&barrier.round, u32::MAX, futex::ANY).map_err(|e| failed(WAIT, e))?;
        Ok(None)
    }

    fn seat(&self) -> &Seat {
        &self.barrier.seats[self.number]
    }
}

impl<const PARTIES: usize> Drop for Participant<'_, PARTIES> {
    fn drop(&mut self) {
        // In a forked child the seat is the parent's.
        if self.seat().presence.is_mine() {
            // Who finds the seat taken and its lock free takes the participant for dead.
            let _lock = self.barrier.lock(JOIN);
            self.seat().state.store(FREE, Relaxed);
        }
        self.seat().presence.unlock();
    }
}

impl<const PARTIES: usize> fmt::Debug for Participant<'_, PARTIES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Participant").field(&self.number).finish()
    }
}

impl<const PARTIES: usize> fmt::Debug for Barrier<PARTIES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").finish_non_exhaustive()
    }
}

#[cold]
fn somebody_died() -> Error {
    Error::from_errno(WAIT, Errno::EOWNERDEAD).with_hint("let somebody join in its place, and wait again")
}

/// Unlocks when dropped.
struct Lock<'a>(&'a RawMutex);

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        self.0.unlock();
    }
}
