//! Creating a pipe.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

use super::{Reader, Writer};
use crate::error::{Error, Result};
use crate::support::limits;

/// `pipe2(2)`: creates a pipe with the kernel's defaults.
///
/// Both ends are close-on-exec. [`Options`] sets another capacity, packet mode, or non-blocking
/// ends.
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full, or the user's
/// quota of pipe memory is used up.
#[doc(alias = "pipe2")]
pub fn pipe() -> Result<(Reader, Writer)> {
    Options::new().create()
}

/// How to create a pipe.
///
/// ```
/// use ipcraft::pipe::Options;
///
/// let (reader, _writer) = Options::new().capacity(100_000).create()?;
/// assert_eq!(reader.capacity()?, 131_072); // rounded up by the kernel
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Options {
    packets: bool,
    nonblocking: bool,
    capacity: Option<usize>,
}

impl Options {
    /// A blocking byte stream of the default capacity.
    pub fn new() -> Self {
        Options::default()
    }

    /// `O_DIRECT`: makes each write of at most [`PIPE_BUF`](super::PIPE_BUF) bytes a packet, and
    /// each read return one packet.
    ///
    /// A longer write becomes several packets. A packet occupies a page of the pipe, however short
    /// it is. Reading a packet longer than the buffer fails with
    /// [`Truncated`](crate::ErrorKind::Truncated) and its true length in the limit. The buffer then
    /// holds its beginning, and the rest is lost. The kernel alone reports no error.
    #[doc(alias = "O_DIRECT")]
    pub fn packets(mut self, yes: bool) -> Self {
        self.packets = yes;
        self
    }

    /// `O_NONBLOCK`: makes both ends non-blocking, for event loops. The plain calls then fail as
    /// the `try_` ones do; the `_timeout` ones still wait.
    #[doc(alias = "O_NONBLOCK")]
    pub fn nonblocking(mut self, yes: bool) -> Self {
        self.nonblocking = yes;
        self
    }

    /// `F_SETPIPE_SZ`: requests room for at least `bytes`.
    ///
    /// The kernel rounds up to a power of two of pages; [`Reader::capacity`] returns the result.
    #[doc(alias = "F_SETPIPE_SZ")]
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = Some(bytes);
        self
    }

    /// `pipe2(2)`: creates the pipe.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full, if the
    /// user's quota of pipe memory is used up, or if the capacity is above
    /// `/proc/sys/fs/pipe-max-size`.
    pub fn create(&self) -> Result<(Reader, Writer)> {
        let mut flags = OFlag::empty();
        flags.set(OFlag::O_DIRECT, self.packets);
        flags.set(OFlag::O_NONBLOCK, self.nonblocking);
        let (reader, writer) = pipe2(flags | OFlag::O_CLOEXEC)
            .map_err(|e| Error::from_errno("pipe2", e).with_limit(limits::descriptors(e)))?;
        if self.packets {
            // pipe2 marks the write end only, but a reader made from a descriptor needs the mark
            // too.
            fcntl(&reader, FcntlArg::F_SETFL(flags)).map_err(|e| Error::from_errno("fcntl(F_SETFL)", e))?;
        }
        let (reader, writer) = (Reader::of(reader, self.packets), Writer::of(writer));
        if let Some(bytes) = self.capacity {
            writer.set_capacity(bytes)?;
        }
        Ok((reader, writer))
    }
}
