//! What the kernel says of a queue, and of all queues.

use std::time::{Duration, SystemTime};

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::pid::Pid;
use crate::sys::sysv_msg;
use crate::sysv::{Key, Permissions};

/// `struct msqid_ds`: a queue as it was when it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "msqid_ds")]
#[non_exhaustive]
pub struct Statistics {
    /// The key that it was made with.
    pub key: Key,
    /// Owner, creator and mode.
    pub permissions: Permissions,
    /// How many messages are in it.
    pub messages: u64,
    /// How many bytes these have in all, without their types.
    pub bytes: u64,
    /// The most bytes that it holds, and the most messages.
    pub max_bytes: u64,
    /// Process id of the last sender; `None` if nobody has sent yet.
    pub last_sender: Option<Pid>,
    /// Process id of the last receiver; `None` if nobody has received yet.
    pub last_receiver: Option<Pid>,
    /// When somebody last sent, to the second.
    pub last_send: Option<SystemTime>,
    /// When somebody last received, to the second.
    pub last_receive: Option<SystemTime>,
    /// When it was made, or its owner, mode or limit last changed, to the second.
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

fn time(seconds: libc::time_t) -> Option<SystemTime> {
    let seconds = u64::try_from(seconds).ok().filter(|&seconds| seconds != 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// `struct msginfo`: the limits of this IPC namespace, and what its queues hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "msginfo")]
#[non_exhaustive]
pub struct Usage {
    /// How many queues there are.
    pub queues: u64,
    /// How many messages are in them.
    pub messages: u64,
    /// How many bytes these have in all.
    pub bytes: u64,
    /// The most queues: `/proc/sys/kernel/msgmni`.
    pub max_queues: u64,
    /// The most bytes of one message: `/proc/sys/kernel/msgmax`.
    pub max_message: u64,
    /// The most bytes of a new queue: `/proc/sys/kernel/msgmnb`.
    pub max_bytes: u64,
}

/// `msgctl(2)` with `MSG_INFO`: what all queues of this IPC namespace hold, and what they may.
#[doc(alias = "MSG_INFO")]
pub fn usage() -> Result<Usage> {
    let info = sysv_msg::info().map_err(|e: Errno| Error::from_errno("msgctl", e))?;
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
