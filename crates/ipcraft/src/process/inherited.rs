//! The child takes each inherited descriptor once.

#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::env;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::manifest::{self, Entry, Identity, VARIABLE};
use crate::error::{Error, ErrorKind, Result};

const TAKE: &str = "take inherited descriptor";

/// The numbers of the descriptors that were taken.
static TAKEN: Mutex<BTreeSet<RawFd>> = Mutex::new(BTreeSet::new());

/// Takes the descriptor that the parent passed under this name
/// ([`Inherit::named`](super::Inherit::named)).
///
/// The descriptor becomes close-on-exec. It is open from the start of the process, even if it is
/// never taken.
///
/// # Errors
///
/// [`NotFound`](ErrorKind::NotFound) if this process inherited no descriptor of that name;
/// [`InUse`](ErrorKind::InUse) if it was taken before.
pub fn take_inherited_fd(name: &str) -> Result<OwnedFd> {
    take_matching(|entry| !name.is_empty() && entry.name == name).map_err(|e| e.with_name(name))
}

/// Takes the descriptor that the parent passed under this number
/// ([`Inherit::numbered`](super::Inherit::numbered)).
///
/// # Errors
///
/// As for [`take_inherited_fd`]. A number that is open but was not passed by the parent has another
/// owner, so it is [`NotFound`](ErrorKind::NotFound).
pub fn take_inherited_fd_number(number: RawFd) -> Result<OwnedFd> {
    take_matching(|entry| entry.name.is_empty() && entry.number == number)
        .map_err(|e| e.with_name(number.to_string()))
}

fn take_matching(wanted: impl Fn(&Entry<'_>) -> bool) -> Result<OwnedFd> {
    let value = env::var(VARIABLE).unwrap_or_default();
    let entry = manifest::entries(&value).find(wanted).ok_or_else(not_inherited)?;
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    if taken.contains(&entry.number) {
        return Err(Error::new(TAKE, ErrorKind::InUse).with_hint("take it once and pass it on"));
    }
    if Identity::for_number(entry.number) != Ok(entry.identity) {
        return Err(not_inherited());
    }
    taken.insert(entry.number);
    // SAFETY: because the parent opened this descriptor for this process, and
    // `TAKEN` makes the caller its only owner.
    let fd = unsafe { OwnedFd::from_raw_fd(entry.number) };
    fcntl(fd.as_fd(), FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
        .map_err(|e| Error::from_errno("fcntl(F_SETFD)", e))?;
    Ok(fd)
}

fn not_inherited() -> Error {
    Error::new(TAKE, ErrorKind::NotFound).with_hint("check that the parent passes this descriptor")
}
