//! Something that happens a single time.

use std::sync::atomic::{Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

use super::atomic::AtomicU32;
use super::condition;
use super::failure::{failed, not_initialised};
use super::raw::RawMutex;
use crate::error::Result;

const ONCE: &str = "once";

// The states, besides those of `condition` that a new one goes through.
/// Nobody has begun.
const READY: u32 = condition::INITIALISED;
/// Somebody has begun; if the lock can be had, he did not come to the end.
const BEGUN: u32 = 8;
/// Somebody has come to the end.
const DONE: u32 = 9;

/// A call that exactly one process makes to the end, in memory that processes share.
///
/// If the process that makes it dies, or panics, another makes it again and is told so: the call has to be one that can
/// be begun anew.
///
/// Takes 56 bytes on x86-64 (64 on aarch64).
///
/// ```
/// use ipcraft::shm::{Shared, memfd::Memfd};
/// use ipcraft::sync::{OnceState, Once};
///
/// let memory = Memfd::create("setup", Shared::<Once>::SIZE)?;
/// let setup = Shared::<Once>::initialize(memory.map()?, Once::init)?;
/// let mut calls = 0;
/// for _ in 0..3 {
///     setup.call_once(|attempt| {
///         assert_eq!(attempt, OnceState::First);
///         calls += 1;
///     })?;
/// }
/// assert_eq!(calls, 1);
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[repr(C)]
pub struct Once {
    pub(super) raw: RawMutex,
    state: AtomicU32,
}

/// Which attempt a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnceState {
    /// Nobody has begun before.
    First,
    /// Somebody has begun before, and died or panicked on the way.
    Again,
}

impl Once {
    /// Makes new memory, which is all zero, a call that nobody has made. Later calls do nothing.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) or
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the process has not used a lock before and
    /// cannot read `/proc/self/ns/pid`; a later call can succeed. [`InUse`](crate::ErrorKind::InUse) if another
    /// thread is initializing the lock, or died there.
    pub fn init(&self) -> Result<()> {
        condition::initialize("initialize once", &self.state, || self.raw.init())
    }

    /// `pthread_once(3)`: makes the call, or waits until somebody else has made it.
    ///
    /// What the call wrote is seen by everybody who returns from here. Once it was made, this is one load.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) if it was not initialised.
    #[doc(alias = "pthread_once")]
    pub fn call_once(&self, call: impl FnOnce(OnceState)) -> Result<()> {
        if self.is_done() {
            return Ok(());
        }
        let taken = self.raw.lock();
        self.raw.forgiving(taken).map_err(|e| failed(ONCE, e))?;
        let _lock = Unlock(&self.raw);
        let attempt = match self.state.load(Relaxed) {
            DONE => return Ok(()),
            READY => OnceState::First,
            BEGUN => OnceState::Again,
            _ => return Err(not_initialised(ONCE)),
        };
        self.state.store(BEGUN, Relaxed);
        call(attempt);
        self.state.store(DONE, Release);
        Ok(())
    }

    /// Whether the call was made. Once true it stays so.
    #[inline]
    pub fn is_done(&self) -> bool {
        self.state.load(Acquire) == DONE
    }
}

/// Unlocks, also when the call panics.
struct Unlock<'a>(&'a RawMutex);

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        self.0.unlock();
    }
}
