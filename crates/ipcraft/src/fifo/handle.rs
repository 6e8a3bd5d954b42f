//! The name, and the ways to open it.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Options, Reader, Writer, open};
use crate::error::{Error, Result};
use crate::name;
use crate::support::errno;
use crate::support::pipe_end::PipeEnd;
use crate::support::unlink_guard::UnlinkGuard;
use crate::time::Deadline;

/// A FIFO by name: what one opens ends from.
///
/// Holds no descriptor. Dropping it leaves the name, unless [`Options::remove_on_drop`] was asked for.
#[derive(Debug)]
pub struct Fifo {
    path: PathBuf,
    name: Arc<str>,
    options: Options,
    removal: Option<UnlinkGuard>,
}

impl Fifo {
    pub(super) fn new(path: &Path, options: Options, removal: Option<UnlinkGuard>) -> Self {
        Fifo { path: path.to_owned(), name: name::display(path).into(), options, removal }
    }

    /// `mkfifo(3)`: makes the FIFO with mode 0600, or takes the one that exists; see [`Options::create`].
    #[doc(alias = "mkfifo")]
    pub fn create(path: impl AsRef<Path>) -> Result<Fifo> {
        Options::new().create(path)
    }

    /// `mkfifo(3)`: makes the FIFO with mode 0600 and fails if the name exists; see [`Options::create_new`].
    #[doc(alias = "mkfifo")]
    pub fn create_new(path: impl AsRef<Path>) -> Result<Fifo> {
        Options::new().create_new(path)
    }

    /// Takes a FIFO that exists; see [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Fifo> {
        Options::new().open(path)
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `open(2)` with `O_RDONLY`: waits until a writer opens it.
    ///
    /// # Errors
    ///
    /// As in the [module's table](super#errors); [`NotFound`](crate::ErrorKind::NotFound) and [`WrongType`](crate::ErrorKind::WrongType) too, if the path has changed since.
    pub fn open_read(&self) -> Result<Reader> {
        if self.options.stay_open {
            return self.staying_reader();
        }
        self.reader(open::read(&self.path))
    }

    /// `open(2)` with `O_RDONLY | O_NONBLOCK`: opens for reading whether or not a writer is there.
    ///
    /// Until the first writer comes, reads return `Ok(0)` as at end of stream, unless the reader [stays open](Options::stay_open).
    pub fn try_open_read(&self) -> Result<Reader> {
        if self.options.stay_open {
            return self.staying_reader();
        }
        self.reader(open::try_read(&self.path))
    }

    /// [`open_read`](Fifo::open_read) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if no writer comes within `timeout`.
    ///
    /// While it waits it counts as a reader: a writer that opens in the last moment may find nobody when it writes.
    pub fn open_read_timeout(&self, timeout: Duration) -> Result<Reader> {
        if self.options.stay_open {
            return self.staying_reader();
        }
        self.reader(open::read_until(&self.path, Deadline::after(timeout)))
    }

    /// `open(2)` with `O_WRONLY`: waits until a reader opens it.
    ///
    /// # Errors
    ///
    /// As in the [module's table](super#errors); [`NotFound`](crate::ErrorKind::NotFound) and [`WrongType`](crate::ErrorKind::WrongType) too, if the path has changed since.
    pub fn open_write(&self) -> Result<Writer> {
        self.writer(open::write(&self.path))
    }

    /// `open(2)` with `O_WRONLY | O_NONBLOCK`: fails with [`NoReader`](crate::ErrorKind::NoReader) if nobody has it open for reading.
    pub fn try_open_write(&self) -> Result<Writer> {
        self.writer(open::try_write(&self.path))
    }

    /// [`open_write`](Fifo::open_write) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if no reader comes within `timeout`.
    pub fn open_write_timeout(&self, timeout: Duration) -> Result<Writer> {
        self.writer(open::write_until(&self.path, Deadline::after(timeout)))
    }

    /// `unlink(2)`: removes the name. Ends that are open go on; the next process to open the path does not find it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if somebody was faster, [`WrongType`](crate::ErrorKind::WrongType) if the path leads to something else by now.
    #[doc(alias = "unlink")]
    pub fn remove(&self) -> Result<()> {
        open::check_type_at(&self.path)?;
        fs::remove_file(&self.path)
            .map_err(|e| Error::from_errno("unlink", errno(&e)).with_object(Some(&self.name)))
    }

    fn staying_reader(&self) -> Result<Reader> {
        let fd = open::try_read(&self.path)?;
        let own_writer = open::own_writer(&self.path, &fd)?;
        let fd = open::set_nonblocking(fd, self.options.nonblocking)?;
        Ok(Reader { end: PipeEnd::new(fd), name: self.name.clone(), _own_writer: Some(own_writer) })
    }

    fn reader(&self, opened: Result<OwnedFd>) -> Result<Reader> {
        let fd = open::set_nonblocking(opened?, self.options.nonblocking)?;
        Ok(Reader { end: PipeEnd::new(fd), name: self.name.clone(), _own_writer: None })
    }

    fn writer(&self, opened: Result<OwnedFd>) -> Result<Writer> {
        let fd = open::set_nonblocking(opened?, self.options.nonblocking)?;
        Ok(Writer { end: PipeEnd::new(fd), name: self.name.clone() })
    }

    /// Whether dropping this handle removes the name.
    pub fn removes_on_drop(&self) -> bool {
        self.removal.is_some()
    }
}
