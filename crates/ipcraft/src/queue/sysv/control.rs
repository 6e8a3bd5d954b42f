//! Statistics, owner, mode and limit of a queue.

use nix::errno::Errno;

use super::{Queue, Statistics};
use crate::error::{ErrorKind, Result};
use crate::support::limits;
use crate::sys::sysv_msg;

const STAT: &str = "msgctl(IPC_STAT)";
const SET: &str = "msgctl(IPC_SET)";

impl Queue {
    /// `msgctl(2)` with `IPC_STAT`: what is in the queue and who used it last; stale as soon as it is returned.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) without permission to read, [`Removed`](ErrorKind::Removed)
    /// if the queue is gone.
    #[doc(alias = "IPC_STAT")]
    pub fn statistics(&self) -> Result<Statistics> {
        Ok(Statistics::from(&self.status()?))
    }

    /// `msgctl(2)` with `IPC_SET`: sets the most bytes that the queue holds, and the most messages.
    ///
    /// What is in it stays, also if it is more than that.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) above `/proc/sys/kernel/msgmnb` without privileges;
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) unless the caller owns or created the queue.
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

    /// `msgctl(2)` with `IPC_SET`: gives the queue to this user and group. The creator keeps all rights.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) unless the caller owns or created the queue;
    /// [`Invalid`](ErrorKind::Invalid) if there can be no such user or group.
    pub fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        // The kernel's answer would be the one for a queue that is gone.
        if uid == u32::MAX || gid == u32::MAX {
            return Err(self.failed(SET, Errno::EINVAL).with_kind(ErrorKind::Invalid));
        }
        self.change(|status| (status.msg_perm.uid, status.msg_perm.gid) = (uid, gid))
    }

    /// `msgctl(2)` with `IPC_SET`: sets the permission bits.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) unless the caller owns or created the queue.
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
