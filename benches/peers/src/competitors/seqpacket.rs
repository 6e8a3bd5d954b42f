//! Unix sockets that keep the boundaries of records (`SOCK_SEQPACKET`), at a path.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use ipcraft_bench::Role;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept, bind, connect, listen, recv,
    send, socket,
};

use crate::harness::Harness;
use crate::message::Result;

/// Connects both sides. The client listens, since it also creates the objects of other competitors.
pub(crate) fn connected(harness: &mut Harness) -> Result<OwnedFd> {
    let path = harness.scratch().path("socket");
    match harness.role() {
        Role::Client => {
            let listener = new()?;
            bind(listener.as_raw_fd(), &UnixAddr::new::<Path>(&path)?)?;
            listen(&listener, Backlog::new(1)?)?;
            harness.exchange("listening")?;
            Ok(owned(accept(listener.as_raw_fd())?))
        }
        Role::Server => {
            harness.exchange("")?;
            let stream = new()?;
            connect(stream.as_raw_fd(), &UnixAddr::new::<Path>(&path)?)?;
            Ok(stream)
        }
    }
}

fn new() -> nix::Result<OwnedFd> {
    socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)
}

#[allow(unsafe_code)]
fn owned(descriptor: i32) -> OwnedFd {
    // SAFETY: because accept(2) has just returned the descriptor, and nothing else owns it.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// Sends one record.
#[inline]
pub(crate) fn send_record(socket: &OwnedFd, record: &[u8]) -> Result<()> {
    send(socket.as_raw_fd(), record, MsgFlags::empty())?;
    Ok(())
}

/// Receives one record, and returns its length.
#[inline]
pub(crate) fn recv_record(socket: &OwnedFd, buffer: &mut [u8]) -> Result<usize> {
    Ok(recv(socket.as_raw_fd(), buffer, MsgFlags::empty())?)
}
