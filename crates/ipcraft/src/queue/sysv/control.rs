//! Statistics, owner, mode and size limit of a queue.

use nix::errno::Errno;

use super::{Changes, Queue, Statistics};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::support::limits;
use crate::sys::sysv_msg;
use crate::sysv;

const STAT: &str = "msgctl(IPC_STAT)";
const SET: &str = "msgctl(IPC_SET)";
const MSGMNB: &str = "/proc/sys/kernel/msgmnb";

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
        let status = sysv_msg::status(self.id()).map_err(|e| self.failed(STAT, e))?;
        Ok(Statistics::from(&status))
    }

    /// `msgctl(2)` with `IPC_SET`: sets the maximum number of bytes in the queue, which also bounds
    /// the number of messages.
    ///
    /// Messages already in the queue stay, even above the new limit.
    ///
    /// # Errors
    ///
    /// As for [`change`](Queue::change).
    #[doc(alias = "msg_qbytes")]
    pub fn set_max_bytes(&self, bytes: u64) -> Result<()> {
        self.change(&Changes::new().max_bytes(bytes))
    }

    /// `msgctl(2)` with `IPC_SET`: changes owner and group. The creator keeps its rights.
    ///
    /// # Errors
    ///
    /// As for [`change`](Queue::change).
    pub fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        self.change(&Changes::new().owner(uid).group(gid))
    }

    /// `msgctl(2)` with `IPC_SET`: sets the permission bits.
    ///
    /// # Errors
    ///
    /// As for [`change`](Queue::change).
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        self.change(&Changes::new().mode(mode))
    }

    /// `msgctl(2)` with `IPC_SET`: changes mode, owner, group and limit together, as far as they
    /// are given.
    ///
    /// The kernel takes all of them. What is not given is read first, so a change by another
    /// process in between is lost. No right to read is needed (Linux 4.17).
    ///
    /// # Errors
    ///
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) unless the caller is owner or creator;
    /// * [`LimitReached`](ErrorKind::LimitReached) above `/proc/sys/kernel/msgmnb` without
    ///   privileges, also if the limit was raised before and is not changed;
    /// * [`Invalid`](ErrorKind::Invalid) for a mode beyond 0o777, or an id that this user namespace
    ///   does not map;
    /// * [`Removed`](ErrorKind::Removed) if the queue is gone.
    #[doc(alias = "IPC_SET")]
    pub fn change(&self, changes: &Changes) -> Result<()> {
        let mut status = status(self.id()).map_err(|e| self.failed(STAT, e))?;
        changes.permissions.apply(SET, &mut status.msg_perm).map_err(|e| self.named(e))?;
        status.msg_qbytes = changes.max_bytes.unwrap_or(status.msg_qbytes);
        sysv_msg::set(self.id(), status).map_err(|e| self.change_error(e, status.msg_qbytes))
    }

    #[cold]
    fn change_error(&self, errno: Errno, bytes: u64) -> Error {
        let error = self.failed(SET, errno);
        match errno {
            Errno::EPERM => match raised_above(bytes) {
                None => error,
                limit => error
                    .with_kind(ErrorKind::LimitReached)
                    .with_limit(limit)
                    .with_hint("ask for fewer max_bytes, or raise the limit"),
            },
            // The queue exists, so the kernel refused an argument.
            Errno::EINVAL if status(self.id()).is_ok() => {
                error.with_kind(ErrorKind::Invalid).with_hint(sysv::IDS)
            }
            _ => error,
        }
    }
}

/// Returns the limit that an unprivileged process would exceed with `bytes`.
fn raised_above(bytes: u64) -> Option<Limit> {
    limits::sysctl(MSGMNB, Some(bytes)).filter(|limit| bytes > limit.value)
}

/// The status of a queue, with or without the right to read it.
pub(super) fn status(id: i32) -> nix::Result<libc::msqid_ds> {
    sysv::status(id, sysv_msg::status, sysv_msg::status_any)
}
