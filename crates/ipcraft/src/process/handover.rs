//! A child sends its own pidfd to its parent before exec.
//!
//! The parent cannot safely open the pidfd by id. A thread that waits for any child may already
//! have reaped the child, or the kernel if `SIGCHLD` is ignored. The id then belongs to no process
//! or to another one. A process that opens a pidfd of itself always gets the right one.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use crate::pid::Pid;
use crate::sys::cmsg::{self, Control, OutgoingMessage};
use crate::sys::sockaddr::SocketAddress;
use crate::sys::{pidfd, retry, sendmsg};

/// A socket pair for one child.
#[derive(Debug)]
pub(super) struct Handover {
    parent_end: OwnedFd,
    child_end: OwnedFd,
}

impl Handover {
    pub(super) fn new() -> nix::Result<Handover> {
        let (parent_end, child_end) =
            socketpair(AddressFamily::Unix, SockType::Datagram, None, SockFlag::SOCK_CLOEXEC)?;
        Ok(Handover { parent_end, child_end })
    }

    /// Returns the number of the child's end.
    pub(super) fn child_fd(&self) -> RawFd {
        self.child_end.as_raw_fd()
    }

    /// Receives the pidfd, after the child has executed its program.
    pub(super) fn recv(self) -> nix::Result<OwnedFd> {
        // Frees a descriptor number for the received one.
        drop(self.child_end);
        let mut byte = [0];
        let (mut control, mut sender) = (Control::new(), SocketAddress::unnamed());
        let (_, mut contents) = retry(|| {
            let buffers = &mut [IoSliceMut::new(&mut byte)];
            cmsg::receive(self.parent_end.as_fd(), buffers, &mut control, &mut sender, sendmsg::DONTWAIT)
        })?;
        contents.descriptors.pop().ok_or_else(|| loss_cause(&self.parent_end))
    }
}

/// Returns why no descriptor arrived: the descriptor table is full, or a security module denied it.
fn loss_cause(socket: &OwnedFd) -> Errno {
    let full = socket.try_clone().err().and_then(|e| e.raw_os_error());
    full.map_or(Errno::EACCES, Errno::from_raw)
}

/// Sends the pidfd of the calling child. Makes only async-signal-safe calls and does not allocate.
pub(super) fn send(socket: BorrowedFd<'_>) -> nix::Result<()> {
    let own = pidfd::open(Pid::current().raw())?;
    let message = OutgoingMessage {
        parts: &[IoSlice::new(b"p")],
        descriptors: &[own.as_fd()],
        credentials: None,
        to: None,
    };
    retry(|| cmsg::send(socket, &message, 0)).map(drop)
}
