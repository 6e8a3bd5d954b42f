//! The reading end.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::support::pipe_end::PipeEnd;
use crate::support::pipe_size;
use crate::sys::ioctl;

/// The reading end of a FIFO, from [`Fifo::open_read`](super::Fifo::open_read) and its like.
///
/// Calls take `&self`: threads, and other processes with readers of their own, may read at once, and each byte goes to one of them.
///
/// `OwnedFd::from(reader)` gives the descriptor away, for instance to a [`pipe::Reader`](crate::pipe::Reader) that splices. A reader that
/// [stays open](super::Options::stay_open) ceases to do so then.
#[derive(Debug)]
pub struct Reader {
    pub(super) end: PipeEnd,
    pub(super) name: Arc<str>,
    /// Held so that there always is a writer, and so never an end of stream.
    pub(super) _own_writer: Option<OwnedFd>,
}

impl Reader {
    /// `read(2)`: waits for data and returns how many bytes came, at most `buffer.len()`; `Ok(0)` is end of stream.
    ///
    /// # Errors
    ///
    /// [`Empty`](crate::ErrorKind::Empty) only if it is [non-blocking](super::Options::nonblocking).
    #[inline]
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.end.read(buffer).map_err(|e| self.failed(e))
    }

    /// [`read`](Reader::read) that fails with [`Empty`](crate::ErrorKind::Empty) instead of waiting. The first such call opens one more descriptor.
    pub fn try_read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.end.try_read(buffer).map_err(|e| self.failed(e))
    }

    /// [`read`](Reader::read) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if nothing comes within `timeout`.
    pub fn read_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.end.read_timeout(buffer, timeout).map_err(|e| self.failed(e))
    }

    /// `FIONREAD`: how many bytes are in the FIFO; stale as soon as it is returned.
    #[doc(alias = "FIONREAD")]
    pub fn available(&self) -> Result<usize> {
        ioctl::bytes_readable(self.end.as_fd())
            .map_err(|e| Error::from_errno("ioctl(FIONREAD)", e).with_object(Some(&self.name)))
    }

    /// `F_GETPIPE_SZ`: how many bytes the FIFO has room for in all.
    #[doc(alias = "F_GETPIPE_SZ")]
    pub fn capacity(&self) -> Result<usize> {
        pipe_size::get(self.end.as_fd()).map_err(|e| e.with_object(Some(&self.name)))
    }

    /// `F_SETPIPE_SZ`: asks for room for at least `bytes` and returns the room that the kernel gave.
    ///
    /// It lasts for as long as somebody has the FIFO open.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) above `/proc/sys/fs/pipe-max-size`, [`InUse`](crate::ErrorKind::InUse) if more than `bytes` are in it now.
    #[doc(alias = "F_SETPIPE_SZ")]
    pub fn set_capacity(&self, bytes: usize) -> Result<usize> {
        pipe_size::set(self.end.as_fd(), bytes).map_err(|e| e.with_object(Some(&self.name)))
    }

    #[cold]
    fn failed(&self, errno: Errno) -> Error {
        Error::from_recv_errno("read from FIFO", errno).with_object(Some(&self.name))
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
