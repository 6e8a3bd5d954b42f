//! Datagram sockets: messages without connections.

use ipcraft::socket::{Address, datagram};
use ipcraft::{ErrorKind, Result};

use crate::pause::Pause;
use crate::{Async, IntoAsync};

/// The async form of [`datagram::Socket`].
pub type Socket = Async<datagram::Socket>;

impl Async<datagram::Socket> {
    /// `send(2)`: sends one datagram to the peer, and waits while the peer's queue is full.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    ///
    /// Those of [`send`](ipcraft::socket::datagram::Socket::send).
    pub async fn send(&self, datagram: &[u8]) -> Result<()> {
        self.write_with(|socket| socket.try_send(datagram)).await
    }

    /// `sendto(2)`: sends one datagram to the address, and waits while that socket's queue is full.
    ///
    /// The kernel does not report the room of a destination that the socket is not connected to.
    /// So this waits with a second socket, which it connects to the address. If that is not
    /// possible, it waits by the timer of the runtime.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](ipcraft::socket::datagram::Socket::send_to).
    pub async fn send_to(&self, datagram: &[u8], address: &Address) -> Result<()> {
        send_to(address, || self.get_ref().try_send_to(datagram, address)).await
    }

    /// `recv(2)`: waits until a datagram arrives and returns its length, which may be 0.
    ///
    /// Cancel safe: a dropped future has received nothing.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](ipcraft::socket::datagram::Socket::recv).
    pub async fn recv(&self, buffer: &mut [u8]) -> Result<usize> {
        self.read_with(|socket| socket.try_recv(buffer)).await
    }

    /// `recvfrom(2)`: like [`recv`](Async::recv), and also returns the address of the sender.
    ///
    /// Cancel safe: a dropped future has received nothing.
    ///
    /// # Errors
    ///
    /// Those of [`recv_from`](ipcraft::socket::datagram::Socket::recv_from).
    pub async fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, Address)> {
        self.read_with(|socket| socket.try_recv_from(buffer)).await
    }
}

/// Repeats a send to the address while it is full.
///
/// The socket that sends is of no use for waiting: each failed attempt makes it writable again.
pub(super) async fn send_to<R>(address: &Address, attempt: impl Fn() -> Result<R>) -> Result<R> {
    let is_full = |sent: &Result<R>| sent.as_ref().is_err_and(|error| error.kind() == ErrorKind::Full);
    let mut sent = attempt();
    let mut pause = Pause::new();
    while is_full(&sent) {
        // Registering it polls it, so that room in the queue wakes it from then on.
        match connected(address) {
            Ok(guide) => guide.writable().await?,
            Err(_) => pause.sleep().await,
        }
        sent = attempt();
        if is_full(&sent) {
            // Another sender was faster, or the own buffer of the socket is full.
            pause.sleep().await;
            sent = attempt();
        }
    }
    sent
}

/// A socket that polls as writable when the queue at the address has room.
fn connected(address: &Address) -> Result<Socket> {
    let guide = datagram::Socket::unbound()?;
    guide.connect(address.clone())?;
    guide.into_async()
}
