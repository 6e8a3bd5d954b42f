//! Giving a socket its address.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::sys::socket::{Backlog, SockType, listen};
use nix::sys::stat::{Mode, fchmod};

use super::listener::Acceptor;
use super::transfer;
use super::{Address, datagram, reclaim, seqpacket, stream};
use crate::error::{Error, Result};
use crate::support::unlink_guard::UnlinkGuard;
use crate::support::{errno, limits};
use crate::sys::socket as sys;

const BIND: &str = "bind";

/// How to make a socket with an address: a listener, or a datagram socket.
///
/// ```
/// use ipcraft::{ErrorKind, name, socket};
///
/// let path = name::unique_path("options");
/// let listener = socket::Options::new().mode(0o666).remove_on_drop(true).listen_stream(&path)?;
/// let error = socket::Options::new().reclaim_stale(true).listen_stream(&path).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InUse);
///
/// drop(listener);
/// assert!(!path.exists());
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    mode: u32,
    backlog: u32,
    reclaim_stale: bool,
    remove_on_drop: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { mode: 0o600, backlog: libc::SOMAXCONN as u32, reclaim_stale: false, remove_on_drop: false }
    }
}

impl Options {
    /// Mode 0600, the longest queue that the system allows, and a file that stays.
    pub fn new() -> Self {
        Options::default()
    }

    /// The permissions of the file, less the umask. Write permission is what lets somebody connect or send. Default:
    /// 0600.
    ///
    /// They are right from the moment the file exists. An abstract name has none.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// How many connections may wait to be accepted. The kernel allows one more than this, and no more than
    /// `/proc/sys/net/core/somaxconn`; the default is to leave it at that. Says nothing to a datagram socket.
    ///
    /// A client that connects while the queue is full waits.
    #[doc(alias = "listen")]
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// Takes the path over if a socket that is gone left its file there. A live one is never touched, nor is what is
    /// not a socket.
    ///
    /// Whether a socket is live is asked of the kernel, which also knows those that do not listen yet. Processes that
    /// reclaim one path at once take turns, by a lock on the directory; it waits at most five seconds for its turn. A
    /// process that binds the path *without* this option in the very moment of the reclaiming may lose its file.
    pub fn reclaim_stale(mut self, yes: bool) -> Self {
        self.reclaim_stale = yes;
        self
    }

    /// Removes the file when the handle is dropped: by this process only, not by a forked child, and only if the path
    /// still leads to this file. After `SIGKILL` it stays; see [`reclaim_stale`](Options::reclaim_stale).
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.remove_on_drop = yes;
        self
    }

    /// `bind(2)`, `listen(2)`: listens for connections that carry bytes.
    ///
    /// # Errors
    ///
    /// See [the table](super#errors).
    pub fn listen_stream(&self, address: impl Into<Address>) -> Result<stream::Listener> {
        Ok(stream::Listener::of(self.listen(SockType::Stream, &address.into())?))
    }

    /// `bind(2)`, `listen(2)`: listens for connections that carry records.
    ///
    /// # Errors
    ///
    /// See [the table](super#errors).
    pub fn listen_seqpacket(&self, address: impl Into<Address>) -> Result<seqpacket::Listener> {
        Ok(seqpacket::Listener::of(self.listen(SockType::SeqPacket, &address.into())?))
    }

    /// `bind(2)`: receives datagrams at the address.
    ///
    /// # Errors
    ///
    /// See [the table](super#errors).
    pub fn bind_datagram(&self, address: impl Into<Address>) -> Result<datagram::Socket> {
        let (fd, removal) = self.bind(SockType::Datagram, &address.into())?;
        Ok(datagram::Socket::of(fd, removal, false))
    }

    fn listen(&self, kind: SockType, address: &Address) -> Result<Acceptor> {
        let (fd, removal) = self.bind(kind, address)?;
        // More than the kernel's type can say is more than it allows anyway.
        let backlog = i32::try_from(self.backlog).unwrap_or(libc::SOMAXCONN).min(libc::SOMAXCONN);
        Backlog::new(backlog)
            .and_then(|backlog| listen(&fd, backlog))
            .map_err(|e| address.blame(Error::from_errno("listen", e)))?;
        Acceptor::new(fd, removal)
    }

    fn bind(&self, kind: SockType, address: &Address) -> Result<(OwnedFd, Option<UnlinkGuard>)> {
        let raw = address.checked(BIND)?;
        let fd = create(kind)?;
        let Some(path) = address.as_path() else {
            sys::bind(fd.as_fd(), raw).map_err(|e| address.blame(Error::from_errno(BIND, e)))?;
            return Ok((fd, None));
        };
        // The mode of the socket, less the umask, becomes that of the file: there is no moment in which it is another.
        fchmod(&fd, Mode::from_bits_truncate(self.mode)).map_err(|e| Error::from_errno("fchmod", e))?;
        self.bind_path(fd.as_fd(), address, path)?;
        let removal = self.remove_on_drop.then(|| UnlinkGuard::new(path)).transpose();
        Ok((fd, removal.map_err(|e| address.blame(Error::from_errno("lstat", errno(&e))))?))
    }

    fn bind_path(&self, fd: BorrowedFd<'_>, address: &Address, path: &Path) -> Result<()> {
        let bind =
            || sys::bind(fd, address.checked(BIND)?).map_err(|e| address.blame(Error::from_errno(BIND, e)));
        if self.reclaim_stale { reclaim::bind(path, bind) } else { bind() }
    }
}

/// socket(2), with the limit that kept it from being made.
pub(super) fn create(kind: SockType) -> Result<OwnedFd> {
    transfer::create(kind).map_err(|e| Error::from_errno("socket", e).with_limit(limits::descriptors(e)))
}
