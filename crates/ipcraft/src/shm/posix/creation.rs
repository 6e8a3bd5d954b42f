//! The steps of creating and opening an object.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;

use super::directory::SHM_OPEN;
use super::open::{self, Expected, Found};
use super::{LONGEST_NAME, Options, SharedMemory, directory};
use crate::error::{Error, ErrorKind, Result};
use crate::name;
use crate::support::backoff::Backoff;
use crate::support::unlink_guard::UnlinkGuard;
use crate::support::{fallocate, limits};
use crate::time::Deadline;

/// The permission bits of an object that may have any.
const ALL_BITS: u32 = 0o777;

impl Options {
    pub(super) fn open_existing(&self, name: &OsStr) -> Result<SharedMemory> {
        match self.find(name)? {
            Found::Complete(fd) => Ok(SharedMemory::new(fd, name, None)),
            Found::TooSmall(error) | Found::Nothing(error) => Err(error),
        }
    }

    pub(super) fn open_existing_timeout(&self, name: &OsStr, timeout: Duration) -> Result<SharedMemory> {
        let (deadline, mut backoff) = (Deadline::after(timeout), Backoff::new());
        loop {
            let missing = match self.find(name)? {
                Found::Complete(fd) => return Ok(SharedMemory::new(fd, name, None)),
                Found::TooSmall(error) | Found::Nothing(error) => error,
            };
            if !backoff.sleep(deadline) {
                let late = named(Error::from_errno(SHM_OPEN, Errno::ETIMEDOUT), name);
                return Err(match missing.limit() {
                    Some(&size) => late.with_limit(Some(size)).with_hint("unlink it if its creator died"),
                    None => late,
                });
            }
        }
    }

    /// Creates an object that `fill` writes before the name appears.
    pub(crate) fn create_new_filled(
        &self,
        name: impl AsRef<OsStr>,
        size: usize,
        fill: impl FnOnce(BorrowedFd<'_>) -> Result<()>,
    ) -> Result<SharedMemory> {
        let name = name.as_ref();
        check(name)?;
        let fd = self.create_unnamed(name, size, fill)?;
        let removal = self.publish(&fd, name)?;
        Ok(SharedMemory::new(fd, name, removal))
    }

    /// Opens the object, or creates one that `fill` writes before the name appears.
    pub(crate) fn create_filled(
        &self,
        name: impl AsRef<OsStr>,
        size: usize,
        fill: impl FnOnce(BorrowedFd<'_>) -> Result<()>,
    ) -> Result<SharedMemory> {
        let name = name.as_ref();
        if let Some(found) = self.find_complete(name)? {
            return Ok(found);
        }
        let fd = self.create_unnamed(name, size, fill)?;
        loop {
            match self.publish(&fd, name) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                published => return Ok(SharedMemory::new(fd, name, published?)),
            }
            // If the object was removed in between, the name is free again: retry.
            if let Some(found) = self.find_complete(name)? {
                return Ok(found);
            }
        }
    }

    /// Returns `None` if the name is free.
    fn find_complete(&self, name: &OsStr) -> Result<Option<SharedMemory>> {
        match self.find(name)? {
            Found::Complete(fd) => Ok(Some(SharedMemory::new(fd, name, None))),
            Found::TooSmall(error) => Err(error),
            Found::Nothing(_) => Ok(None),
        }
    }

    fn find(&self, name: &OsStr) -> Result<Found> {
        let c_name = check(name)?;
        let bits = self.mode.checked(SHM_OPEN).map_err(|e| named(e, name))?.bits();
        let expected = Expected {
            mode: if self.any_mode { ALL_BITS } else { bits },
            owner: self.owner,
            min_size: self.min_size,
        };
        open::find(&c_name, &name::display(name.as_ref()).into(), self.access, expected)
    }

    fn create_unnamed(
        &self,
        name: &OsStr,
        size: usize,
        fill: impl FnOnce(BorrowedFd<'_>) -> Result<()>,
    ) -> Result<OwnedFd> {
        let fd = directory::create_unnamed(self.mode).map_err(|e| named(e, name))?;
        let sized = match self.sparse {
            true => fallocate::extend(fd.as_fd(), size),
            false => fallocate::reserve(fd.as_fd(), size),
        };
        sized.map_err(|e| named(e, name))?;
        fill(fd.as_fd())?;
        Ok(fd)
    }

    fn publish(&self, fd: &OwnedFd, name: &OsStr) -> Result<Option<UnlinkGuard>> {
        let path = directory::path(name);
        let failed = |e| named(Error::from_errno(SHM_OPEN, e).with_limit(limits::descriptors(e)), name);
        // Made before the name exists, so that a failure leaves nothing.
        let removal = self.remove_on_drop.then(|| UnlinkGuard::of(&path, fd.as_fd())).transpose();
        let removal = removal.map_err(failed)?;
        directory::link(fd.as_fd(), &path).map_err(|e| named(e, name))?;
        Ok(removal)
    }
}

fn check(name: &OsStr) -> Result<CString> {
    name::posix(SHM_OPEN, name, LONGEST_NAME)
}

fn named(error: Error, name: &OsStr) -> Error {
    error.with_name(name::display(name.as_ref()))
}
