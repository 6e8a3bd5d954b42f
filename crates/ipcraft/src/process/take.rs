//! The child's side: taking what was given, once.

#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::env;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::manifest::{self, Entry, Identity, VARIABLE};
use crate::error::{Error, ErrorKind, Result};

const TAKE: &str = "take inherited descriptor";

/// The numbers that were given out already, each to its one owner.
static TAKEN: Mutex<BTreeSet<RawFd>> = Mutex::new(BTreeSet::new());

/// Takes the descriptor that the parent gave under this name ([`Inherit::named`](super::Inherit::named)).
///
/// It is close-on-exec from then on. It is open from the start of the process whether or not it is taken.
///
/// # Errors
///
/// [`NotFound`](ErrorKind::NotFound) if this process was given nothing of that name; [`InUse`](ErrorKind::InUse) if it was taken before.
pub fn take_inherited_fd(name: &str) -> Result<OwnedFd> {
    take_matching(|entry| !name.is_empty() && entry.name == name).map_err(|e| e.with_name(name))
}

/// Takes the descriptor that the parent gave under this number ([`Inherit::numbered`](super::Inherit::numbered)).
///
/// # Errors
///
/// As for [`take_inherited_fd`]. A number that is open but was not given is [`NotFound`](ErrorKind::NotFound), since it belongs to somebody else.
pub fn take_inherited_fd_number(number: RawFd) -> Result<OwnedFd> {
    take_matching(|entry| entry.name.is_empty() && entry.number == number)
        .map_err(|e| e.with_name(number.to_string()))
}

fn take_matching(wanted: impl Fn(&Entry<'_>) -> bool) -> Result<OwnedFd> {
    let value = env::var(VARIABLE).unwrap_or_default();
    let entry = manifest::entries(&value).find(wanted).ok_or_else(not_given)?;
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    if taken.contains(&entry.number) {
        return Err(
            Error::new(TAKE, ErrorKind::InUse).with_hint("it was taken before: pass it on from there")
        );
    }
    if Identity::of_number(entry.number) != Ok(entry.identity) {
        return Err(not_given());
    }
    taken.insert(entry.number);
    // SAFETY: because the descriptor is the one that the parent opened for this process under this number, and `TAKEN` gives it out once.
    let fd = unsafe { OwnedFd::from_raw_fd(entry.number) };
    fcntl(fd.as_fd(), FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
        .map_err(|e| Error::from_errno("fcntl(F_SETFD)", e))?;
    Ok(fd)
}

fn not_given() -> Error {
    Error::new(TAKE, ErrorKind::NotFound)
        .with_hint("this process was given no such descriptor: check how it was started")
}
