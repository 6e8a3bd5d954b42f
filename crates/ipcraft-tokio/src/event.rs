//! Event counters: [`ipcraft::event`] under tokio.

use ipcraft::{Result, event};

use crate::Async;

/// The async form of [`event::EventFd`].
pub type EventFd = Async<event::EventFd>;

impl Async<event::EventFd> {
    /// `write(2)`: adds to the counter, and waits while that would exceed its maximum.
    ///
    /// Cancel safe: a dropped future has added nothing.
    ///
    /// # Errors
    ///
    /// Those of [`try_add`](event::EventFd::try_add): the counter must be
    /// [non-blocking](event::Options::nonblocking).
    pub async fn add(&self, count: u64) -> Result<()> {
        self.write_with(|event| event.try_add(count)).await
    }

    /// `read(2)`: waits until the counter is not zero, returns it and resets it. A semaphore
    /// returns 1 and subtracts that.
    ///
    /// Cancel safe: a dropped future has taken nothing.
    ///
    /// # Errors
    ///
    /// Those of [`take`](event::EventFd::take).
    pub async fn take(&self) -> Result<u64> {
        self.read_with(event::EventFd::try_take).await
    }

    /// Waits until the counter is not zero, and leaves it as it is.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](event::EventFd::wait).
    pub async fn wait(&self) -> Result<()> {
        self.read_with(event::EventFd::try_wait).await
    }
}
