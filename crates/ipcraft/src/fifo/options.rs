//! Options for FIFOs and their ends.

use std::path::Path;

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::mkfifoat;

use super::{Fifo, open};
use crate::error::{Error, Result};
use crate::name;
use crate::support::create_or_open::create_or_open;
use crate::support::directory_entry::DirectoryEntry;
use crate::support::mode::{self, CreationMode};
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
    mode: CreationMode,
    remove_on_drop: bool,
    pub(super) stay_open: bool,
    pub(super) nonblocking: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            mode: CreationMode::less_umask(0o600),
            remove_on_drop: false,
            stay_open: false,
            nonblocking: false,
        }
    }
}

impl Options {
    /// Mode 0600, a name that stays, blocking ends, and end of stream when the last writer closes.
    pub fn new() -> Self {
        Options::default()
    }

    /// Sets the permissions of a FIFO that is created, such as `0o620`, less the umask. Default:
    /// 0600.
    ///
    /// Creation fails with [`Invalid`](crate::ErrorKind::Invalid) for bits beyond 0o777.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = CreationMode::less_umask(mode);
        self
    }

    /// Sets the permissions as [`mode`](Options::mode) does, and the umask takes none away.
    ///
    /// The name appears when the FIFO has its permissions. Before Linux 6.6 this needs /proc.
    #[doc(alias = "chmod")]
    pub fn exact_mode(mut self, mode: u32) -> Self {
        self.mode = CreationMode::exact(mode);
        self
    }

    /// Removes the name when the handle is dropped, if this handle created the FIFO.
    ///
    /// Only the creating process removes it, and only while the name leads to that same FIFO. A
    /// removal needs no free descriptor, and neither the former working directory nor root.
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
        create_or_open(|| self.create_new(path), || self.open(path).map_err(|e| open::leads_nowhere(path, e)))
    }

    /// `mkfifo(3)`: creates the FIFO. Exactly one of several racing processes succeeds.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name exists, whatever the type of
    /// the file; others as in the [module's table](super#errors).
    pub fn create_new(&self, path: impl AsRef<Path>) -> Result<Fifo> {
        let path = path.as_ref();
        let made = self.make(path)?;
        Ok(Fifo::new(path, self.clone(), made))
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
        Ok(Fifo::new(path, self.clone(), open::hold(path)?))
    }

    fn make(&self, path: &Path) -> Result<UnlinkGuard> {
        name::check_path(MKFIFO, path)?;
        let mode = self.mode.checked(MKFIFO).map_err(|e| e.with_name(name::display(path)))?;
        loop {
            match self.make_once(path, mode) {
                // The private name was removed before it was published.
                Err(Errno::ESTALE) => {}
                made => return made.map_err(|e| failed(path, e)),
            }
        }
    }

    fn make_once(&self, path: &Path, mode: Mode) -> nix::Result<UnlinkGuard> {
        let entry = DirectoryEntry::of(path)?;
        if entry.exists() {
            // As mkfifo(3) does, also in a directory in which this process may create nothing.
            return Err(Errno::EEXIST);
        }
        let private = entry.make_private(|directory, name| mkfifoat(directory, name, mode))?;
        if self.mode.is_exact() {
            open::check_own_fifo(private.held())?;
            mode::set(private.held(), mode)?;
        }
        let held = private.publish()?;
        let guard = if self.remove_on_drop { UnlinkGuard::new } else { UnlinkGuard::without_removal };
        Ok(guard(entry, held))
    }
}

fn failed(path: &Path, errno: Errno) -> Error {
    let error = open::failed(MKFIFO, path, errno);
    match errno {
        Errno::ENOSYS => error.with_hint("mount /proc for exact_mode, or use Linux 6.6"),
        _ => error,
    }
}
