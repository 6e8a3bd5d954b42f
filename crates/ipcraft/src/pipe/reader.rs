//! The reading end.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::PIPE_BUF;
use crate::error::{Error, Result};
use crate::support::pipe_end::PipeEnd;
use crate::support::pipe_size;
use crate::sys::ioctl;

const READ: &str = "read from pipe";

/// The reading end of a pipe.
///
/// Calls take `&self`: threads may read at once, and each byte goes to one of them. Dropping it closes the descriptor; when the
/// last reader is gone, writers fail with [`Disconnected`](crate::ErrorKind::Disconnected).
#[derive(Debug)]
pub struct Reader {
    end: PipeEnd,
    /// Whether writes arrive as packets, whose excess the kernel would drop in silence.
    packets: bool,
}

impl Reader {
    pub(super) fn of(fd: OwnedFd, packets: bool) -> Self {
        Reader { end: PipeEnd::new(fd), packets }
    }

    /// `read(2)`: waits for data and returns how many bytes came, at most `buffer.len()`; `Ok(0)` is end of stream.
    ///
    /// # Errors
    ///
    /// [`Empty`](crate::ErrorKind::Empty) only if the pipe is [non-blocking](super::Options::nonblocking);
    /// [`Truncated`](crate::ErrorKind::Truncated) for a [packet](super::Options::packets) longer than the buffer.
    #[inline]
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        if self.packets {
            return packet(buffer, |buffer, spill| self.end.read_packet(buffer, spill));
        }
        self.end.read(buffer).map_err(|e| Error::from_recv_errno(READ, e))
    }

    /// `preadv2(2)` with `RWF_NOWAIT`: [`read`](Reader::read) that fails with [`Empty`](crate::ErrorKind::Empty) instead of waiting.
    pub fn try_read(&self, buffer: &mut [u8]) -> Result<usize> {
        if self.packets {
            return packet(buffer, |buffer, spill| self.end.try_read_packet(buffer, spill));
        }
        self.end.try_read(buffer).map_err(|e| Error::from_recv_errno(READ, e))
    }

    /// [`read`](Reader::read) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if nothing comes within `timeout`.
    ///
    /// One system call if data is there; `ppoll(2)` and another read if not.
    pub fn read_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        if self.packets {
            return packet(buffer, |buffer, spill| self.end.read_packet_timeout(buffer, spill, timeout));
        }
        self.end.read_timeout(buffer, timeout).map_err(|e| Error::from_recv_errno(READ, e))
    }

    /// `FIONREAD`: how many bytes are in the pipe.
    ///
    /// Stale as soon as it is returned: a writer may add, another reader may take. At least so many bytes can be read
    /// without waiting only if this is the one reader.
    #[doc(alias = "FIONREAD")]
    pub fn available(&self) -> Result<usize> {
        ioctl::bytes_readable(self.end.as_fd()).map_err(|e| Error::from_errno("ioctl(FIONREAD)", e))
    }

    /// `F_GETPIPE_SZ`: how many bytes the pipe has room for in all.
    #[doc(alias = "F_GETPIPE_SZ")]
    pub fn capacity(&self) -> Result<usize> {
        pipe_size::get(self.end.as_fd())
    }

    /// `F_SETPIPE_SZ`: asks for room for at least `bytes` and returns the room that the kernel gave. Both ends see it.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) above `/proc/sys/fs/pipe-max-size`, [`InUse`](crate::ErrorKind::InUse) if more than `bytes` are in the pipe now.
    #[doc(alias = "F_SETPIPE_SZ")]
    pub fn set_capacity(&self, bytes: usize) -> Result<usize> {
        pipe_size::set(self.end.as_fd(), bytes)
    }
}

/// Reads a packet with room to notice that it was longer than `buffer`.
fn packet(buffer: &mut [u8], read: impl FnOnce(&mut [u8], &mut [u8]) -> nix::Result<usize>) -> Result<usize> {
    let mut spill = [0; PIPE_BUF];
    let length = read(buffer, &mut spill).map_err(|e| Error::from_recv_errno(READ, e))?;
    if length <= buffer.len() {
        return Ok(length);
    }
    Err(Error::truncated(READ, buffer.len(), length))
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

/// Takes the descriptor as it is: whether it is the reading end of a pipe shows at the first call.
///
/// That the pipe carries packets shows only if this library made it: the kernel alone marks just the writing end.
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
