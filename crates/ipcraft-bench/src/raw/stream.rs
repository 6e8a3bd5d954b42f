//! Stream sockets on libc: `send(2)` without signal, `recv(2)`.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use super::{receive_all, retry, send_all};
use crate::link::Link;

/// A connected stream socket.
pub(crate) struct Stream(pub(crate) OwnedFd);

impl Stream {
    #[inline]
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let (fd, len) = (self.0.as_raw_fd(), bytes.len());
        // SAFETY: because send(2) reads `len` bytes from a valid slice of that length.
        retry(|| unsafe { libc::send(fd, bytes.as_ptr().cast(), len, libc::MSG_NOSIGNAL) })
    }

    #[inline]
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (fd, len) = (self.0.as_raw_fd(), buffer.len());
        // SAFETY: because recv(2) writes at most `len` bytes into a valid slice of that length.
        retry(|| unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), len, 0) })
    }
}

impl Link for Stream {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        send_all(message, |rest| self.write(rest))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        receive_all(buffer, |rest| self.read(rest))
    }
}
