//! A barrier at which a fixed number of participants wait for one another.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use nix::errno::Errno;

use super::DEAD_POLL_INTERVAL;
use super::atomic::{AtomicU32, futex};
use super::errors::{failed, not_initialized};
use super::raw::RawMutex;
use super::state::{self, INITIALIZED};
use super::unlock_on_drop::UnlockOnDrop;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::time::Deadline;

const JOIN: &str = "join barrier";
const WAIT: &str = "pthread_barrier_wait";

// The states of a party.
/// No participant uses it.
const FREE: u32 = 0;
/// A participant uses it. If its `alive` lock is free in this state, the participant died.
const JOINED: u32 = 1;
/// Its participant died.
const DEAD: u32 = 2;

/// A barrier at which `PARTIES` threads of any processes wait for one another, in memory that
/// processes share.
///
/// Each thread [joins](Barrier::join) once and then [waits](Participant::wait) once per round. If a
/// participant dies, wherever it is, the other participants get an error within about 20 ms. After
/// a replacement has joined, the rounds continue.
///
/// The size is 64 bytes per party, plus 64 bytes.
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
    /// Held briefly to change the fields below.
    lock: RawMutex,
    state: AtomicU32,
    /// The count of completed rounds, modulo 2^32. Waiters block on this word.
    round: AtomicU32,
    parties: [Party; PARTIES],
}

/// One place at a barrier, for one participant at a time.
#[repr(C, align(64))]
struct Party {
    /// Held by the participant while it takes part.
    alive: RawMutex,
    state: AtomicU32,
    /// The round that begins when all have arrived, if this participant has arrived; otherwise any
    /// other number.
    arrived_for: AtomicU32,
}

impl<const PARTIES: usize> Barrier<PARTIES> {
    /// Turns new memory, which is all zero, into a barrier without participants.
    ///
    /// Does nothing if the memory is already initialized.
    ///
    /// # Errors
    ///
    /// As [`Mutex::init`](super::Mutex::init).
    #[doc(alias = "pthread_barrier_init")]
    pub fn init(&self) -> Result<()> {
        const { assert!(PARTIES > 0, "a barrier needs at least one party") };
        let make = || self.locks().try_for_each(RawMutex::init);
        state::initialize("pthread_barrier_init", &self.state, make)
    }

