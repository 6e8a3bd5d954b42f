//! A semaphore with one permit that comes back when its holder dies.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use ipcraft::sync::Semaphore;

use super::lock::shared;
use crate::link::{Ends, Operation};
use crate::raw::lock;
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "sync_semaphore",
    summary: "acquire and release of the only permit; its twin is a System V semaphore with SEM_UNDO",
    implementations: &[
        (Implementation::Ipcraft, ipcraft),
        (Implementation::Raw, lock::sysv_semaphore),
        (Implementation::Plain, lock::plain_mutex),
    ],
    ..Mechanism::LOCK
};

ipcraft::shared_struct! {
    /// The number that the permit is for.
    struct Guarded {
        permit: Semaphore<1>,
        number: AtomicU64,
    }
}

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let guarded = Arc::new(shared(|guarded: &Guarded| guarded.permit.init())?);
    Ok(Operation::of_both(move || {
        let _permit = guarded.permit.acquire()?;
        // Like a plain change: nobody else is in between.
        guarded.number.store(guarded.number.load(Relaxed) + 1, Relaxed);
        Ok(())
    }))
}
