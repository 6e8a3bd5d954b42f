//! The writing end.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Stdio;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::support::pipe_end::PipeEnd;
use crate::support::pipe_size;

const WRITE: &str = "write to pipe";

/// The writing end of a pipe.
///
/// Calls take `&self`: threads may write at once, and writes of at most [`PIPE_BUF`](super::PIPE_BUF) bytes stay whole. Dropping it closes
/// the descriptor; when the last writer is gone, readers see end of stream.
#[derive(Debug)]
pub struct Writer {
    end: PipeEnd,
}

impl Writer {
    pub(super) fn of(fd: OwnedFd) -> Self {
        Writer { end: PipeEnd::new(fd) }
    }

    /// `write(2)`: waits for room and returns how many bytes were taken: all of them, unless a signal came after a part.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if no reader is left (and no `SIGPIPE`); [`Full`](crate::ErrorKind::Full) only if the pipe is
    /// [non-blocking](super::Options::nonblocking).
    #[inline]
    pub fn write(&self, bytes: &[u8]) -> Result<usize> {
        self.end.write(bytes).map_err(|e| Error::from_send_errno(WRITE, e))
    }

    /// `pwritev2(2)` with `RWF_NOWAIT`: [`write`](Writer::write) that fails with [`Full`](crate::ErrorKind::Full) instead of waiting.
    ///
    /// At most [`PIPE_BUF`](super::PIPE_BUF) bytes go whole or not at all; of more, as many as there is room for.
    pub fn try_write(&self, bytes: &[u8]) -> Result<usize> {
        self.end.try_write(bytes).map_err(|e| Error::from_send_errno(WRITE, e))
    }

    /// [`try_write`](Writer::try_write) that waits for room, and fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is none within
    /// `timeout`.
    pub fn write_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<usize> {
        self.end.write_timeout(bytes, timeout).map_err(|e| Error::from_send_errno(WRITE, e))
    }

    /// `F_GETPIPE_SZ`: how many bytes the pipe has room for in all.
    #[doc(alias = "F_GETPIPE_SZ")]
    pub fn capacity(&self) -> Result<usize> {
        pipe_size::get(self.end.as_fd())
    }

    /// `F_SETPIPE_SZ`: see [`Reader::set_capacity`](super::Reader::set_capacity).
    #[doc(alias = "F_SETPIPE_SZ")]
    pub fn set_capacity(&self, bytes: usize) -> Result<usize> {
        pipe_size::set(self.end.as_fd(), bytes)
    }
}

impl Write for &Writer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(Writer::write(self, bytes)?)
    }

    /// Does nothing: a pipe holds nothing back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Writer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(Writer::write(self, bytes)?)
    }

    /// Does nothing: a pipe holds nothing back.
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

/// Takes the descriptor as it is: whether it is the writing end of a pipe shows at the first call.
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
