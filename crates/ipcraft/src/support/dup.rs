//! A second descriptor for one open file description.

use std::os::fd::OwnedFd;

use super::{errno, limits};
use crate::error::{Error, Result};

/// fcntl(2) with `F_DUPFD_CLOEXEC`.
pub(crate) fn duplicate(fd: &OwnedFd) -> Result<OwnedFd> {
    fd.try_clone().map_err(|e| {
        let errno = errno(&e);
        Error::from_errno("fcntl(F_DUPFD_CLOEXEC)", errno).with_limit(limits::descriptors(errno))
    })
}
