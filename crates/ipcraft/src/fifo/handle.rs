//! A FIFO by name, and the ways to open its ends.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use super::{Options, Reader, Writer, open};
use crate::error::{Error, ErrorKind, Result};
use crate::name;
use crate::support::unlink_guard::UnlinkGuard;
use crate::time::Deadline;

/// A FIFO by name, from which ends are opened.
///
/// It holds the file and its directory by two descriptors without access (`O_PATH`), so that a
/// removal removes no other FIFO. Dropping it leaves the name, unless [`Options::remove_on_drop`]
/// was set.
#[derive(Debug)]
pub struct Fifo {
    path: PathBuf,
    name: Arc<str>,
    options: Options,
    file: UnlinkGuard,
}

impl Fifo {
    pub(super) fn new(path: &Path, options: Options, file: UnlinkGuard) -> Self {
        Fifo { path: path.to_owned(), name: name::display(path).into(), options, file }
    }

    /// `mkfifo(3)`: creates the FIFO with mode 0600, or opens an existing one; see
    /// [`Options::create`].
    #[doc(alias = "mkfifo")]
    pub fn create(path: impl AsRef<Path>) -> Result<Fifo> {
        Options::new().create(path)
    }

    /// `mkfifo(3)`: creates the FIFO with mode 0600, and fails if the name exists; see
    /// [`Options::create_new`].
    #[doc(alias = "mkfifo")]
    pub fn create_new(path: impl AsRef<Path>) -> Result<Fifo> {
        Options::new().create_new(path)
    }

    /// Opens an existing FIFO; see [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Fifo> {
        Options::new().open(path)
    }

    /// Returns the path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `open(2)` with `O_RDONLY`: opens for reading, blocking until a writer opens the FIFO.
    ///
    /// # Errors
    ///
    /// Those of the [module's table](super#errors). If the path was changed,
    /// [`NotFound`](crate::ErrorKind::NotFound) or [`WrongType`](crate::ErrorKind::WrongType).
    pub fn open_read(&self) -> Result<Reader> {
        if self.options.stay_open {
            return self.staying_reader();
        }
        self.reader(open::read(&self.path))
    }

    /// `open(2)` with `O_RDONLY | O_NONBLOCK`: opens for reading, whether or not a writer has it
    /// open.
    ///
    /// Until the first writer opens it, reads return `Ok(0)` as at end of stream. A reader that
    /// [stays open](Options::stay_open) does not.
    pub fn try_open_read(&self) -> Result<Reader> {
        if self.options.stay_open {
            return self.staying_reader();
        }
        self.reader(open::try_read(&self.path))
    }

    /// Like [`open_read`](Fifo::open_read), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if no writer opens the FIFO within `timeout`.
    ///
    /// While it waits it counts as a reader. A writer that opens the FIFO just before the timeout
    /// may have no reader when it writes. Waiting needs two free descriptors.
    pub fn open_read_timeout(&self, timeout: Duration) -> Result<Reader> {
        if self.options.stay_open {
            return self.staying_reader();
        }
        self.reader(open::read_until(&self.path, Deadline::after(timeout)))
    }

    /// `open(2)` with `O_WRONLY`: opens for writing, blocking until a reader opens the FIFO.
    ///
    /// # Errors
    ///
    /// Those of the [module's table](super#errors). If the path was changed,
    /// [`NotFound`](crate::ErrorKind::NotFound) or [`WrongType`](crate::ErrorKind::WrongType).
    pub fn open_write(&self) -> Result<Writer> {
        self.writer(open::write(&self.path))
    }

    /// `open(2)` with `O_WRONLY | O_NONBLOCK`: opens for writing, and fails with
    /// [`NoReader`](crate::ErrorKind::NoReader) if no process has the FIFO open for reading.
    pub fn try_open_write(&self) -> Result<Writer> {
        self.writer(open::try_write(&self.path))
    }

    /// Like [`open_write`](Fifo::open_write), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if no reader opens the FIFO within `timeout`.
    pub fn open_write_timeout(&self, timeout: Duration) -> Result<Writer> {
        self.writer(open::write_until(&self.path, Deadline::after(timeout)))
    }

    /// `unlink(2)`: removes the name, if it still leads to the file that this handle created or
    /// opened. Open ends keep working; the next open of the path fails.
    ///
    /// A symbolic link that the handle was opened through is removed itself. To check which file
    /// it removes, it moves the name aside for an instant, to `.ipcraft-…` in the same directory.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](crate::ErrorKind::NotFound) if the name was removed already;
    /// * [`Removed`](crate::ErrorKind::Removed) if it was removed and now leads to another FIFO;
    /// * [`WrongType`](crate::ErrorKind::WrongType) if it leads to another type of file.
    #[doc(alias = "unlink")]
    pub fn remove(&self) -> Result<()> {
        self.file.remove().map_err(|e| match e {
            Errno::ESTALE => open::replaced(&self.path),
            _ => Error::from_errno("unlink", e).with_object(Some(&self.name)),
        })
    }

    /// `unlink(2)`: removes the FIFO of this name, whichever process made it. Needs no right to
    /// open it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none;
    /// [`WrongType`](crate::ErrorKind::WrongType) if the path leads to another type of file;
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the directory, or the owner in a
    /// sticky directory, does not permit it.
    pub fn unlink(path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        loop {
            match Fifo::open(path)?.remove() {
                Err(e) if e.kind() == ErrorKind::Removed => {}
                removed => return removed,
            }
        }
    }

    /// Returns whether dropping this handle removes the name.
    pub fn removes_on_drop(&self) -> bool {
        self.file.removes_on_drop()
    }

    fn staying_reader(&self) -> Result<Reader> {
        let (fd, own_writer) = open::both(&self.path)?;
        let fd = open::set_nonblocking(fd, self.options.nonblocking)?;
        Ok(Reader::of(fd, self.name.clone(), Some(own_writer)))
    }

    fn reader(&self, opened: Result<OwnedFd>) -> Result<Reader> {
        let fd = open::set_nonblocking(opened?, self.options.nonblocking)?;
        Ok(Reader::of(fd, self.name.clone(), None))
    }

    fn writer(&self, opened: Result<OwnedFd>) -> Result<Writer> {
        let fd = open::set_nonblocking(opened?, self.options.nonblocking)?;
        Ok(Writer::of(fd, self.name.clone()))
    }
}
