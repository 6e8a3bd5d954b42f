//! What the kernel says of a queue.

use std::os::fd::BorrowedFd;

use crate::sys::posix_mq;

/// `struct mq_attr`: a queue as it was when it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "mq_attr")]
#[non_exhaustive]
pub struct Attributes {
    /// The most messages that it holds.
    pub capacity: usize,
    /// The most bytes of one message.
    pub message_size: usize,
    /// How many messages are in it: stale already, if others use it.
    pub messages: usize,
    /// Whether plain calls fail instead of waiting (`O_NONBLOCK`).
    pub nonblocking: bool,
}

impl Attributes {
    pub(super) fn of(fd: BorrowedFd<'_>) -> nix::Result<Self> {
        let found = posix_mq::get_attributes(fd)?;
        Ok(Attributes {
            capacity: found.mq_maxmsg as usize,
            message_size: found.mq_msgsize as usize,
            messages: found.mq_curmsgs as usize,
            nonblocking: found.mq_flags & libc::c_long::from(libc::O_NONBLOCK) != 0,
        })
    }
}
