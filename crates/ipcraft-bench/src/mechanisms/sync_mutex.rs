//! A mutex that survives its owner.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ipcraft::sync::Mutex;

use super::lock::shared;
use crate::link::{Ends, Operation};
use crate::raw::lock;
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "sync_mutex",
    summary: "lock and unlock of a mutex; its twin is a robust pthread mutex",
    implementations: &[
        (Implementation::Ipcraft, ipcraft),
        (Implementation::Raw, lock::robust_mutex),
        (Implementation::Plain, lock::plain_mutex),
    ],
    ..Mechanism::LOCK
};

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let number = Arc::new(shared(|number: &Mutex<u64>| number.init(0))?);
    Ok(Operation::of_both(move || {
        *number.lock().or_else(|e| e.repair(|_| ()))? += 1;
        Ok(())
    }))
}
