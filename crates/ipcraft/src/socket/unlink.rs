//! Removing the file of a socket by its path.

use std::os::fd::AsFd;
use std::path::Path;

use nix::errno::Errno;

use super::{bound_file, reclaim};
use crate::error::{Error, Result};
use crate::name;
use crate::support::directory_entry::DirectoryEntry;
use crate::support::limits;

const UNLINK: &str = "unlink";

/// `unlink(2)`: removes the socket file at the path, whether its socket is live or closed, and
/// whichever process made it.
///
/// A live socket stays connected to its clients, and no new client finds it. Another file that
/// takes the path meanwhile stays.
///
/// # Errors
///
/// [`NotFound`](crate::ErrorKind::NotFound) if there is none;
/// [`WrongType`](crate::ErrorKind::WrongType) if the path leads to another type of file, a symbolic
/// link included; [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the directory, or the
/// owner in a sticky directory, does not permit it.
pub fn unlink(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    name::check_path(UNLINK, path)?;
    loop {
        match unlink_once(path) {
            // Another socket took the path in between.
            Err(Errno::ESTALE) => {}
            Err(Errno::EPROTOTYPE) => return Err(reclaim::another_file(UNLINK, path)),
            other => {
                return other.map_err(|e| {
                    Error::from_errno(UNLINK, e)
                        .with_name(name::display(path))
                        .with_limit(limits::descriptors(e))
                });
            }
        }
    }
}

fn unlink_once(path: &Path) -> nix::Result<()> {
    let entry = DirectoryEntry::of(path)?;
    let held = bound_file::hold(&entry)?;
    entry.remove(held.as_fd())
}
