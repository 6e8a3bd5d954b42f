//! Options for sockets with an address.

use nix::sys::socket::SockType;

use super::bind::BindConfig;
use super::{Address, datagram, seqpacket, stream};
use crate::error::Result;
use crate::support::mode::CreationMode;

/// How to create a socket with an address: a listener, or a datagram socket.
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
    config: BindConfig,
}

impl Default for Options {
    fn default() -> Self {
        Options { config: BindConfig::DEFAULT }
    }
}

impl Options {
    /// Mode 0600, the longest queue that the system allows, and a file that stays.
    pub fn new() -> Self {
        Options::default()
    }

    /// Sets the permissions of the file, such as `0o660`, less the umask. Write permission allows a
    /// process to connect or send. Default: 0600.
    ///
    /// The file has them from the moment it exists. An abstract name has no permissions. Binding
    /// fails with [`Invalid`](crate::ErrorKind::Invalid) for bits beyond 0o777.
    pub fn mode(mut self, mode: u32) -> Self {
        self.config.mode = CreationMode::less_umask(mode);
        self
    }

    /// Sets the permissions as [`mode`](Options::mode) does, and the umask takes none away.
    ///
    /// The file appears without any permission, and gets these when the socket is ready. The umask
    /// of the process does not change. Before Linux 6.6 this needs /proc, and fails with
    /// [`Unsupported`](crate::ErrorKind::Unsupported) without it.
    #[doc(alias = "chmod")]
    pub fn exact_mode(mut self, mode: u32) -> Self {
        self.config.mode = CreationMode::exact(mode);
        self
    }

    /// Sets how many connections may wait to be accepted. It has no effect on a datagram socket.
    ///
    /// The kernel allows one more than this, and at most `/proc/sys/net/core/somaxconn`, which is
    /// the default. A client that connects while the queue is full blocks.
    #[doc(alias = "listen")]
    pub fn backlog(mut self, connections: u32) -> Self {
        self.config.backlog = connections;
        self
    }

    /// Replaces the file of a closed socket at the path. A live socket, and a file that is not a
    /// socket, are left alone.
    ///
    /// The kernel reports whether a socket is live, even before it listens. Processes that reclaim
    /// one path take turns by a lock on its directory, and wait at most five seconds for it. A
    /// file of the last 100 ms is probed again when it is older. A file that takes the path during
    /// the reclaiming stays, also without this option.
    pub fn reclaim_stale(mut self, yes: bool) -> Self {
        self.config.reclaim_stale = yes;
        self
    }

    /// Takes the path over from the socket that has it, live or closed, without a moment in which
    /// clients find none. A file that is not a socket is left alone.
    ///
    /// The new socket is bound to a private name beside the path, completed, and renamed. The
    /// former owner keeps its connections and those in its queue. It does not remove the
    /// successor's file, and no client finds it any more. Processes take turns as for
    /// [`reclaim_stale`](Options::reclaim_stale).
    ///
    /// The kernel looks up the path first and the socket then. A client that did the first before
    /// the rename fails with `ECONNREFUSED` if the former owner closes before the second. So the
    /// former owner accepts a moment longer.
    ///
    /// The kernel keeps the private name as the address of the socket. Peers see it as
    /// `peer_address`, and as the sender of datagrams, to which they cannot answer. `local_address`
    /// of this handle returns the path.
    #[doc(alias = "rename")]
    pub fn take_over(mut self, yes: bool) -> Self {
        self.config.take_over = yes;
        self
    }

    /// Removes the file when the handle is dropped, if the path still leads to this file.
    ///
    /// The file and its directory are held by two descriptors, so a removal needs neither a free
    /// descriptor nor the former working directory. A forked child does not remove it. After
    /// `SIGKILL` it stays; see [`reclaim_stale`](Options::reclaim_stale).
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.config.remove_on_drop = yes;
        self
    }

    /// `bind(2)`, `listen(2)`: listens for connections that carry bytes.
    ///
    /// # Errors
    ///
    /// See [the table](super#errors).
    pub fn listen_stream(&self, address: impl Into<Address>) -> Result<stream::Listener> {
        self.config.listen(SockType::Stream, &address.into()).map(stream::Listener::of)
    }

    /// `bind(2)`, `listen(2)`: listens for connections that carry records.
    ///
    /// # Errors
    ///
    /// See [the table](super#errors).
    pub fn listen_seqpacket(&self, address: impl Into<Address>) -> Result<seqpacket::Listener> {
        self.config.listen(SockType::SeqPacket, &address.into()).map(seqpacket::Listener::of)
    }

    /// `bind(2)`: creates a socket that receives datagrams at the address.
    ///
    /// # Errors
    ///
    /// See [the table](super#errors).
    pub fn bind_datagram(&self, address: impl Into<Address>) -> Result<datagram::Socket> {
        self.config.bind(SockType::Datagram, &address.into()).map(datagram::Socket::of_bound)
    }
}
