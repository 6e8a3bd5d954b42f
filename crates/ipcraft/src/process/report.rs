//! What a child reports to its parent before exec: its own pidfd, and why it failed.
//!
//! The parent cannot safely open the pidfd by id. A thread that waits for any child may already
//! have reaped the child, or the kernel if `SIGCHLD` is ignored. The id then belongs to no process
//! or to another one. A process that opens a pidfd of itself always gets the right one.
//!
//! For the same reason the failure is not left to std. Its `spawn` waits for a child that could not
//! execute the program, and panics if there is none to wait for. So the socket takes the place of
//! std's own: see [`child`](super::child).

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use super::streams::above_streams;
use crate::pid::Pid;
use crate::sys::cmsg::{self, Control, OutgoingMessage};
use crate::sys::sockaddr::SocketAddress;
use crate::sys::{pidfd, retry, sendmsg};

/// Follows the errno in a message about a failure, as std writes it.
const FOOTER: [u8; 4] = *b"NOEX";

/// Accompanies the pidfd.
const PIDFD_MESSAGE: &[u8] = b"p";

/// A socket pair for one child.
#[derive(Debug)]
pub(super) struct Report {
    parent_end: OwnedFd,
    child_end: OwnedFd,
}

/// The messages of the child.
#[derive(Debug)]
pub(super) struct Received {
    /// The pidfd, or why it did not arrive.
    pub(super) pidfd: nix::Result<OwnedFd>,
    /// Why the child does not run the program.
    pub(super) failure: Option<Errno>,
}

impl Report {
    /// Makes the sockets, with numbers above those of the standard streams.
    pub(super) fn new() -> nix::Result<Report> {
        let (parent_end, child_end) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        Ok(Report { parent_end: above_streams(parent_end)?, child_end: above_streams(child_end)? })
    }

    /// Returns the number of the child's end.
    pub(super) fn child_fd(&self) -> RawFd {
        self.child_end.as_raw_fd()
    }

    /// Blocks until the child has executed its program or has failed.
    pub(super) fn recv(self) -> nix::Result<Received> {
        // Then the child has the only copy, and frees a descriptor number for the pidfd.
        drop(self.child_end);
        let mut received = Received { pidfd: Err(Errno::EACCES), failure: None };
        let mut bytes = [0; 8];
        loop {
            let (mut control, mut sender) = (Control::new(), SocketAddress::unnamed());
            let (info, mut contents) = retry(|| {
                let buffers = &mut [IoSliceMut::new(&mut bytes)];
                cmsg::receive(self.parent_end.as_fd(), buffers, &mut control, &mut sender, 0)
            })?;
            match &bytes[..info.length] {
                [] => return Ok(received),
                PIDFD_MESSAGE => {
                    received.pidfd = contents.descriptors.pop().ok_or_else(|| loss_cause(&self.parent_end));
                }
                message => received.failure = Some(failure(message)),
            }
        }
    }
}

fn failure(message: &[u8]) -> Errno {
    match *message {
        [a, b, c, d, ref footer @ ..] if *footer == FOOTER => {
            Errno::from_raw(i32::from_be_bytes([a, b, c, d]))
        }
        _ => Errno::EIO,
    }
}

/// Returns why no descriptor arrived: the descriptor table is full, or a security module denied it.
fn loss_cause(socket: &OwnedFd) -> Errno {
    let full = socket.try_clone().err().and_then(|e| e.raw_os_error());
    full.map_or(Errno::EACCES, Errno::from_raw)
}

/// Sends the pidfd of the calling child. Makes only async-signal-safe calls and does not allocate.
pub(super) fn send_pidfd(socket: BorrowedFd<'_>) -> nix::Result<()> {
    let own = pidfd::open(Pid::current().raw())?;
    let message = OutgoingMessage {
        parts: &[IoSlice::new(PIDFD_MESSAGE)],
        descriptors: &[own.as_fd()],
        credentials: None,
        to: None,
    };
    retry(|| cmsg::send(socket, &message, 0)).map(drop)
}

/// Sends why the calling child cannot execute its program. Async-signal-safe, as [`send_pidfd`].
pub(super) fn send_failure(socket: BorrowedFd<'_>, errno: Errno) {
    let [a, b, c, d] = (errno as i32).to_be_bytes();
    let [e, f, g, h] = FOOTER;
    // If the parent is gone, no process needs the report.
    let _ = retry(|| sendmsg::send(socket, &[a, b, c, d, e, f, g, h], 0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recv_returns_the_pidfd_and_the_failure_of_the_child() {
        let report = Report::new().unwrap();
        send_pidfd(report.child_end.as_fd()).unwrap();
        send_failure(report.child_end.as_fd(), Errno::ENOEXEC);
        let received = report.recv().unwrap();
        assert!(received.pidfd.is_ok());
        assert_eq!(received.failure, Some(Errno::ENOEXEC));

        let received = Report::new().unwrap().recv().unwrap();
        assert_eq!((received.pidfd.unwrap_err(), received.failure), (Errno::EACCES, None));
    }

    #[test]
    fn failure_in_another_form_is_eio() {
        assert_eq!(failure(b"\0\0\0\x02NOEX"), Errno::ENOENT);
        assert_eq!(failure(b"\0\0\0\x02"), Errno::EIO);
        assert_eq!(failure(b"\0\0\0\x02noex"), Errno::EIO);
    }
}
