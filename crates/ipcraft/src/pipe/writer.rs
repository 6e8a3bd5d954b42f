//! The write end of a pipe.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Stdio;
use std::time::Duration;

use crate::error::Result;
use crate::support::pipe_end::{Anonymous, PipeEnd, Writing};

/// The write end of a pipe.
///
/// Calls take `&self`: several threads may write, and a write of at most
/// [`PIPE_BUF`](super::PIPE_BUF) bytes stays whole. Dropping it closes the descriptor. After the
/// last writer is closed, readers reach end of stream.
#[derive(Debug)]
pub struct Writer {
    end: PipeEnd<Writing, Anonymous>,
}

impl Writer {
    pub(super) fn of(fd: OwnedFd) -> Self {
        Writer { end: PipeEnd::new(fd, Anonymous) }
    }

    /// `write(2)`: blocks until there is room and returns how many bytes were written: all of them,
    /// unless a signal interrupted the call after a part.
    ///
    /// # Errors
    ///
    /// * [`Disconnected`](crate::ErrorKind::Disconnected), without `SIGPIPE`, if no reader is left;
    /// * [`Full`](crate::ErrorKind::Full) only if the pipe is
    ///   [non-blocking](super::Options::nonblocking).
    #[inline]
    pub fn write(&self, bytes: &[u8]) -> Result<usize> {
        self.end.write(bytes)
    }

    /// `pwritev2(2)` with `RWF_NOWAIT`: like [`write`](Writer::write), but fails with
    /// [`Full`](crate::ErrorKind::Full) instead of blocking.
    ///
    /// At most [`PIPE_BUF`](super::PIPE_BUF) bytes are written whole or not at all. Of more bytes
    /// it writes as many as there is room for.
    pub fn try_write(&self, bytes: &[u8]) -> Result<usize> {
        self.end.try_write(bytes)
    }

    /// Like [`try_write`](Writer::try_write), but blocks until there is room, and fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if there is none within `timeout`.
    pub fn write_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<usize> {
        self.end.write_timeout(bytes, timeout)
    }

    /// Blocks until all of `bytes` are written, also if signals interrupt it.
    ///
    /// # Errors
    ///
    /// As for [`write`](Writer::write). [`Error::transferred`](crate::Error::transferred) returns
    /// how many bytes were written before.
    pub fn write_all(&self, bytes: &[u8]) -> Result<()> {
        self.end.write_all(bytes)
    }

    /// Like [`write_all`](Writer::write_all), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room for all within `timeout`.
    pub fn write_all_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<()> {
        self.end.write_all_timeout(bytes, timeout)
    }

    /// `F_GETPIPE_SZ`: returns the capacity of the pipe in bytes.
    #[doc(alias = "F_GETPIPE_SZ")]
    pub fn capacity(&self) -> Result<usize> {
        self.end.capacity()
    }

    /// `F_SETPIPE_SZ`: see [`Reader::set_capacity`](super::Reader::set_capacity).
    #[doc(alias = "F_SETPIPE_SZ")]
    pub fn set_capacity(&self, bytes: usize) -> Result<usize> {
        self.end.set_capacity(bytes)
    }

    /// `fcntl(2)` with `F_DUPFD_CLOEXEC`: returns another descriptor of the same write end.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "dup")]
    pub fn try_clone(&self) -> Result<Writer> {
        Ok(Writer { end: self.end.try_clone()? })
    }
}

impl Write for &Writer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(Writer::write(self, bytes)?)
    }

    /// Does nothing: a pipe buffers nothing in the process.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Writer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(Writer::write(self, bytes)?)
    }

    /// Does nothing: a pipe buffers nothing in the process.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Writer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }
}

impl From<Writer> for OwnedFd {
    fn from(writer: Writer) -> Self {
        writer.end.into_fd()
    }
}

/// Does not check that it is the write end of a pipe: the first call fails if it is not.
impl From<OwnedFd> for Writer {
    fn from(fd: OwnedFd) -> Self {
        Writer::of(fd)
    }
}

impl From<Writer> for Stdio {
    fn from(writer: Writer) -> Self {
        OwnedFd::from(writer).into()
    }
}

impl From<io::PipeWriter> for Writer {
    fn from(writer: io::PipeWriter) -> Self {
        OwnedFd::from(writer).into()
    }
}
