//! The read end of a pipe.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::error::Result;
use crate::support::pipe_end::{Anonymous, PipeEnd, Reading};
use crate::time::Deadline;

/// The read end of a pipe.
///
/// Calls take `&self`: several threads may read, and each byte is received by one of them. Dropping
/// it closes the descriptor. After the last reader is closed, writers fail with
/// [`Disconnected`](crate::ErrorKind::Disconnected).
#[derive(Debug)]
pub struct Reader {
    end: PipeEnd<Reading, Anonymous>,
    /// Whether writes arrive as packets, whose excess the kernel would drop without an error.
    packets: bool,
}

impl Reader {
    pub(super) fn of(fd: OwnedFd, packets: bool) -> Self {
        Reader { end: PipeEnd::new(fd, Anonymous), packets }
    }

    /// `read(2)`: blocks until data arrives and returns the number of bytes, at most
    /// `buffer.len()`; `Ok(0)` is end of stream.
    ///
    /// # Errors
    ///
    /// * [`Empty`](crate::ErrorKind::Empty) only if the pipe is
    ///   [non-blocking](super::Options::nonblocking);
    /// * [`Truncated`](crate::ErrorKind::Truncated) for a [packet](super::Options::packets) longer
    ///   than the buffer.
    #[inline]
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        if self.packets { self.end.read_packet(buffer) } else { self.end.read(buffer) }
    }

    /// `preadv2(2)` with `RWF_NOWAIT`: like [`read`](Reader::read), but fails with
    /// [`Empty`](crate::ErrorKind::Empty) instead of blocking.
    pub fn try_read(&self, buffer: &mut [u8]) -> Result<usize> {
        if self.packets { self.end.try_read_packet(buffer) } else { self.end.try_read(buffer) }
    }

    /// Like [`read`](Reader::read), but fails with [`TimedOut`](crate::ErrorKind::TimedOut) if no
    /// data arrives within `timeout`.
    ///
    /// It makes one system call if data is available; otherwise `ppoll(2)` and another read.
    pub fn read_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        if self.packets {
            return self.end.read_packet_timeout(buffer, timeout);
        }
        self.end.read_timeout(buffer, timeout)
    }

    /// Blocks until `buffer` is full.
    ///
    /// # Errors
    ///
    /// As for [`read`](Reader::read), and [`Disconnected`](crate::ErrorKind::Disconnected) at end of
    /// stream. [`Error::transferred`](crate::Error::transferred) then returns how many bytes the
    /// buffer received; they are no longer in the pipe.
    pub fn read_exact(&self, buffer: &mut [u8]) -> Result<()> {
        self.end.read_exact(buffer, |rest| self.read(rest))
    }

    /// Like [`read_exact`](Reader::read_exact), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if the buffer is not full after `timeout`.
    pub fn read_exact_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<()> {
        let deadline = Deadline::after(timeout);
        self.end.read_exact(buffer, |rest| self.read_timeout(rest, deadline.timeout()))
    }

    /// `FIONREAD`: returns how many bytes are in the pipe.
    ///
    /// A writer may add bytes and another reader may take them at any moment. Only a sole reader
    /// can rely on reading that many without blocking.
    #[doc(alias = "FIONREAD")]
    pub fn available(&self) -> Result<usize> {
        self.end.available()
    }

    /// `F_GETPIPE_SZ`: returns the capacity of the pipe in bytes.
    #[doc(alias = "F_GETPIPE_SZ")]
    pub fn capacity(&self) -> Result<usize> {
        self.end.capacity()
    }

    /// `F_SETPIPE_SZ`: requests room for at least `bytes` and returns the room that the kernel
    /// gave. It applies to both ends.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) above `/proc/sys/fs/pipe-max-size`;
    /// [`InUse`](crate::ErrorKind::InUse) if the pipe contains more than `bytes` now.
    #[doc(alias = "F_SETPIPE_SZ")]
    pub fn set_capacity(&self, bytes: usize) -> Result<usize> {
        self.end.set_capacity(bytes)
    }

    /// `fcntl(2)` with `F_DUPFD_CLOEXEC`: returns another descriptor of the same read end.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "dup")]
    pub fn try_clone(&self) -> Result<Reader> {
        Ok(Reader { end: self.end.try_clone()?, packets: self.packets })
    }
}

impl Read for &Reader {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(Reader::read(self, buffer)?)
    }
}

impl Read for Reader {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(Reader::read(self, buffer)?)
    }
}

impl AsFd for Reader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }
}

impl From<Reader> for OwnedFd {
    fn from(reader: Reader) -> Self {
        reader.end.into_fd()
    }
}

/// Does not check that it is the read end of a pipe: the first call fails if it is not.
///
/// Packet mode is detected only for pipes of this library: the kernel alone marks just the write
/// end.
impl From<OwnedFd> for Reader {
    fn from(fd: OwnedFd) -> Self {
        let packets = fcntl(&fd, FcntlArg::F_GETFL)
            .is_ok_and(|flags| OFlag::from_bits_retain(flags).contains(OFlag::O_DIRECT));
        Reader::of(fd, packets)
    }
}

impl From<Reader> for Stdio {
    fn from(reader: Reader) -> Self {
        OwnedFd::from(reader).into()
    }
}

impl From<io::PipeReader> for Reader {
    fn from(reader: io::PipeReader) -> Self {
        OwnedFd::from(reader).into()
    }
}
