//! What the traits of this module need to know of the socket types.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::socket::SockType;

use super::{datagram, record, seqpacket, stream};
use crate::error::Error;

/// Implemented by the socket types here and by no other, so that the traits can grow.
pub trait Sealed: AsFd {
    /// The socket's type.
    const KIND: SockType;

    /// Why a message of `length` bytes could not be sent to the peer.
    fn unsent(&self, operation: &'static str, errno: Errno, length: usize) -> Error {
        record::unsent(self.as_fd(), operation, errno, length)
    }
}

impl Sealed for stream::Stream {
    const KIND: SockType = SockType::Stream;
}

impl Sealed for seqpacket::Connection {
    const KIND: SockType = SockType::SeqPacket;
}

impl Sealed for datagram::Socket {
    const KIND: SockType = SockType::Datagram;

    fn unsent(&self, operation: &'static str, errno: Errno, length: usize) -> Error {
        datagram::Socket::unsent(self, operation, errno, length)
    }
}
