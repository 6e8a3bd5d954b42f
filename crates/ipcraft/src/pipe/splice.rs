//! Moving bytes through a pipe without copying them through this process.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice, tee, vmsplice};
use nix::poll::PollFlags;

use super::{Reader, Writer};
use crate::error::{Error, Result};
use crate::support::{sigpipe, wait};
use crate::sys::retry;

const SPLICE: &str = "splice";
const TEE: &str = "tee";
const VMSPLICE: &str = "vmsplice";

/// `splice(2)`: moves bytes from the pipe to a file, a socket or another pipe inside the kernel.
///
/// The `try_` and `_timeout` forms apply to the *pipe*: a blocking socket at the other side can
/// still block the call.
impl Reader {
    /// `splice(2)`: moves at most `length` bytes from the pipe to `output` and returns how many;
    /// `Ok(0)` is end of stream.
    ///
    /// A file receives them at its position.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if `output` is a pipe without a reader;
    /// [`Invalid`](crate::ErrorKind::Invalid) if it was opened for appending, or is the other end
    /// of this same pipe.
    #[doc(alias = "splice")]
    pub fn splice_to(&self, output: impl AsFd, length: usize) -> Result<usize> {
        spliced(move_bytes(self.as_fd(), output.as_fd(), length, SpliceFFlags::empty()))
    }

    /// Like [`splice_to`](Reader::splice_to), but fails with [`Empty`](crate::ErrorKind::Empty)
    /// instead of blocking on the pipe.
    pub fn try_splice_to(&self, output: impl AsFd, length: usize) -> Result<usize> {
        move_bytes(self.as_fd(), output.as_fd(), length, SpliceFFlags::SPLICE_F_NONBLOCK)
            .map_err(|e| Error::from_recv_errno(SPLICE, e))
    }

    /// Like [`splice_to`](Reader::splice_to), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if nothing can be moved within `timeout`.
    pub fn splice_to_timeout(&self, output: impl AsFd, length: usize, timeout: Duration) -> Result<usize> {
        spliced(timed(self.as_fd(), output.as_fd(), timeout, || {
            move_bytes(self.as_fd(), output.as_fd(), length, SpliceFFlags::SPLICE_F_NONBLOCK)
        }))
    }

    /// `tee(2)`: copies at most `length` bytes into another pipe, leaves them in this one, and
    /// returns how many; `Ok(0)` is end of stream.
    ///
    /// It always starts at the first byte. Read or splice that many bytes before the next call, or
    /// it copies them again.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if `output` has no reader;
    /// [`Invalid`](crate::ErrorKind::Invalid) if it is the other end of this same pipe.
    pub fn tee(&self, output: &Writer, length: usize) -> Result<usize> {
        duplicate(self, output, length, SpliceFFlags::empty()).map_err(|e| Error::from_recv_errno(TEE, e))
    }

    /// Like [`tee`](Reader::tee), but fails with [`Empty`](crate::ErrorKind::Empty) if there is
    /// nothing to copy, or no room for it.
    pub fn try_tee(&self, output: &Writer, length: usize) -> Result<usize> {
        duplicate(self, output, length, SpliceFFlags::SPLICE_F_NONBLOCK)
            .map_err(|e| Error::from_recv_errno(TEE, e))
    }

    /// Like [`tee`](Reader::tee), but fails with [`TimedOut`](crate::ErrorKind::TimedOut) if
    /// nothing can be copied within `timeout`.
    pub fn tee_timeout(&self, output: &Writer, length: usize, timeout: Duration) -> Result<usize> {
        timed(self.as_fd(), output.as_fd(), timeout, || {
            duplicate(self, output, length, SpliceFFlags::SPLICE_F_NONBLOCK)
        })
        .map_err(|e| Error::from_recv_errno(TEE, e))
    }
}

/// Filling the pipe without a copy through this process.
impl Writer {
    /// `splice(2)`: moves at most `length` bytes from `input` (a file, a socket, a pipe) into the
    /// pipe and returns how many; `Ok(0)` is the end of the input.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if the pipe has no reader;
    /// [`Invalid`](crate::ErrorKind::Invalid) if `input` cannot be spliced, or is the other end of
    /// this same pipe.
    #[doc(alias = "splice")]
    pub fn splice_from(&self, input: impl AsFd, length: usize) -> Result<usize> {
        spliced(move_bytes(input.as_fd(), self.as_fd(), length, SpliceFFlags::empty()))
    }

