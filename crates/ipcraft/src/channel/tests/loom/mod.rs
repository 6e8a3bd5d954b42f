//! What the models of the rings have in common: `tests/loom.sh` runs them. Each goes through every order in which a few
//! threads can go, and every value that weakly ordered memory may show them.
//!
//! The code is that of the channels; only the words, the messages and the sleeping are the checker's. A message that is used
//! without order is told as such, where the ring is to order it; a lost wake-up is a deadlock.

mod broadcast;
mod doorbell;
mod latest;
mod mpmc;
mod spsc;
mod word;

pub(crate) use word::{AtomicU64, Content, crash_after};

use loom::thread;

use crate::channel::ring::TryResult;

/// What can be taken or done once there is a way, which there is when others have gone on.
pub(crate) fn wait<R>(mut attempt: impl FnMut() -> TryResult<R>) -> R {
    loop {
        if let Some(result) = attempt().expect("what only its own side wrote") {
            return result;
        }
        thread::yield_now();
    }
}
