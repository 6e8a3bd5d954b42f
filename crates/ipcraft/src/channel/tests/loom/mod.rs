//! Models of the rings, run by `tests/loom.sh`. Each covers every order in which a few threads
//! can run, and every value that weakly ordered memory can show them.
//!
//! The code is that of the channels; only the words, the messages and the futex are the
//! checker's. A message that is used without the order that the ring promises is an error, and a
//! lost wake-up is a deadlock.

mod broadcast;
mod doorbell;
mod latest;
mod listening;
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
