//! POSIX message queues on libc: `mq_send(3)` and `mq_receive(3)`.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::{check, retry};
use crate::link::{Link, exact_length};

/// The bytes of the largest message: the usual default and limit of the system.
pub(crate) const MESSAGE_SIZE: usize = 8192;

/// The queues that one endpoint receives from and sends to.
pub(crate) struct Queues {
    from: OwnedFd,
    to: OwnedFd,
    /// The kernel requires a buffer for the largest message.
    buffer: Vec<u8>,
}

impl Queues {
    pub(crate) fn new(from: OwnedFd, to: OwnedFd) -> Queues {
        Queues { from, to, buffer: vec![0; MESSAGE_SIZE] }
    }
}

impl Link for Queues {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let (fd, bytes, len) = (self.to.as_raw_fd(), message.as_ptr().cast(), message.len());
        // SAFETY: because mq_send(3) reads `len` bytes from a valid slice of that length.
        retry(|| unsafe { libc::mq_send(fd, bytes, len, 0) } as libc::ssize_t).map(drop)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let (fd, bytes) = (self.from.as_raw_fd(), self.buffer.as_mut_ptr().cast());
        let mut priority = 0;
        // SAFETY: because mq_receive(3) writes at most a message into a buffer of that size, and
        // the priority.
        let received = retry(|| unsafe { libc::mq_receive(fd, bytes, MESSAGE_SIZE, &raw mut priority) })?;
        exact_length(received, buffer.len())?;
        buffer.copy_from_slice(&self.buffer[..received]);
        Ok(())
    }
}

/// Creates a queue, opens it once for each endpoint, and unlinks it.
pub(crate) fn open_twice(name: &str) -> io::Result<(OwnedFd, OwnedFd)> {
    let name = CString::new(name)?;
    let made = open(&name, libc::O_CREAT | libc::O_EXCL)?;
    let opened = open(&name, 0);
    // SAFETY: because mq_unlink(3) reads a NUL-terminated string.
    check(unsafe { libc::mq_unlink(name.as_ptr()) })?;
    Ok((made, opened?))
}

fn open(name: &CStr, create: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: because mq_attr is a C structure of integers, for which all zeroes is valid.
    let mut sizes: libc::mq_attr = unsafe { std::mem::zeroed() };
    sizes.mq_maxmsg = 10;
    sizes.mq_msgsize = MESSAGE_SIZE as libc::c_long;
    let flags = libc::O_RDWR | libc::O_CLOEXEC | create;
    // SAFETY: because mq_open(3) reads a NUL-terminated string and one structure of the right type.
    let fd = check(unsafe { libc::mq_open(name.as_ptr(), flags, 0o600 as libc::mode_t, &raw const sizes) })?;
    // SAFETY: because the descriptor is new and no other owner exists, as mq_open(3) succeeded.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
