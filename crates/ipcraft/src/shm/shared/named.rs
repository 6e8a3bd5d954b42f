//! Creation and opening of shared values by name.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::value::too_small;
use super::{ProcessShared, Shared};
use crate::error::Result;
use crate::shm::posix::{Options, SharedMemory};
use crate::shm::{Access, Mapping};

impl<T: ProcessShared> Shared<T> {
    /// `shm_open(3)`: opens the value of this name, or creates and initializes it with mode 0600.
    ///
    /// The name appears when the value is complete, so no process sees it half-initialized, and a
    /// creator that dies early leaves nothing. Two concurrent calls may both run `initialize`, each
    /// on its own memory; the loser's is discarded.
    ///
    /// # Errors
    ///
    /// * [`WrongType`](crate::ErrorKind::WrongType) if the name belongs to something else;
    /// * the error of `initialize`, after which no name is left;
    /// * others as in the [table](crate::shm::posix#errors).
    #[doc(alias = "shm_open")]
    pub fn create(name: impl AsRef<OsStr>, initialize: impl FnOnce(&T) -> Result<()>) -> Result<Shared<T>> {
        Shared::create_with(&Options::new(), name, initialize)
    }

    /// [`create`](Shared::create) with these options.
    pub fn create_with(
        options: &Options,
        name: impl AsRef<OsStr>,
        initialize: impl FnOnce(&T) -> Result<()>,
    ) -> Result<Shared<T>> {
        Shared::from_object(options.create_filled(name, Self::SIZE, |fd| Self::fill(fd, initialize))?)
    }

    /// `shm_open(3)` with `O_EXCL`: creates and initializes a value of this name with mode 0600;
    /// exactly one of several racing processes succeeds.
    ///
    /// # Errors
    ///
    /// * [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken;
    /// * the error of `initialize`, after which no name is left;
    /// * others as in the [table](crate::shm::posix#errors).
    #[doc(alias = "shm_open")]
    pub fn create_new(
        name: impl AsRef<OsStr>,
        initialize: impl FnOnce(&T) -> Result<()>,
    ) -> Result<Shared<T>> {
        Shared::create_new_with(&Options::new(), name, initialize)
    }

    /// [`create_new`](Shared::create_new) with these options.
    pub fn create_new_with(
        options: &Options,
        name: impl AsRef<OsStr>,
        initialize: impl FnOnce(&T) -> Result<()>,
    ) -> Result<Shared<T>> {
        Shared::from_object(options.create_new_filled(name, Self::SIZE, |fd| Self::fill(fd, initialize))?)
    }

    /// `shm_open(3)`: opens the value of this name.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](crate::ErrorKind::NotFound) if no object has the name;
    /// * [`WrongType`](crate::ErrorKind::WrongType) with the property that differs if the name
    ///   belongs to something else;
    /// * others as in the [table](crate::shm::posix#errors).
    #[doc(alias = "shm_open")]
    pub fn open(name: impl AsRef<OsStr>) -> Result<Shared<T>> {
        Shared::from_object(Options::new().open(name)?)
    }

    /// [`open`](Shared::open) that waits until the name exists, and fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) after `timeout`.
    pub fn open_timeout(name: impl AsRef<OsStr>, timeout: Duration) -> Result<Shared<T>> {
        Shared::from_object(Options::new().open_timeout(name, timeout)?)
    }

    /// Attaches to the value in an open object, for example one opened with particular options.
    ///
    /// # Errors
    ///
    /// As for [`attach`](Shared::attach).
    pub fn from_object(object: SharedMemory) -> Result<Shared<T>> {
        let size = object.size()?;
        if size < Self::SIZE {
            return Err(too_small::<T>(size).with_object(Some(object.label())));
        }
        let attached = Self::attach_to(object.map()?, Some(object.label()))?;
        Ok(attached.with_object(object))
    }

    fn fill(fd: BorrowedFd<'_>, initialize: impl FnOnce(&T) -> Result<()>) -> Result<()> {
        let mapping = Mapping::for_file(fd, Self::SIZE, 0, Access::ReadWrite, None)?;
        Shared::initialize(mapping, initialize).map(drop)
    }
}
