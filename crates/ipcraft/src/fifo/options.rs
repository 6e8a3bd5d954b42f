//! Making or finding the name.

use std::path::Path;

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{Fifo, open};
use crate::error::{Error, Result};
use crate::name;
use crate::support::limits;
use crate::support::unlink_guard::UnlinkGuard;

const MKFIFO: &str = "mkfifo";

/// How to make a FIFO, and how the handle and the ends opened through it behave.
///
/// ```
/// use ipcraft::{fifo, name};
///
/// let path = name::unique_path("doc-options");
/// let fifo = fifo::Options::new().mode(0o620).remove_on_drop(true).create_new(&path)?;
/// assert!(path.exists());
/// drop(fifo);
/// assert!(!path.exists());
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    mode: u32,
    remove_on_drop: bool,
    pub(super) stay_open: bool,
    pub(super) nonblocking: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { mode: 0o600, remove_on_drop: false, stay_open: false, nonblocking: false }
    }
}

impl Options {
    /// Mode 0600, never removed, ends that block, end of stream when the last writer closes.
    pub fn new() -> Self {
        Options::default()
    }

    /// Permission bits of a FIFO that is created, such as `0o620`; the umask is taken off.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Removes the name when the handle is dropped: if this call created it, in the process that did, and only while the path still leads
    /// to that same FIFO.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.remove_on_drop = yes;
        self
    }

    /// Readers opened through this handle never see end of stream: they hold a writing end of their own.
    ///
    /// Opening such a reader waits for nobody, and needs permission to write as well.
    pub fn stay_open(mut self, yes: bool) -> Self {
        self.stay_open = yes;
        self
    }

    /// `O_NONBLOCK` on the ends opened through this handle: for event loops. Their plain calls then fail like the
    /// `try_` ones, and the `_timeout` ones still wait. Opening is not concerned.
    #[doc(alias = "O_NONBLOCK")]
    pub fn nonblocking(mut self, yes: bool) -> Self {
        self.nonblocking = yes;
        self
    }

    /// `mkfifo(3)`: makes the FIFO, or takes the one that exists; its mode is then left as it is.
    ///
    /// # Errors
    ///
    /// [`WrongType`](crate::ErrorKind::WrongType) if something else has the name; others as in the [module's table](super#errors).
    pub fn create(self, path: impl AsRef<Path>) -> Result<Fifo> {
        let path = path.as_ref();
        match self.make(path) {
            Err(e) if e.errno() == Some(Errno::EEXIST as i32) => self.open(path),
            made => Ok(Fifo::new(path, self, made?)),
        }
    }

    /// `mkfifo(3)`: makes the FIFO; exactly one of several racing processes succeeds.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if anything has the name, a FIFO too; others as in the [module's table](super#errors).
    pub fn create_new(self, path: impl AsRef<Path>) -> Result<Fifo> {
        let path = path.as_ref();
        let removal = self.make(path)?;
        Ok(Fifo::new(path, self, removal))
    }

    /// Takes a FIFO that exists.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound); [`WrongType`](crate::ErrorKind::WrongType) if the path leads to something else; others as in the [module's table](super#errors).
    pub fn open(self, path: impl AsRef<Path>) -> Result<Fifo> {
        let path = path.as_ref();
        name::check_path("stat", path)?;
        open::check_type_at(path)?;
        Ok(Fifo::new(path, self, None))
    }

    fn make(&self, path: &Path) -> Result<Option<UnlinkGuard>> {
        name::check_path(MKFIFO, path)?;
        mkfifo(path, Mode::from_bits_truncate(self.mode)).map_err(|e| {
            Error::from_errno(MKFIFO, e).with_name(name::display(path)).with_limit(limits::descriptors(e))
        })?;
        // Should the new name be gone again, there is nothing to remove.
        Ok(if self.remove_on_drop { UnlinkGuard::new(path).ok() } else { None })
    }
}
