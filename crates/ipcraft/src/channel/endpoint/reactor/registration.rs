//! The registration of one endpoint at a reactor.

use std::sync::Arc;

use super::Token;
use super::fallback::Fallback;
use super::slot::{Armed, Slot, Waiter};
use super::table::Inner;
use crate::error::Result;

/// An endpoint at a [`Reactor`](super::Reactor), until this is dropped.
///
/// It does not borrow the endpoint. After the endpoint is dropped, no useful event follows.
/// Dropping it never blocks, except to end a thread of a fallback.
#[derive(Debug)]
pub struct Registration {
    inner: Arc<Inner>,
    slot: Arc<Slot>,
    /// The number of the watch, if the kernel reports events.
    watch: Option<i32>,
    /// The thread, if it does not.
    fallback: Option<Fallback>,
}

impl Registration {
    pub(super) fn new(inner: &Arc<Inner>, waiter: Waiter) -> Result<Registration> {
        let (slot, watch) = inner.insert(waiter)?;
        let mut registration = Registration { inner: inner.clone(), slot, watch, fallback: None };
        if watch.is_none() {
            let reports = inner.reports()?;
            registration.fallback = Some(Fallback::start(registration.slot.clone(), reports)?);
        }
        Ok(registration)
    }

    /// Returns the token by which [`drain`](super::Reactor::drain) reports this endpoint.
    pub fn token(&self) -> Token {
        self.slot.token
    }

    /// Makes the reactor report the next event of the endpoint. Returns whether the endpoint must
    /// be tried once more first, because an event may have happened before.
    ///
    /// `false` means that the endpoint has been armed since the last report. Nothing was changed
    /// then, and the call costs two loads.
    ///
    /// An armed endpoint that stops waiting needs no call: its next event is reported in vain.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`](crate::ErrorKind::Invalid) in a forked child.
    pub fn arm(&self) -> Result<bool> {
        self.inner.check_owner()?;
        let armed = self.slot.arm();
        match armed {
            Armed::Before => Ok(false),
            _ if self.fallback.is_some() => Ok(true),
            _ => self.inner.armed(&self.slot, armed).map(|()| true),
        }
    }

    /// Returns whether a thread waits for this endpoint, because the kernel refuses to report the
    /// events of its file.
    pub fn uses_thread(&self) -> bool {
        self.fallback.is_some()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if !self.inner.is_own() {
            // The descriptors are shared with the parent, which has the thread. A thread of the
            // parent may have held a lock when the process was forked.
            std::mem::forget(self.fallback.take());
            return;
        }
        if let Some(fallback) = self.fallback.take() {
            fallback.stop();
        }
        self.inner.remove(&self.slot, self.watch);
    }
}