    /// Joins as one of `PARTIES` participants, in a free place or in that of a dead participant.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if the barrier is full, or if the thread holds
    /// 2048 locks; [`Invalid`](ErrorKind::Invalid) if it is not initialized.
    pub fn join(&self) -> Result<Participant<'_, PARTIES>> {
        if self.state.load(Acquire) != INITIALIZED {
            return Err(not_initialized(JOIN));
        }
        let _lock = self.lock(JOIN, Deadline::NEVER)?;
        for (number, party) in self.parties.iter().enumerate() {
            match party.alive.ignore_owner_death(party.alive.try_lock()) {
                Ok(()) => {
                    party.arrived_for.store(self.round.load(Relaxed), Relaxed);
                    party.state.store(JOINED, Relaxed);
                    return Ok(Participant { barrier: self, number, _thread: PhantomData });
                }
                Err(Errno::EBUSY | Errno::EDEADLK) => {}
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

    /// Returns how many rounds are complete, modulo 2^32. The number may be stale already.
    pub fn rounds(&self) -> u32 {
        self.round.load(Acquire)
    }

    fn lock(&self, operation: &'static str, deadline: Deadline) -> Result<UnlockOnDrop<'_>> {
        // Each change is a single store, or one by the kernel, so a dead owner leaves nothing to
        // repair.
        self.lock.ignore_owner_death(self.lock.lock_until(deadline)).map_err(|e| failed(operation, e))?;
        Ok(UnlockOnDrop(&self.lock))
    }

    /// Returns whether all participants have arrived. The caller holds the lock.
    fn is_complete(&self, next: u32) -> bool {
        let has_arrived =
            |party: &Party| party.state.load(Relaxed) == JOINED && party.arrived_for.load(Relaxed) == next;
        self.parties.iter().all(has_arrived)
    }

    /// Fails if a participant died and has no replacement yet, or if a participant that has not
    /// arrived belongs to this thread too. The caller holds the lock.
    fn check_others(&self, number: usize, next: u32) -> Result<()> {
        for (other, party) in self.parties.iter().enumerate() {
            let waits_for_itself = other != number && party.arrived_for.load(Relaxed) != next;
            match party.owner().map_err(|e| failed(WAIT, e))? {
                Owner::Dead => return Err(party_died()),
                Owner::Caller if waits_for_itself => return Err(failed(WAIT, Errno::EDEADLK)),
                Owner::Caller | Owner::Other => {}
            }
        }
        Ok(())
    }

    /// Returns all mutexes that the barrier consists of.
    pub(super) fn locks(&self) -> impl Iterator<Item = &RawMutex> {
        std::iter::once(&self.lock).chain(self.parties.iter().map(|party| &party.alive))
    }
}

/// Which thread uses a place at a barrier.
enum Owner {
    /// The calling thread.
    Caller,
    /// Another one, or none.
    Other,
    /// One that died.
    Dead,
}

impl Party {
    /// Checks whether the participant died, and records it. The caller holds the barrier's lock.
    fn owner(&self) -> nix::Result<Owner> {
        if self.state.load(Relaxed) == JOINED {
            match self.alive.ignore_owner_death(self.alive.try_lock()) {
                Ok(()) => {
                    // A participant that leaves resets the state before it unlocks.
                    if self.state.load(Relaxed) == JOINED {
                        self.state.store(DEAD, Relaxed);
                    }
                    self.alive.unlock();
                }
                Err(Errno::EDEADLK) => return Ok(Owner::Caller),
                Err(Errno::EBUSY) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(if self.state.load(Relaxed) == DEAD { Owner::Dead } else { Owner::Other })
    }
}

/// A participant of a [`Barrier`]. It belongs to the thread that joined; dropping it leaves the
/// barrier, so that another thread can join.
pub struct Participant<'a, const PARTIES: usize> {
    barrier: &'a Barrier<PARTIES>,
    number: usize,
    _thread: PhantomData<*const ()>,
}

impl<const PARTIES: usize> Participant<'_, PARTIES> {
    /// Returns the number of this participant, from 0 to `PARTIES` - 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// `pthread_barrier_wait(3)`: blocks until all participants have arrived.
    ///
    /// Returns true for exactly one participant of the round, the last to arrive. If that one is
    /// killed while it completes the round, all others get false.
    ///
    /// # Errors
    ///
    /// [`OwnerDied`](ErrorKind::OwnerDied) if a participant died. This participant then has not
    /// arrived, and may wait again; the call fails until a replacement has joined.
    /// [`Deadlock`](ErrorKind::Deadlock) if this thread has another participant that has not
    /// arrived. [`LimitReached`](ErrorKind::LimitReached) if the thread holds 2047 locks: checking the other
    /// participants briefly takes two more.
    #[doc(alias = "pthread_barrier_wait")]
    pub fn wait(&self) -> Result<bool> {
        self.wait_until(Deadline::NEVER)
    }

    /// Waits as [`wait`](Participant::wait), for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](ErrorKind::TimedOut) if not all participants arrive within `timeout`. This
    /// participant then has not arrived either. To withdraw its arrival, the call waits for a
    /// participant that is stopped within a call of this barrier.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool> {
        self.wait_until(Deadline::after(timeout))
    }

    /// Completes the round if all other participants have arrived; does not wait for them.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](ErrorKind::WouldBlock) if another participant has not arrived. This
    /// participant then has not arrived either. Otherwise as [`wait`](Participant::wait).
    pub fn try_wait(&self) -> Result<()> {
        match self.wait_timeout(Duration::ZERO) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::TimedOut => Err(failed(WAIT, Errno::EBUSY)),
            Err(error) => Err(error),
        }
    }

    fn wait_until(&self, deadline: Deadline) -> Result<bool> {
        let Some(round) = self.arrive(deadline)? else { return Ok(true) };
        loop {
            let next_check = Deadline::after(deadline.capped(DEAD_POLL_INTERVAL));
            match futex::wait(&self.barrier.round, round, futex::ANY, next_check) {
                Ok(()) | Err(Errno::EAGAIN | Errno::ETIMEDOUT) => {}
                Err(errno) => return Err(failed(WAIT, errno)),
            }
            if self.barrier.round.load(Acquire) != round {
                return Ok(false);
            }
            let _lock = self.barrier.lock(WAIT, Deadline::NEVER)?;
            if self.barrier.round.load(Acquire) != round {
                return Ok(false);
            }
            let checked = self.barrier.check_others(self.number, round.wrapping_add(1));
            if checked.is_err() || deadline.has_passed() {
                self.party().arrived_for.store(round, Relaxed);
                return Err(checked.err().unwrap_or_else(|| failed(WAIT, Errno::ETIMEDOUT)));
            }
        }
    }

    /// Arrives, and returns the current round. Returns `None` if this arrival completed the round.
    fn arrive(&self, deadline: Deadline) -> Result<Option<u32>> {
        let barrier = self.barrier;
        // Others hold the lock briefly. A zero timeout finds it taken only if one is stopped.
        let patience = deadline.remaining().map(|left| Deadline::after(left.max(DEAD_POLL_INTERVAL)));
        let lock = barrier.lock(WAIT, patience.unwrap_or(Deadline::NEVER))?;
        let round = barrier.round.load(Relaxed);
        let next = round.wrapping_add(1);
        barrier.check_others(self.number, next)?;
        self.party().arrived_for.store(next, Release);
        if !barrier.is_complete(next) {
            return Ok(Some(round));
        }
        barrier.round.store(next, Release);
        // A woken participant soon needs the lock. If this thread dies before the wake, the others
        // poll.
        drop(lock);
        futex::wake(&barrier.round, u32::MAX, futex::ANY).map_err(|e| failed(WAIT, e))?;
        Ok(None)
    }

    fn party(&self) -> &Party {
        &self.barrier.parties[self.number]
    }
}

impl<const PARTIES: usize> Drop for Participant<'_, PARTIES> {
    fn drop(&mut self) {
        // In a forked child the place belongs to the parent. The state comes first, so that no
        // check takes the place for that of a dead participant.
        if self.party().alive.is_owned_by_caller() {
            self.party().state.store(FREE, Relaxed);
        }
        self.party().alive.unlock();
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
fn party_died() -> Error {
    Error::from_errno(WAIT, Errno::EOWNERDEAD).with_hint("let a replacement join, then wait again")
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::thread;

    use super::*;
    use crate::shm::{Shared, memfd::Memfd};

    /// A thread keeps the barrier's lock, as one does that is stopped within a call.
    #[test]
    fn participant_leaves_and_times_out_while_another_thread_keeps_the_lock() {
        let memory = Memfd::create("barrier", Shared::<Barrier<2>>::SIZE).unwrap();
        let barrier = Shared::<Barrier<2>>::initialize(memory.map().unwrap(), Barrier::init).unwrap();
        let participant = barrier.join().unwrap();
        let (taken, release) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(|| {
                let _lock = barrier.lock(WAIT, Deadline::NEVER).unwrap();
                taken.wait();
                release.wait();
            });
            taken.wait();
            let error = participant.wait_timeout(Duration::from_millis(1)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert_eq!(participant.try_wait().unwrap_err().kind(), ErrorKind::WouldBlock);
            drop(participant);
            release.wait();
        });
        assert_eq!(barrier.join().unwrap().number(), 0);
    }
}
