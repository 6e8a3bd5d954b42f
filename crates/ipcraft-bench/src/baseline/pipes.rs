//! Pipes and FIFOs on libc: `read(2)`, and a write that never raises SIGPIPE.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{check, recv_all, retry, send_all};
use crate::link::Link;

/// `pwritev2(2)` flag of Linux 6.18: writing to a pipe without a reader is EPIPE without SIGPIPE.
const RWF_NOSIGNAL: libc::c_int = 0x100;

/// A descriptor to read from and one to write to.
pub(crate) struct Files {
    reader: OwnedFd,
    writer: OwnedFd,
    no_signal: bool,
}

impl Files {
    pub(crate) fn new(reader: OwnedFd, writer: OwnedFd) -> Files {
        Files { reader, writer, no_signal: true }
    }

    /// Kernels before 6.18 reject the flag. A plain `write(2)` then relies on SIGPIPE being
    /// ignored, which is the default of Rust programs.
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fd = self.writer.as_raw_fd();
        if self.no_signal {
            match retry(|| write_without_signal(fd, bytes)) {
                Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {}
                result => return result,
            }
            self.no_signal = false;
        }
        // SAFETY: because write(2) reads `bytes.len()` bytes from a valid slice.
        retry(|| unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) })
    }

    #[inline]
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (fd, len) = (self.reader.as_raw_fd(), buffer.len());
        // SAFETY: because read(2) writes at most `len` bytes into a valid slice of that length.
        retry(|| unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), len) })
    }
}

#[inline]
fn write_without_signal(fd: RawFd, bytes: &[u8]) -> libc::ssize_t {
    let iov = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: because pwritev2(2) reads one iovec that describes a valid slice, and only reads the
    // slice. Offset -1 is the file's own position.
    unsafe { libc::pwritev2(fd, &raw const iov, 1, -1, RWF_NOSIGNAL) }
}

impl Link for Files {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        send_all(message, |rest| self.write(rest))
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        recv_all(buffer, |rest| self.read(rest))
    }
}

/// Creates a pipe (`pipe2(2)`). Returns the reader first.
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    // SAFETY: because pipe2(2) writes two descriptors into an array of two.
    check(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) })?;
    // SAFETY: because both descriptors are new and no other owner exists, as pipe2(2) succeeded.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

/// Creates a FIFO, opens its reader and its writer, and unlinks it.
pub(crate) fn fifo(path: &Path) -> io::Result<(OwnedFd, OwnedFd)> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: because mkfifo(3) reads a NUL-terminated string.
    check(unsafe { libc::mkfifo(path.as_ptr(), 0o600) })?;
    let endpoints = open_both(&path);
    // SAFETY: because unlink(2) reads a NUL-terminated string.
    check(unsafe { libc::unlink(path.as_ptr()) })?;
    endpoints
}

/// Opens the reader first and without waiting for a writer, since this process opens both.
fn open_both(path: &CString) -> io::Result<(OwnedFd, OwnedFd)> {
    let reader = open(path, libc::O_RDONLY | libc::O_NONBLOCK)?;
    let writer = open(path, libc::O_WRONLY)?;
    // SAFETY: because fcntl(2) with F_SETFL takes an integer.
    check(unsafe { libc::fcntl(reader.as_raw_fd(), libc::F_SETFL, 0) })?;
    Ok((reader, writer))
}

fn open(path: &CString, flags: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: because open(2) reads a NUL-terminated string.
    let fd = check(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC) })?;
    // SAFETY: because the descriptor is new and no other owner exists, as open(2) succeeded.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
