//! The writing end.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::support::pipe_end::PipeEnd;
use crate::support::pipe_size;

/// The writing end of a FIFO, from [`Fifo::open_write`](super::Fifo::open_write) and its like.
///
/// Calls take `&self`: threads, and other processes with writers of their own, may write at once, and writes of at most
/// [`PIPE_BUF`](super::PIPE_BUF) bytes stay whole.
#[derive(Debug)]
pub struct Writer {
    pub(super) end: PipeEnd,
    pub(super) name: Arc<str>,
}

impl Writer {
    /// `write(2)`: waits for room and returns how many bytes were taken: all of them, unless a signal came after a part.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if no reader is left (and no `SIGPIPE`); [`Full`](crate::ErrorKind::Full) only if it is
    /// [non-blocking](super::Options::nonblocking).
    #[inline]
    pub fn write(&self, bytes: &[u8]) -> Result<usize> {
        self.end.write(bytes).map_err(|e| self.failed(e))
    }

    /// [`write`](Writer::write) that fails with [`Full`](crate::ErrorKind::Full) instead of waiting. The first such call opens one more descriptor.
    ///
    /// At most [`PIPE_BUF`](super::PIPE_BUF) bytes go whole or not at all; of more, as many as there is room for.
    pub fn try_write(&self, bytes: &[u8]) -> Result<usize> {
        self.end.try_write(bytes).map_err(|e| self.failed(e))
    }

    /// [`try_write`](Writer::try_write) that waits for room, and fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is none within
    /// `timeout`.
    pub fn write_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<usize> {
        self.end.write_timeout(bytes, timeout).map_err(|e| self.failed(e))
    }

    /// `F_GETPIPE_SZ`: how many bytes the FIFO has room for in all.
    #[doc(alias = "F_GETPIPE_SZ")]
    pub fn capacity(&self) -> Result<usize> {
        pipe_size::get(self.end.as_fd()).map_err(|e| e.with_object(Some(&self.name)))
    }

    /// `F_SETPIPE_SZ`: see [`Reader::set_capacity`](super::Reader::set_capacity).
    #[doc(alias = "F_SETPIPE_SZ")]
    pub fn set_capacity(&self, bytes: usize) -> Result<usize> {
        pipe_size::set(self.end.as_fd(), bytes).map_err(|e| e.with_object(Some(&self.name)))
    }

    #[cold]
    fn failed(&self, errno: Errno) -> Error {
        Error::from_send_errno("write to FIFO", errno).with_object(Some(&self.name))
    }
}

impl Write for &Writer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(Writer::write(self, bytes)?)
    }

    /// Does nothing: a FIFO holds nothing back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Writer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(Writer::write(self, bytes)?)
    }

    /// Does nothing: a FIFO holds nothing back.
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
