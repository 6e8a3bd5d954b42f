//! The write end of a FIFO.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::support::pipe_end::{Named, PipeEnd, Writing};

/// The write end of a FIFO, opened by [`Fifo::open_write`](super::Fifo::open_write) and its
/// variants.
///
/// Calls take `&self`: several threads, and other processes with writers of their own, may write. A
/// write of at most [`PIPE_BUF`](super::PIPE_BUF) bytes stays whole.
#[derive(Debug)]
pub struct Writer {
    end: PipeEnd<Writing, Named>,
}

impl Writer {
    pub(super) fn of(fd: OwnedFd, name: Arc<str>) -> Self {
        Writer { end: PipeEnd::new(fd, Named(name)) }
    }

    /// `write(2)`: blocks until there is room and returns how many bytes were written: all of them,
    /// unless a signal interrupted the call after a part.
    ///
    /// # Errors
    ///
    /// * [`Disconnected`](crate::ErrorKind::Disconnected), without `SIGPIPE`, if no reader is left;
    /// * [`Full`](crate::ErrorKind::Full) only if it is
    ///   [non-blocking](super::Options::nonblocking).
    #[inline]
    pub fn write(&self, bytes: &[u8]) -> Result<usize> {
        self.end.write(bytes)
    }

    /// Like [`write`](Writer::write), but fails with [`Full`](crate::ErrorKind::Full) instead of
    /// blocking. The [module's page](super#contract) states what it costs.
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

    /// `F_GETPIPE_SZ`: returns the capacity of the FIFO in bytes.
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

    /// Does nothing: a FIFO buffers nothing in the process.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Writer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(Writer::write(self, bytes)?)
    }

    /// Does nothing: a FIFO buffers nothing in the process.
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
