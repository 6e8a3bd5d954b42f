//! How a child hands its own pidfd to its parent, before it can end.
//!
//! A parent that looks its child up by id finds nobody, or another process, if the child has been reaped meanwhile: by
//! a thread that waits for any child, or by the kernel where `SIGCHLD` is ignored. A process that looks itself up
//! always finds itself.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use crate::pid::Pid;
use crate::sys::cmsg::{self, Control, OutgoingMessage};
use crate::sys::sockaddr::SocketAddress;
use crate::sys::{pidfd, retry, sendmsg};

/// The two ends of a socket, for one child.
#[derive(Debug)]
pub(super) struct Handover {
    ours: OwnedFd,
    theirs: OwnedFd,
}

impl Handover {
    pub(super) fn new() -> nix::Result<Handover> {
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::Datagram, None, SockFlag::SOCK_CLOEXEC)?;
        Ok(Handover { ours, theirs })
    }

    /// The child's end.
    pub(super) fn number(&self) -> RawFd {
        self.theirs.as_raw_fd()
    }

    /// What the child has sent, when it has executed its program.
    pub(super) fn receive(self) -> nix::Result<OwnedFd> {
        // At least this number is free for what comes.
        drop(self.theirs);
        let mut byte = [0];
        let (mut control, mut sender) = (Control::new(), SocketAddress::unnamed());
        let (_, mut contents) = retry(|| {
            let buffers = &mut [IoSliceMut::new(&mut byte)];
            cmsg::receive(self.ours.as_fd(), buffers, &mut control, &mut sender, sendmsg::DONTWAIT)
        })?;
        contents.descriptors.pop().ok_or_else(|| why_lost(&self.ours))
    }
}

/// The kernel drops a descriptor for which it has no room; or a security module kept it back.
fn why_lost(socket: &OwnedFd) -> Errno {
    let full = socket.try_clone().err().and_then(|e| e.raw_os_error());
    full.map_or(Errno::EACCES, Errno::from_raw)
}

/// The child's part. Makes system calls that are async-signal-safe and allocates nothing.
pub(super) fn send(socket: BorrowedFd<'_>) -> nix::Result<()> {
    let own = pidfd::open(Pid::current().raw())?;
    let parcel = OutgoingMessage {
        parts: &[IoSlice::new(b"p")],
        descriptors: &[own.as_fd()],
        credentials: None,
        to: None,
    };
    retry(|| cmsg::send(socket, &parcel, 0)).map(drop)
}
