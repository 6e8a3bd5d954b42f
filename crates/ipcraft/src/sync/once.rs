//! A call that exactly one process completes.

use std::sync::atomic::{Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::time::Duration;

use super::atomic::AtomicU32;
use super::errors::{failed, not_initialized};
use super::raw::{PreviousOwner, RawMutex};
use super::state;
use super::unlock_on_drop::UnlockOnDrop;
use crate::error::Result;
use crate::time::Deadline;

const ONCE: &str = "once";

// The states that follow those of initialization.
/// No call has begun.
const READY: u32 = state::INITIALIZED;
/// A call has begun. If the lock is free in this state, that call did not complete.
const RUNNING: u32 = 8;
/// A call has completed.
const DONE: u32 = 9;

/// A call that exactly one process completes, in memory that processes share.
///
/// If the process that runs the call dies or panics, another process runs it again. That run
/// receives [`OnceState::Again`], so the call must be able to start over.
///
/// Takes 56 bytes on x86-64 (64 on aarch64).
///
/// ```
/// use ipcraft::shm::{Shared, memfd::Memfd};
/// use ipcraft::sync::{Once, OnceState};
///
/// let memory = Memfd::create("setup", Shared::<Once>::SIZE)?;
/// let setup = Shared::<Once>::initialize(memory.map()?, Once::init)?;
/// let mut calls = 0;
/// for _ in 0..3 {
///     setup.call_once(|state| {
///         assert_eq!(state, OnceState::First);
///         calls += 1;
///     })?;
/// }
/// assert_eq!(calls, 1);
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[repr(C)]
pub struct Once {
    /// Held while a call runs.
    pub(super) raw: RawMutex,
    state: AtomicU32,
}

/// Whether an earlier call began and did not complete.
///
/// The enum is exhaustive on purpose: a call is the first one or a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnceState {
    /// No earlier call has begun.
    First,
    /// An earlier call began; its process died or panicked.
    Again,
}

impl Once {
    /// Turns new memory, which is all zero, into a call that no process has made.
    ///
    /// Does nothing if the memory is already initialized.
    ///
    /// # Errors
    ///
    /// As [`Mutex::init`](super::Mutex::init).
    pub fn init(&self) -> Result<()> {
        state::initialize("initialize once", &self.state, || self.raw.init())
    }

    /// `pthread_once(3)`: runs the call, or blocks until another process has completed it.
    ///
    /// The call itself must not make the same call.
    ///
    /// Everything that the call wrote is visible after this returns. After completion, this is one
    /// load.
    ///
    /// # Errors
    ///
    /// [`Deadlock`](crate::ErrorKind::Deadlock) if this thread is running the call;
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the thread holds 2048 locks;
    /// [`Invalid`](crate::ErrorKind::Invalid) if it is not initialized.
    #[doc(alias = "pthread_once")]
    pub fn call_once(&self, call: impl FnOnce(OnceState)) -> Result<()> {
        self.call_with(RawMutex::lock, call)
    }

    /// Runs the call, unless it is complete, without blocking.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) if another thread is running the call;
    /// otherwise as [`call_once`](Once::call_once).
    pub fn try_call_once(&self, call: impl FnOnce(OnceState)) -> Result<()> {
        self.call_with(RawMutex::try_lock, call)
    }

    /// Runs the call as [`call_once`](Once::call_once). Waits for the call of another thread for at
    /// most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if another thread does not complete the call within
    /// `timeout`; otherwise as [`call_once`](Once::call_once).
    pub fn call_once_timeout(&self, timeout: Duration, call: impl FnOnce(OnceState)) -> Result<()> {
        self.call_with(|lock| lock.lock_until(Deadline::after(timeout)), call)
    }

    fn call_with(
        &self,
        lock: impl FnOnce(&RawMutex) -> nix::Result<PreviousOwner>,
        call: impl FnOnce(OnceState),
    ) -> Result<()> {
        if self.is_done() {
            return Ok(());
        }
        let acquired = lock(&self.raw);
        self.raw.ignore_owner_death(acquired).map_err(|e| failed(ONCE, e))?;
        let _lock = UnlockOnDrop(&self.raw);
        let state = match self.state.load(Relaxed) {
            DONE => return Ok(()),
            READY => OnceState::First,
            RUNNING => OnceState::Again,
            _ => return Err(not_initialized(ONCE)),
        };
        self.state.store(RUNNING, Relaxed);
        call(state);
        self.state.store(DONE, Release);
        Ok(())
    }

    /// Returns whether a call has completed. Once true, this stays true.
    #[inline]
    pub fn is_done(&self) -> bool {
        self.state.load(Acquire) == DONE
    }
}
