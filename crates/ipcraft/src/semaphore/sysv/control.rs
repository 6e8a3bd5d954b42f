//! Statistics, owner and mode of a set.

use nix::errno::Errno;

use super::{SemaphoreSet, Statistics};
use crate::error::{ErrorKind, Result};
use crate::sys::sysv_sem;
use crate::sysv::{self, Changes};

const STAT: &str = "semctl(IPC_STAT)";
const SET: &str = "semctl(IPC_SET)";

impl SemaphoreSet {
    /// `IPC_STAT`: returns times, owner and mode.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) without permission to read.
    #[doc(alias = "IPC_STAT")]
    pub fn statistics(&self) -> Result<Statistics> {
        let status = sysv_sem::status(self.id()).map_err(|e| self.control_error(STAT, e))?;
        Ok(Statistics::from(&status))
    }

    /// `IPC_SET`: changes the permission bits. Only owner, creator and root may do so.
    ///
    /// # Errors
    ///
    /// As for [`change`](SemaphoreSet::change).
    #[doc(alias = "IPC_SET")]
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        self.change(&Changes::new().mode(mode))
    }

    /// `IPC_SET`: changes owner and group. Only owner, creator and root may do so.
    ///
    /// # Errors
    ///
    /// As for [`change`](SemaphoreSet::change).
    #[doc(alias = "IPC_SET")]
    pub fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        self.change(&Changes::new().owner(uid).group(gid))
    }

    /// `IPC_SET`: changes mode, owner and group together, as far as they are given.
    ///
    /// The kernel takes all of them. What is not given is read first, so a change by another
    /// process in between is lost. No right to read is needed (Linux 4.17).
    ///
    /// # Errors
    ///
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) unless the caller is owner or creator;
    /// * [`Invalid`](ErrorKind::Invalid) for a mode beyond 0o777, or an id that this user namespace
    ///   does not map;
    /// * [`Removed`](ErrorKind::Removed) if the set is gone.
    #[doc(alias = "IPC_SET")]
    pub fn change(&self, changes: &Changes) -> Result<()> {
        let mut status = status(self.id()).map_err(|e| self.control_error(STAT, e))?;
        changes.apply(SET, &mut status.sem_perm).map_err(|e| e.with_object(Some(&self.name)))?;
        sysv_sem::set_permissions(self.id(), status).map_err(|e| match e {
            // The set exists, so the kernel refused an argument.
            Errno::EINVAL if self::status(self.id()).is_ok() => {
                self.control_error(SET, e).with_kind(ErrorKind::Invalid).with_hint(sysv::IDS)
            }
            _ => self.control_error(SET, e),
        })
    }
}

/// The status of a set, with or without the right to read it.
pub(super) fn status(id: i32) -> nix::Result<libc::semid_ds> {
    sysv::status(id, sysv_sem::status, sysv_sem::status_any)
}
