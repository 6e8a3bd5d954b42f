//! POSIX message queues: [`ipcraft::queue::posix`] under tokio.
//!
//! The descriptor of a POSIX queue polls, so waiting costs no thread. System V queues have no
//! descriptor: see [blocking calls](crate#blocking-calls).
//!
//! ```
//! use ipcraft::queue::posix::Options;
//! use ipcraft_tokio::IntoAsync;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> ipcraft::Result<()> {
//! let name = format!("/{}", ipcraft::name::unique("ipcraft-doc-queue"));
//! let queue = Options::new().capacity(4).message_size(64).remove_on_drop(true).create_new(&name)?;
//! let queue = queue.into_async()?;
//! queue.send(b"later", 1).await?;
//! queue.send(b"urgent", 9).await?;
//! assert_eq!(queue.recv_message().await?.bytes, b"urgent");
//! # Ok(()) }
//! ```

use ipcraft::Result;
use ipcraft::queue::posix;

use crate::Async;

/// The async form of [`posix::Queue`].
pub type Queue = Async<posix::Queue>;

/// The async form of [`posix::NotificationFd`].
pub type NotificationFd<'queue> = Async<posix::NotificationFd<'queue>>;

impl Async<posix::Queue> {
    /// `mq_send(3)`: adds a message, and waits while the queue is full.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    ///
    /// Those of [`send`](posix::Queue::send).
    #[doc(alias = "mq_send")]
    pub async fn send(&self, message: &[u8], priority: u32) -> Result<()> {
        self.write_with(|queue| queue.try_send(message, priority)).await
    }

    /// `mq_receive(3)`: waits for a message, and returns its length and priority.
    ///
    /// Cancel safe: a dropped future has received nothing.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](posix::Queue::recv).
    #[doc(alias = "mq_receive")]
    pub async fn recv(&self, buffer: &mut [u8]) -> Result<(usize, u32)> {
        self.read_with(|queue| queue.try_recv(buffer)).await
    }

    /// [`recv`](Async::recv) with a buffer of its own.
    ///
    /// Cancel safe: a dropped future has received nothing.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Async::recv).
    pub async fn recv_message(&self) -> Result<posix::Message> {
        self.read_with(posix::Queue::try_recv_message).await
    }
}

impl Async<posix::NotificationFd<'_>> {
    /// Waits until a message has arrived in the empty queue.
    ///
    /// Then [rearm](posix::NotificationFd::rearm) the handle, by [`get_ref`](Async::get_ref),
    /// before the queue is emptied.
    ///
    /// Cancel safe: a dropped future has consumed no notification.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](posix::NotificationFd::wait).
    pub async fn wait(&self) -> Result<()> {
        self.read_with(posix::NotificationFd::try_wait).await
    }
}
