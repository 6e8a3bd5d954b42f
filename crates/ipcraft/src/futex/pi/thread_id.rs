//! The kernel's id of the calling thread, asked for once.

use std::cell::Cell;

use crate::support::process_identity::ProcessIdentity;
use crate::sys::gettid::gettid;

thread_local! {
    /// The id, and the process that the thread belonged to: a forked child has a copy.
    static KNOWN: Cell<Option<(ProcessIdentity, u32)>> = const { Cell::new(None) };
}

/// Returns the id with which the calling thread owns a lock.
#[inline]
pub(super) fn thread_id() -> u32 {
    match KNOWN.get() {
        Some((process, id)) if process.is_current() => id,
        _ => ask(),
    }
}

#[cold]
fn ask() -> u32 {
    let id = gettid();
    // Any other identity costs more than the question.
    if let process @ ProcessIdentity::Word(_) = ProcessIdentity::current() {
        KNOWN.set(Some((process, id)));
    }
    id
}
