//! Options for FIFOs and their ends.

use std::path::Path;

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{Fifo, open};
use crate::error::{Error, Result};
use crate::name;
use crate::support::directory_entry::DirectoryEntry;
use crate::support::limits;
use crate::support::unlink_guard::UnlinkGuard;

const MKFIFO: &str = "mkfifo";

/// How to create or open a FIFO, and how the ends opened through its handle behave.
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
    /// Mode 0600, a name that stays, blocking ends, and end of stream when the last writer closes.
    pub fn new() -> Self {
        Options::default()
    }

    /// Sets the permissions of a FIFO that is created, such as `0o620`, less the umask. Default:
    /// 0600.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Removes the name when the handle is dropped, if this handle created the FIFO.
    ///
    /// Only the creating process removes it, and only while the path leads to that same FIFO.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.remove_on_drop = yes;
        self
    }

    /// Keeps readers opened through this handle from end of stream: each holds a writer of its own.
    ///
    /// Opening such a reader never blocks, and needs write permission too.
    pub fn stay_open(mut self, yes: bool) -> Self {
        self.stay_open = yes;
        self
    }

    /// `O_NONBLOCK`: makes the ends opened through this handle non-blocking, for event loops.
    ///
    /// Their plain calls then fail as the `try_` ones do; the `_timeout` ones still wait. Opening
    /// is not affected.
    #[doc(alias = "O_NONBLOCK")]
    pub fn nonblocking(mut self, yes: bool) -> Self {
        self.nonblocking = yes;
        self
    }

    /// `mkfifo(3)`: creates the FIFO, or opens an existing one and leaves its mode unchanged.
    ///
    /// # Errors
    ///
    /// [`WrongType`](crate::ErrorKind::WrongType) if the name belongs to another type of file;
    /// others as in the [module's table](super#errors).
    pub fn create(&self, path: impl AsRef<Path>) -> Result<Fifo> {
        let path = path.as_ref();
        match self.make(path) {
            Err(e) if e.errno() == Some(Errno::EEXIST as i32) => self.open(path),
            made => Ok(Fifo::new(path, self.clone(), made?)),
        }
    }

    /// `mkfifo(3)`: creates the FIFO. Exactly one of several racing processes succeeds.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name exists, whatever the type of
    /// the file; others as in the [module's table](super#errors).
    pub fn create_new(&self, path: impl AsRef<Path>) -> Result<Fifo> {
        let path = path.as_ref();
        let removal = self.make(path)?;
        Ok(Fifo::new(path, self.clone(), removal))
    }

    /// Opens an existing FIFO.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound); [`WrongType`](crate::ErrorKind::WrongType) if the
    /// path leads to another type of file; others as in the [module's table](super#errors).
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Fifo> {
        let path = path.as_ref();
        name::check_path("stat", path)?;
        open::check_type_at(path)?;
        Ok(Fifo::new(path, self.clone(), None))
    }

    fn make(&self, path: &Path) -> Result<Option<UnlinkGuard>> {
        name::check_path(MKFIFO, path)?;
        mkfifo(path, Mode::from_bits_truncate(self.mode)).map_err(|e| {
            Error::from_errno(MKFIFO, e).with_name(name::display(path)).with_limit(limits::descriptors(e))
        })?;
        let guard = || {
            let entry = DirectoryEntry::of(path)?;
            let held = entry.hold()?;
            Ok(UnlinkGuard::new(entry, held))
        };
        // If the new name is gone already, there is nothing to remove.
        Ok(self.remove_on_drop.then(guard).and_then(nix::Result::ok))
    }
}