    /// Like [`splice_from`](Writer::splice_from), but fails with [`Full`](crate::ErrorKind::Full)
    /// instead of blocking on the pipe.
    pub fn try_splice_from(&self, input: impl AsFd, length: usize) -> Result<usize> {
        move_bytes(input.as_fd(), self.as_fd(), length, SpliceFFlags::SPLICE_F_NONBLOCK)
            .map_err(|e| Error::from_send_errno(SPLICE, e))
    }

    /// Like [`splice_from`](Writer::splice_from), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if nothing can be moved within `timeout`.
    pub fn splice_from_timeout(&self, input: impl AsFd, length: usize, timeout: Duration) -> Result<usize> {
        spliced(timed(input.as_fd(), self.as_fd(), timeout, || {
            move_bytes(input.as_fd(), self.as_fd(), length, SpliceFFlags::SPLICE_F_NONBLOCK)
        }))
    }

    /// `vmsplice(2)`: puts `bytes` into the pipe by reference and returns how many. The reader
    /// receives them from the pages of this process.
    ///
    /// The kernel reads the memory when the *reader* does, which may be long after this call has
    /// returned, and does not report when. The reader would receive any change made in between. The
    /// safe form therefore takes only bytes that never change and are never freed: `&'static [u8]`.
    /// Gifting pages to the kernel (`SPLICE_F_GIFT`) is not offered.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if the pipe has no reader.
    #[doc(alias = "vmsplice")]
    pub fn splice_static(&self, bytes: &'static [u8]) -> Result<usize> {
        refer(self, bytes, SpliceFFlags::empty()).map_err(|e| Error::from_send_errno(VMSPLICE, e))
    }

    /// Like [`splice_static`](Writer::splice_static), but fails with
    /// [`Full`](crate::ErrorKind::Full) instead of blocking.
    pub fn try_splice_static(&self, bytes: &'static [u8]) -> Result<usize> {
        refer(self, bytes, SpliceFFlags::SPLICE_F_NONBLOCK).map_err(|e| Error::from_send_errno(VMSPLICE, e))
    }

    /// Like [`splice_static`](Writer::splice_static), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room within `timeout`.
    pub fn splice_static_timeout(&self, bytes: &'static [u8], timeout: Duration) -> Result<usize> {
        let room = [(self.as_fd(), PollFlags::POLLOUT)];
        wait::attempt_until(timeout, &room, || refer(self, bytes, SpliceFFlags::SPLICE_F_NONBLOCK))
            .map_err(|e| Error::from_send_errno(VMSPLICE, e))
    }
}

fn move_bytes(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    length: usize,
    flags: SpliceFFlags,
) -> nix::Result<usize> {
    sigpipe::suppress(|| retry(|| splice(from, None, to, None, length, flags)))
}

fn duplicate(from: &Reader, to: &Writer, length: usize, flags: SpliceFFlags) -> nix::Result<usize> {
    sigpipe::suppress(|| retry(|| tee(from, to, length, flags)))
}

fn refer(writer: &Writer, bytes: &'static [u8], flags: SpliceFFlags) -> nix::Result<usize> {
    check_writable(writer)?;
    sigpipe::suppress(|| retry(|| vmsplice(writer, &[IoSlice::new(bytes)], flags)))
}

/// Fails if the descriptor is a read end, to which vmsplice(2) would connect the memory for
/// writing.
fn check_writable(writer: &Writer) -> nix::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(writer, FcntlArg::F_GETFL)?);
    if flags & OFlag::O_ACCMODE == OFlag::O_RDONLY { Err(Errno::EBADF) } else { Ok(()) }
}

fn timed(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    timeout: Duration,
    attempt: impl FnMut() -> nix::Result<usize>,
) -> nix::Result<usize> {
    wait::attempt_until(timeout, &[(from, PollFlags::POLLIN), (to, PollFlags::POLLOUT)], attempt)
}

/// A blocking splice fails with `EAGAIN` only if one of the two descriptors is non-blocking.
fn spliced(result: nix::Result<usize>) -> Result<usize> {
    result.map_err(|e| Error::from_recv_errno(SPLICE, e))
}
