//! Sequenced-packet sockets on libc, with a zero-length record told from the end of the stream.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use super::{retry, socket};
use crate::link::{Link, exact_length};

/// A connected sequenced-packet socket.
pub(crate) struct Seqpacket(OwnedFd);

impl Seqpacket {
    /// Asks for credentials with each record. No room is ever given for them, so the kernel sets `MSG_CTRUNC` on every
    /// record, and at the end of the stream, where there is no record, it does not.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Seqpacket> {
        socket::enable(&socket, libc::SOL_SOCKET, libc::SO_PASSCRED)?;
        Ok(Seqpacket(socket))
    }
}

impl Link for Seqpacket {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let (fd, len) = (self.0.as_raw_fd(), message.len());
        // SAFETY: because send(2) reads `len` bytes from a valid slice of that length.
        let sent = retry(|| unsafe { libc::send(fd, message.as_ptr().cast(), len, libc::MSG_NOSIGNAL) })?;
        exact_length(sent, len)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut iov = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        let mut header = libc::msghdr { msg_iov: &raw mut iov, msg_iovlen: 1, ..EMPTY };
        let fd = self.0.as_raw_fd();
        // SAFETY: because recvmsg(2) writes into the one iovec, which describes a valid slice, and into the header.
        let received = retry(|| unsafe { libc::recvmsg(fd, &raw mut header, libc::MSG_TRUNC) })?;
        if received == 0 && header.msg_flags & libc::MSG_CTRUNC == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        exact_length(received, buffer.len())
    }
}

// SAFETY: because msghdr is a C structure of integers and pointers, for which all zeroes is a valid value.
const EMPTY: libc::msghdr = unsafe { std::mem::zeroed() };
