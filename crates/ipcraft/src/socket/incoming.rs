//! The ancillary data of a received message.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use super::{Address, Credentials};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::support::{errno, limits};
use crate::sys::cmsg::{Contents, Control};

pub(super) const RECVMSG: &str = "recvmsg";

/// Descriptors, credentials and sender of the last message received. Create it once and reuse it.
///
/// It has room for the most that the kernel sends with one message, so no ancillary data is cut.
/// Descriptors that are not taken out are closed by the next receive, or when this is dropped.
///
/// After an error it has no descriptors. If the error [took a message](Error::transferred), it has
/// the sender and the credentials of that message.
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
    /// An empty one. It allocates later, and only for received descriptors.
    pub fn new() -> Self {
        Incoming {
            control: Control::new(),
            descriptors: Vec::new(),
            credentials: None,
            pidfd: None,
            sender: None,
        }
    }

    /// `SCM_RIGHTS`: the received descriptors in the order of sending, all close-on-exec.
    #[doc(alias = "SCM_RIGHTS")]
    pub fn descriptors(&self) -> &[OwnedFd] {
        &self.descriptors
    }

    /// Takes the descriptors out, to keep them.
    pub fn take_descriptors(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.descriptors)
    }

    /// `SCM_CREDENTIALS`: the sender's credentials, if the socket receives them; a seqpacket
    /// connection always does.
    ///
    /// User and group are the sender's real ones at the time of sending, unless a privileged sender
    /// stated others.
    #[doc(alias = "SCM_CREDENTIALS")]
    pub fn credentials(&self) -> Option<Credentials> {
        self.credentials
    }

    /// `SCM_PIDFD`: the sender's process, if the socket [receives
    /// pidfds](super::Ancillary::set_receive_pidfds).
    ///
    /// Before Linux 6.16 there is none if the process was reaped before the receive.
    #[doc(alias = "SCM_PIDFD")]
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(OwnedFd::as_fd)
    }

    /// Takes the pidfd out, to keep it.
    pub fn take_pidfd(&mut self) -> Option<OwnedFd> {
        self.pidfd.take()
    }

    /// The address of the sender: unnamed if the sender is not bound, and on streams.
    pub fn sender(&self) -> Option<&Address> {
        self.sender.as_ref()
    }

    pub(super) fn clear(&mut self) {
        self.descriptors.clear();
        (self.credentials, self.pidfd, self.sender) = (None, None, None);
    }

    pub(super) fn close_descriptors(&mut self) {
        self.descriptors.clear();
        self.pidfd = None;
    }

    /// Stores what was received. Fails if descriptors are missing, and closes the others.
    pub(super) fn fill(
        &mut self,
        socket: BorrowedFd<'_>,
        contents: Contents,
        was_cut: bool,
        sender: Address,
    ) -> Result<()> {
        self.credentials = contents.credentials.map(Credentials::of);
        self.sender = Some(sender);
        if was_cut {
            // The received descriptors are still open here, so a full table can be detected.
            return Err(lost(socket));
        }
        self.pidfd = match contents.pidfd {
            // The sender was reaped, and this kernel gives no pidfd of a reaped process.
            None | Some(Err(Errno::ESRCH | Errno::EINVAL)) => None,
            Some(Err(errno)) => return Err(table_full(errno)),
            Some(Ok(pidfd)) => Some(pidfd),
        };
        self.descriptors = contents.descriptors;
        Ok(())
    }
}

/// The most likely reason why a descriptor that was sent did not arrive.
fn lost(socket: BorrowedFd<'_>) -> Error {
    match socket.try_clone_to_owned() {
        Err(error) => table_full(errno(&error)),
        Ok(_) => Error::new(RECVMSG, ErrorKind::PermissionDenied)
            .with_hint("check the security module's policy; the message's descriptors were closed"),
    }
}

fn table_full(errno: Errno) -> Error {
    Error::from_errno(RECVMSG, errno)
        .with_limit(limits::descriptors(errno))
        .with_hint("raise the limit; the message's descriptors were closed")
}

/// The error for a message with more descriptors than the caller accepts.
pub(super) fn unwanted(count: usize, max: usize, length: usize) -> Error {
    let limit = Limit { name: "max descriptors", value: max as u64, requested: Some(count as u64) };
    Error::new(RECVMSG, ErrorKind::TooLarge)
        .with_limit(Some(limit))
        .with_transferred(length)
        .with_hint("raise max; all descriptors were closed")
}
