//! Seqpacket sockets: connections that keep the boundaries of messages.

use ipcraft::Result;
use ipcraft::socket::{Address, seqpacket};

use crate::{Async, IntoAsync};

/// The async form of [`seqpacket::Connection`].
pub type Connection = Async<seqpacket::Connection>;

/// The async form of [`seqpacket::Listener`].
pub type Listener = Async<seqpacket::Listener>;

/// `connect(2)`: connects to a listener. While its queue is full, this waits by the timer of the
/// runtime.
///
/// Cancel safe: a dropped future has not connected.
///
/// # Errors
///
/// Those of [`seqpacket::Connection::connect`](ipcraft::socket::seqpacket::Connection::connect) and
/// of [`Async::new`].
///
/// # Panics
///
/// As [`Async::new`].
pub async fn connect(address: impl Into<Address>) -> Result<Connection> {
    let address = address.into();
    super::connect(|| seqpacket::Connection::try_connect(address.clone())).await?.into_async()
}

impl Async<seqpacket::Listener> {
    /// `accept(2)`: waits until a client connects, and registers the connection with the current
    /// runtime.
    ///
    /// Cancel safe: a dropped future has accepted no connection.
    ///
    /// # Errors
    ///
    /// Those of [`accept`](ipcraft::socket::seqpacket::Listener::accept) and of [`Async::new`].
    pub async fn accept(&self) -> Result<Connection> {
        self.read_with(seqpacket::Listener::try_accept).await?.into_async()
    }
}

impl Async<seqpacket::Connection> {
    /// `send(2)`: sends one record, and waits while there is no room.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    ///
    /// Those of [`send`](ipcraft::socket::seqpacket::Connection::send).
    pub async fn send(&self, record: &[u8]) -> Result<()> {
        self.write_with(|connection| connection.try_send(record)).await
    }

    /// `recv(2)`: waits until a record arrives and returns its length; `Ok(None)` is end of stream.
    ///
    /// Cancel safe: a dropped future has received nothing.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](ipcraft::socket::seqpacket::Connection::recv).
    pub async fn recv(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.read_with(|connection| connection.try_recv(buffer)).await
    }
}
