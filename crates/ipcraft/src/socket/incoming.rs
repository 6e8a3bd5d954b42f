//! What came beside the bytes of a message.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use super::{Address, Credentials};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::support::{errno, limits};
use crate::sys::cmsg::{Contents, Control};

pub(super) const RECVMSG: &str = "recvmsg";

/// Descriptors, credentials and the sender of the message that was received last; made once and used again.
///
/// It has room for the most that the kernel sends with one message, so nothing is cut for want of room. What is not
/// taken out is closed by the next receive, or when this is dropped; after an error it is empty.
#[derive(Debug)]
pub struct Incoming {
    pub(super) control: Control,
    descriptors: Vec<OwnedFd>,
    credentials: Option<Credentials>,
    pidfd: Option<OwnedFd>,
    sender: Option<Address>,
}

impl Default for Incoming {
    fn default() -> Self {
        Incoming::new()
    }
}

impl Incoming {
    /// Empty. Allocates nothing, and later only for descriptors that come.
    pub fn new() -> Self {
        Incoming {
            control: Control::new(),
            descriptors: Vec::new(),
            credentials: None,
            pidfd: None,
            sender: None,
        }
    }

    /// `SCM_RIGHTS`: the descriptors that came, in the order in which they were sent; all are close-on-exec.
    #[doc(alias = "SCM_RIGHTS")]
    pub fn descriptors(&self) -> &[OwnedFd] {
        &self.descriptors
    }

    /// Takes the descriptors out, to keep them.
    pub fn take_descriptors(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.descriptors)
    }

    /// `SCM_CREDENTIALS`: who sent the message. There if the socket was told to receive them, and always on a
    /// seqpacket connection.
    ///
    /// User and group are the sender's real ones at the time of sending, unless a privileged sender said otherwise.
    #[doc(alias = "SCM_CREDENTIALS")]
    pub fn credentials(&self) -> Option<Credentials> {
        self.credentials
    }

    /// `SCM_PIDFD`: the sender's process, if the socket was told to [receive
    /// pidfds](super::Ancillary::set_receive_pidfds).
    ///
    /// Still none if the process was gone and the kernel, before Linux 6.16, could not make one any more.
    #[doc(alias = "SCM_PIDFD")]
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(OwnedFd::as_fd)
    }

    /// Takes the pidfd out, to keep it.
    pub fn take_pidfd(&mut self) -> Option<OwnedFd> {
        self.pidfd.take()
    }

    /// Where the message came from: unnamed unless the sender is bound, and unnamed on streams.
    pub fn sender(&self) -> Option<&Address> {
        self.sender.as_ref()
    }

    pub(super) fn clear(&mut self) {
        self.descriptors.clear();
        (self.credentials, self.pidfd, self.sender) = (None, None, None);
    }

    /// Takes in what came, if it is all there. What is passed to this and not kept is closed.
    pub(super) fn fill(
        &mut self,
        socket: BorrowedFd<'_>,
        contents: Contents,
        cut: bool,
        sender: Address,
    ) -> Result<()> {
        if cut {
            // While what did come is still open: the table may be full just now.
            return Err(lost(socket));
        }
        self.pidfd = match contents.pidfd {
            Some(Err(errno @ (Errno::EMFILE | Errno::ENFILE))) => return Err(no_room(errno)),
            other => other.and_then(nix::Result::ok),
        };
        self.descriptors = contents.descriptors;
        self.credentials = contents.credentials.map(Credentials::of);
        self.sender = Some(sender);
        Ok(())
    }
}

/// Why descriptors that were sent did not come, as far as it can be found out.
fn lost(socket: BorrowedFd<'_>) -> Error {
    match socket.try_clone_to_owned() {
        Err(error) => no_room(errno(&error)),
        Ok(_) => Error::new(RECVMSG, ErrorKind::PermissionDenied).with_hint(
            "a security module kept back a descriptor; all that came with the message were closed",
        ),
    }
}

fn no_room(errno: Errno) -> Error {
    Error::from_errno(RECVMSG, errno)
        .with_limit(limits::descriptors(errno))
        .with_hint("all descriptors that came with the message were closed")
}

/// More descriptors came than the receiver wants.
pub(super) fn unwanted(count: usize, max: usize) -> Error {
    let limit =
        Limit { name: "the most descriptors wanted", value: max as u64, requested: Some(count as u64) };
    Error::new(RECVMSG, ErrorKind::TooLarge).with_limit(Some(limit)).with_hint("all of them were closed")
}
