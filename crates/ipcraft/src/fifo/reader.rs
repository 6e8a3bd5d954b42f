//! The read end of a FIFO.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use super::open;
use crate::error::{Error, Result};
use crate::support::dup::duplicate;
use crate::support::limits;
use crate::support::pipe_end::{Named, PipeEnd, Reading};
use crate::time::Deadline;

/// The read end of a FIFO, opened by [`Fifo::open_read`](super::Fifo::open_read) and its variants.
///
/// Calls take `&self`: several threads, and other processes with readers of their own, may read.
/// Each byte is received by one of them.
///
/// `OwnedFd::from(reader)` returns the descriptor, for instance to make a
/// [`pipe::Reader`](crate::pipe::Reader) that splices. A reader that
/// [stays open](super::Options::stay_open) loses that property.
#[derive(Debug)]
pub struct Reader {
    end: PipeEnd<Reading, Named>,
    /// A writer that is never dropped before the reader, so that the stream never ends.
    own_writer: Option<OwnedFd>,
}

impl Reader {
    pub(super) fn of(fd: OwnedFd, name: Arc<str>, own_writer: Option<OwnedFd>) -> Self {
        Reader { end: PipeEnd::new(fd, Named(name)), own_writer }
    }

    /// `read(2)`: blocks until data arrives and returns the number of bytes, at most
    /// `buffer.len()`; `Ok(0)` is end of stream.
    ///
    /// After the last writer has closed, it returns `Ok(0)` immediately, until the next writer
    /// opens the FIFO. To wait for that one, open the reader with
    /// [`stay_open`](super::Options::stay_open).
    ///
    /// # Errors
    ///
    /// [`Empty`](crate::ErrorKind::Empty) only if it is
    /// [non-blocking](super::Options::nonblocking).
    #[inline]
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.end.read(buffer)
    }

    /// Like [`read`](Reader::read), but fails with [`Empty`](crate::ErrorKind::Empty) instead of
    /// blocking.
    ///
    /// It returns `Ok(0)` while no process has the FIFO open for writing, unless the reader [stays
    /// open](super::Options::stay_open).
    pub fn try_read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.end.try_read(buffer)
    }

    /// Like [`read`](Reader::read), but fails with [`TimedOut`](crate::ErrorKind::TimedOut) if no
    /// data arrives within `timeout`.
    ///
    /// While no process has the FIFO open for writing, it returns `Ok(0)` immediately. To wait for
    /// the next writer, open the reader with [`stay_open`](super::Options::stay_open).
    pub fn read_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.end.read_timeout(buffer, timeout)
    }

    /// Blocks until `buffer` is full.
    ///
    /// # Errors
    ///
    /// As for [`read`](Reader::read), and [`Disconnected`](crate::ErrorKind::Disconnected) at end of
    /// stream. [`Error::transferred`](crate::Error::transferred) then returns how many bytes the
    /// buffer received; they are no longer in the FIFO.
    pub fn read_exact(&self, buffer: &mut [u8]) -> Result<()> {
        self.end.read_exact(buffer, |rest| self.read(rest))
    }

    /// Like [`read_exact`](Reader::read_exact), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if the buffer is not full after `timeout`.
    ///
    /// After the last writer has closed, it fails with
    /// [`Disconnected`](crate::ErrorKind::Disconnected) immediately, unless the reader [stays
    /// open](super::Options::stay_open).
    pub fn read_exact_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<()> {
        let deadline = Deadline::after(timeout);
        self.end.read_exact(buffer, |rest| self.read_timeout(rest, deadline.timeout()))
    }

    /// Returns whether a process has the FIFO open for writing, or has had it open since this
    /// reader exists.
    ///
    /// Event loops wait with it for the first writer. It never blocks. A reader that [stays
    /// open](super::Options::stay_open) is a writer too.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) without two free descriptors.
    pub fn has_seen_writer(&self) -> Result<bool> {
        open::has_writer(self.as_fd(), Duration::ZERO)
            .map_err(|e| Error::from_errno("tee", e).with_limit(limits::descriptors(e)))
    }

    /// `FIONREAD`: returns how many bytes are in the FIFO. Another process may change that at any
    /// moment.
    #[doc(alias = "FIONREAD")]
    pub fn available(&self) -> Result<usize> {
        self.end.available()
    }

    /// `F_GETPIPE_SZ`: returns the capacity of the FIFO in bytes.
    #[doc(alias = "F_GETPIPE_SZ")]
    pub fn capacity(&self) -> Result<usize> {
        self.end.capacity()
    }

    /// `F_SETPIPE_SZ`: requests room for at least `bytes` and returns the room that the kernel
    /// gave.
    ///
    /// It lasts while any process has the FIFO open.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) above `/proc/sys/fs/pipe-max-size`;
    /// [`InUse`](crate::ErrorKind::InUse) if the FIFO contains more than `bytes` now.
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
        Ok(Reader {
            end: self.end.try_clone()?,
            own_writer: self.own_writer.as_ref().map(duplicate).transpose()?,
        })
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
