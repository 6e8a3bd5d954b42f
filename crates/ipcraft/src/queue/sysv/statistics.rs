//! The kernel's information about one queue, and about all queues.

use std::time::SystemTime;

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::pid::Pid;
use crate::sys::sysv_msg;
use crate::sysv::{Key, Permissions, TableEntry, table, time};

/// `struct msqid_ds`: a snapshot of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "msqid_ds")]
#[non_exhaustive]
pub struct Statistics {
    /// The key that it was created with.
    pub key: Key,
    /// Owner, creator and mode.
    pub permissions: Permissions,
    /// Number of messages in the queue.
    pub messages: u64,
    /// Total bytes of these messages, without their types.
    pub bytes: u64,
    /// Maximum number of bytes in the queue, which is also the maximum number of messages.
    pub max_bytes: u64,
    /// Process id of the last sender; `None` before the first message.
    pub last_sender: Option<Pid>,
    /// Process id of the last receiver; `None` before the first receive.
    pub last_receiver: Option<Pid>,
    /// Time of the last send, in whole seconds.
    pub last_send: Option<SystemTime>,
    /// Time of the last receive, in whole seconds.
    pub last_receive: Option<SystemTime>,
    /// Time of creation, or of the last change of owner, mode or limit, in whole seconds.
    pub last_change: Option<SystemTime>,
}

impl From<&libc::msqid_ds> for Statistics {
    fn from(status: &libc::msqid_ds) -> Self {
        Statistics {
            key: Key::new(status.msg_perm.__key),
            permissions: Permissions::from(&status.msg_perm),
            messages: status.msg_qnum,
            bytes: status.__msg_cbytes,
            max_bytes: status.msg_qbytes,
            last_sender: Pid::from_raw(status.msg_lspid),
            last_receiver: Pid::from_raw(status.msg_lrpid),
            last_send: time(status.msg_stime),
            last_receive: time(status.msg_rtime),
            last_change: time(status.msg_ctime),
        }
    }
}

/// `struct msginfo`: limits and usage of all queues of this IPC namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "msginfo")]
#[non_exhaustive]
pub struct Usage {
    /// Number of queues.
    pub queues: u64,
    /// Number of messages in all queues.
    pub messages: u64,
    /// Total bytes of these messages.
    pub bytes: u64,
    /// Maximum number of queues: `/proc/sys/kernel/msgmni`.
    pub max_queues: u64,
    /// Maximum size of a message in bytes: `/proc/sys/kernel/msgmax`.
    pub max_message: u64,
    /// Default maximum number of bytes in a queue: `/proc/sys/kernel/msgmnb`.
    pub max_bytes: u64,
}

/// `msgctl(2)` with `MSG_INFO`: returns limits and usage of all queues of this IPC namespace.
#[doc(alias = "MSG_INFO")]
pub fn usage() -> Result<Usage> {
    let (_, info) = info()?;
    let count = |number: libc::c_int| u64::try_from(number).unwrap_or_default();
    Ok(Usage {
        queues: count(info.msgpool),
        messages: count(info.msgmap),
        bytes: count(info.msgtql),
        max_queues: count(info.msgmni),
        max_message: count(info.msgmax),
        max_bytes: count(info.msgmnb),
    })
}

/// `msgctl(2)` with `MSG_STAT_ANY`: returns all queues of this IPC namespace, by their place in the
/// kernel's table. Needs no right to read them.
///
/// The snapshots are taken one after another: a queue that is made or removed meanwhile may be
/// missing. Linux 4.17 introduced the call; before, the list is empty.
#[doc(alias = "MSG_STAT_ANY")]
pub fn list() -> Result<Vec<TableEntry<Statistics>>> {
    let (highest, _) = info()?;
    table("msgctl(MSG_STAT_ANY)", highest, sysv_msg::status_any)
}

fn info() -> Result<(libc::c_int, libc::msginfo)> {
    sysv_msg::info().map_err(|e: Errno| Error::from_errno("msgctl(MSG_INFO)", e))
}
