//! What the traits of this module need to know of a socket type.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::socket::SockType;

use super::{datagram, record, seqpacket, stream};
use crate::error::Error;

/// Implemented by the socket types of this module only, so that its traits can gain methods.
pub trait Sealed: AsFd {
    /// The socket's type.
    const KIND: SockType;

    /// The error of a failure to send a message of `length` bytes to the peer.
    fn send_error(&self, operation: &'static str, errno: Errno, length: usize) -> Error {
        record::send_error(self.as_fd(), operation, errno, length)
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

    fn send_error(&self, operation: &'static str, errno: Errno, length: usize) -> Error {
        datagram::Socket::send_error(self, operation, errno, length)
    }
}
