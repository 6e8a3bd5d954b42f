//! PLACEHOLDER

mod barrier;
mod condition;
mod condvar;
mod event;
mod failure;
mod guard;
mod held;
mod inconsistent;
mod layout;
mod mutex;
mod once;
mod raw;
mod rwlock;
mod rwlock_guard;
mod semaphore;
mod slot;

use std::time::Duration;

pub use barrier::{Barrier, Participant};
pub use condvar::{Condvar, Woken};
pub use event::Event;
pub use failure::{Cause, LockError};
pub use guard::MutexGuard;
pub use inconsistent::Inconsistent;
pub use mutex::Mutex;
pub use once::{Attempt, Once};
pub use rwlock::RwLock;
pub use rwlock_guard::{ReadGuard, WriteGuard};
pub use semaphore::{Permit, Semaphore};

/// How often those look for the dead who wait for something that nobody can tell them.
const LOOK_FOR_DEAD: Duration = Duration::from_millis(20);
