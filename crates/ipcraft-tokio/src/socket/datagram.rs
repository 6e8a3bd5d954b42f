//! Datagram sockets: messages without connections.

use ipcraft::socket::{Address, datagram};
use ipcraft::{ErrorKind, Result};

use crate::pause::Pause;
use crate::{Async, IntoAsync};

/// The async form of [`datagram::Socket`](ipcraft::socket::datagram::Socket).
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
        let mut pause = Pause::new();
        loop {
            match self.get_ref().try_send_to(datagram, address) {
                Err(error) if error.kind() == ErrorKind::Full => {}
                sent => return sent,
            }
            // Registering it polls it, so that room in the queue wakes it from then on.
            match connected(address) {
                Ok(guide) => guide.writable().await?,
                Err(_) => pause.sleep().await,
            }
            match self.get_ref().try_send_to(datagram, address) {
                // There is room for another sender, but this socket's own buffer is full.
                Err(error) if error.kind() == ErrorKind::Full => pause.sleep().await,
                sent => return sent,
            }
        }
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

/// A socket that polls as writable when the queue at the address has room.
fn connected(address: &Address) -> Result<Socket> {
    let guide = datagram::Socket::unbound()?;
    guide.connect(address.clone())?;
    guide.into_async()
}
