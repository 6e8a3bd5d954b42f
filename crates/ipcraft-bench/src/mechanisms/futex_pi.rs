//! A futex with priority inheritance, and the number that it guards.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ipcraft::futex::pi::{self, PreviousOwner};

use super::locks::shared;
use crate::baseline::futex_pi as baseline;
use crate::baseline::locks::plain_mutex;
use crate::link::{Endpoints, Operation};
use crate::mechanism::{Implementation, Mechanism};

/// A lock that lends its owner the real-time priority of a waiter.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "futex_pi",
    summary: "lock and unlock a futex with priority inheritance; baseline: futex(2)",
    implementations: &[
        (Implementation::Ipcraft, ipcraft),
        (Implementation::Baseline, baseline::connect),
        (Implementation::Plain, plain_mutex),
    ],
    ..Mechanism::LOCK
};

ipcraft::shared_struct! {
    /// A lock and the number that it guards.
    struct Guarded {
        lock: AtomicU32,
        number: AtomicU64,
    }
}

fn ipcraft(_scratch: &Path) -> io::Result<Endpoints> {
    let guarded = Arc::new(shared(|_: &Guarded| Ok(()))?);
    Ok(Operation::of_both(move || {
        match pi::lock(&guarded.lock)? {
            // One number has no state in between, so a death leaves nothing to repair.
            PreviousOwner::Unlocked | PreviousOwner::Died => {}
        }
        guarded.number.store(guarded.number.load(Relaxed) + 1, Relaxed);
        Ok(pi::unlock(&guarded.lock)?)
    }))
}
