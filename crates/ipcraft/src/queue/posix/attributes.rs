//! Attributes of a queue.

use std::os::fd::BorrowedFd;

use crate::sys::posix_mq;

/// `struct mq_attr`: a snapshot of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "mq_attr")]
#[non_exhaustive]
pub struct Attributes {
    /// Maximum number of messages.
    pub capacity: usize,
    /// Maximum size of a message in bytes.
    pub message_size: usize,
    /// Current number of messages; possibly stale if other processes use the queue.
    pub messages: usize,
    /// Whether plain calls fail instead of blocking (`O_NONBLOCK`).
    pub nonblocking: bool,
}

impl Attributes {
    pub(super) fn read(fd: BorrowedFd<'_>) -> nix::Result<Self> {
        let found = posix_mq::get_attributes(fd)?;
        Ok(Attributes {
            capacity: found.mq_maxmsg as usize,
            message_size: found.mq_msgsize as usize,
            messages: found.mq_curmsgs as usize,
            nonblocking: found.mq_flags & libc::c_long::from(libc::O_NONBLOCK) != 0,
        })
    }
}
