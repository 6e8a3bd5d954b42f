//! Stream sockets.

use ipcraft::Result;
use ipcraft::socket::{Address, stream};

use crate::{Async, IntoAsync};

/// The async form of [`stream::Stream`].
pub type Stream = Async<stream::Stream>;

/// The async form of [`stream::Listener`].
pub type Listener = Async<stream::Listener>;

/// `connect(2)`: connects to a listener. While its queue is full, this waits by the timer of the
/// runtime.
///
/// Cancel safe: a dropped future has not connected.
///
/// # Errors
///
/// Those of [`stream::Stream::connect`](ipcraft::socket::stream::Stream::connect) and of
/// [`Async::new`].
///
/// # Panics
///
/// As [`Async::new`].
pub async fn connect(address: impl Into<Address>) -> Result<Stream> {
    let address = address.into();
    super::connect(|| stream::Stream::try_connect(address.clone())).await?.into_async()
}

impl Async<stream::Listener> {
    /// `accept(2)`: waits until a client connects, and registers the connection with the current
    /// runtime.
    ///
    /// Cancel safe: a dropped future has accepted no connection.
    ///
    /// # Errors
    ///
    /// Those of [`accept`](ipcraft::socket::stream::Listener::accept) and of [`Async::new`].
    pub async fn accept(&self) -> Result<Stream> {
        self.read_with(stream::Listener::try_accept).await?.into_async()
    }
}

impl Async<stream::Stream> {
    /// `recv(2)`: waits until bytes arrive and returns their number; `Ok(0)` is end of stream.
    ///
    /// Cancel safe: a dropped future has read nothing.
    ///
    /// # Errors
    ///
    /// Those of [`read`](ipcraft::socket::stream::Stream::read).
    pub async fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.read_with(|stream| stream.try_read(buffer)).await
    }

    /// `send(2)`: waits until there is room and returns how many bytes were sent.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    ///
    /// Those of [`write`](ipcraft::socket::stream::Stream::write).
    pub async fn write(&self, bytes: &[u8]) -> Result<usize> {
        self.write_with(|stream| stream.try_write(bytes)).await
    }
}
