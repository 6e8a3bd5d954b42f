//! Another descriptor for the same open file description.

use std::os::fd::OwnedFd;

use nix::errno::Errno;

use super::limits;
use crate::error::{Error, Result};

/// fcntl(2) with `F_DUPFD_CLOEXEC`.
pub(crate) fn duplicate(fd: &OwnedFd) -> Result<OwnedFd> {
    fd.try_clone().map_err(|e| {
        let errno = Errno::from_raw(e.raw_os_error().unwrap_or_default());
        Error::from_errno("fcntl(F_DUPFD_CLOEXEC)", errno).with_limit(limits::descriptors(errno))
    })
}
