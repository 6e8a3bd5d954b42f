//! Statistics, owner, mode and size limit of a queue.

use nix::errno::Errno;

use super::{Queue, Statistics};
use crate::error::{ErrorKind, Result};
use crate::support::limits;
use crate::sys::sysv_msg;

const STAT: &str = "msgctl(IPC_STAT)";
const SET: &str = "msgctl(IPC_SET)";

impl Queue {
    /// `msgctl(2)` with `IPC_STAT`: returns the contents and last users of the queue; possibly
    /// stale.
    ///
    /// # Errors
    ///
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) without permission to read;
    /// * [`Removed`](ErrorKind::Removed) if the queue is gone.
    #[doc(alias = "IPC_STAT")]
    pub fn statistics(&self) -> Result<Statistics> {
        Ok(Statistics::from(&self.status()?))
    }

    /// `msgctl(2)` with `IPC_SET`: sets the maximum number of bytes in the queue, which also bounds
    /// the number of messages.
    ///
    /// Messages already in the queue stay, even above the new limit.
    ///
    /// # Errors
    ///
    /// * [`LimitReached`](ErrorKind::LimitReached) above `/proc/sys/kernel/msgmnb` without
    ///   privileges;
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) unless the caller is owner or creator.
    #[doc(alias = "msg_qbytes")]
    pub fn set_max_bytes(&self, bytes: u64) -> Result<()> {
        self.change(|status| status.msg_qbytes = bytes).map_err(|e| {
            let limit = limits::sysctl("/proc/sys/kernel/msgmnb", Some(bytes));
            match limit.filter(|limit| bytes > limit.value && e.errno() == Some(Errno::EPERM as i32)) {
                None => e,
                limit => e.with_kind(ErrorKind::LimitReached).with_limit(limit),
            }
        })
    }

    /// `msgctl(2)` with `IPC_SET`: changes owner and group. The creator keeps its rights.
    ///
    /// # Errors
    ///
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) unless the caller is owner or creator;
    /// * [`Invalid`](ErrorKind::Invalid) for an impossible user or group id.
    pub fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        // The kernel would report EINVAL, as for a removed queue.
        if uid == u32::MAX || gid == u32::MAX {
            return Err(self.failed(SET, Errno::EINVAL).with_kind(ErrorKind::Invalid));
        }
        self.change(|status| (status.msg_perm.uid, status.msg_perm.gid) = (uid, gid))
    }

    /// `msgctl(2)` with `IPC_SET`: sets the permission bits.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) unless the caller is owner or creator.
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        self.change(|status| status.msg_perm.mode = (mode & 0o777) as _)
    }

    fn status(&self) -> Result<libc::msqid_ds> {
        sysv_msg::status(self.id()).map_err(|e| self.failed(STAT, e))
    }

    fn change(&self, change: impl FnOnce(&mut libc::msqid_ds)) -> Result<()> {
        let mut status = self.status()?;
        change(&mut status);
        sysv_msg::set(self.id(), status).map_err(|e| self.failed(SET, e))
    }
}
