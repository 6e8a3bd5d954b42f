//! Datagram sockets on libc: `send(2)`, and `recv(2)` that tells a datagram's true length.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use super::retry;
use crate::link::{Link, exact_length};

/// A connected datagram socket.
pub(crate) struct Datagram(pub(crate) OwnedFd);

impl Link for Datagram {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let (fd, len) = (self.0.as_raw_fd(), message.len());
        // SAFETY: because send(2) reads `len` bytes from a valid slice of that length.
        let sent = retry(|| unsafe { libc::send(fd, message.as_ptr().cast(), len, libc::MSG_NOSIGNAL) })?;
        exact_length(sent, len)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let (fd, len) = (self.0.as_raw_fd(), buffer.len());
        // SAFETY: because recv(2) writes at most `len` bytes into a valid slice of that length, also with MSG_TRUNC.
        let received = retry(|| unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), len, libc::MSG_TRUNC) })?;
        exact_length(received, len)
    }
}
