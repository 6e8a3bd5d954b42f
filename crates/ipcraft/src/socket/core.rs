//! The socket behind every socket type: its descriptor, and the calls that do not depend on the
//! type.

use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::sockopt::{PassCred, PeerCredentials, PeerPidfd, SndBuf};
use nix::sys::socket::{self as nix_socket, getsockopt, setsockopt};

use super::{Address, Credentials};
use crate::error::{Error, ErrorKind, Result};
use crate::support::unlink_guard::UnlinkGuard;
use crate::support::{dup, limits};
use crate::sys::{ioctl, socket as sys};

/// A socket without regard to its type.
#[derive(Debug)]
pub(super) struct Core {
    fd: OwnedFd,
    /// The path at which clients find the socket, if the kernel knows it by another one.
    path: Option<Box<Address>>,
}

impl Core {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Core { fd, path: None }
    }

    pub(super) fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// A second descriptor for the same socket, close-on-exec.
    pub(super) fn duplicate(&self) -> Result<Core> {
        Ok(Core { fd: dup::duplicate(&self.fd)?, path: self.path.clone() })
    }

    pub(super) fn shutdown(&self, how: Shutdown) -> Result<()> {
        let how = match how {
            Shutdown::Read => nix_socket::Shutdown::Read,
            Shutdown::Write => nix_socket::Shutdown::Write,
            Shutdown::Both => nix_socket::Shutdown::Both,
        };
        nix_socket::shutdown(self.fd.as_raw_fd(), how).map_err(|e| Error::from_errno("shutdown", e))
    }

    pub(super) fn available(&self) -> Result<usize> {
        ioctl::bytes_readable(self.fd.as_fd()).map_err(|e| Error::from_errno("ioctl(FIONREAD)", e))
    }

    pub(super) fn local_address(&self) -> Result<Address> {
        if let Some(path) = &self.path {
            return Ok(Address::clone(path));
        }
        let address = sys::local_address(self.fd.as_fd());
        address.map(Address::of).map_err(|e| Error::from_errno("getsockname", e))
    }

    pub(super) fn peer_address(&self) -> Result<Address> {
        let address = sys::peer_address(self.fd.as_fd());
        address.map(Address::of).map_err(|e| Error::from_errno("getpeername", e))
    }

    /// For a socket that was never connected the kernel reports pid 0 and no user.
    pub(super) fn peer_credentials(&self) -> Result<Credentials> {
        const SO_PEERCRED: &str = "getsockopt(SO_PEERCRED)";
        match getsockopt(&self.fd, PeerCredentials) {
            Ok(peer) if peer.pid() == 0 && peer.uid() == u32::MAX => {
                Err(Error::new(SO_PEERCRED, ErrorKind::NotConnected))
            }
            Ok(peer) => Ok(Credentials::of(peer.into())),
            Err(errno) => Err(Error::from_errno(SO_PEERCRED, errno)),
        }
    }

    pub(super) fn peer_pidfd(&self) -> Result<OwnedFd> {
        getsockopt(&self.fd, PeerPidfd).map_err(|errno| {
            let error =
                Error::from_errno("getsockopt(SO_PEERPIDFD)", errno).with_limit(limits::descriptors(errno));
            match errno {
                Errno::ENOPROTOOPT => needs_linux_6_5(error),
                Errno::ENODATA => error.with_kind(ErrorKind::NotConnected),
                // The peer was reaped, and this kernel gives no pidfd of a reaped process.
                Errno::ESRCH | Errno::EINVAL => error.with_kind(ErrorKind::Disconnected),
                _ => error,
            }
        })
    }

    pub(super) fn send_buffer(&self) -> Result<usize> {
        getsockopt(&self.fd, SndBuf).map_err(|e| Error::from_errno("getsockopt(SO_SNDBUF)", e))
    }

    pub(super) fn set_send_buffer(&self, bytes: usize) -> Result<usize> {
        // The kernel doubles an int, and caps it far below this.
        let bytes = bytes.min(i32::MAX as usize / 2);
        setsockopt(&self.fd, SndBuf, &bytes).map_err(|e| Error::from_errno("setsockopt(SO_SNDBUF)", e))?;
        self.send_buffer()
    }

    pub(super) fn set_nonblocking(&self, yes: bool) -> Result<()> {
        ioctl::set_nonblocking(self.fd.as_fd(), yes).map_err(|e| Error::from_errno("ioctl(FIONBIO)", e))
    }

    pub(super) fn set_receive_credentials(&self, yes: bool) -> Result<()> {
        setsockopt(&self.fd, PassCred, &yes).map_err(|e| Error::from_errno("setsockopt(SO_PASSCRED)", e))
    }
}

impl AsFd for Core {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

pub(super) fn set_receive_pidfds(fd: BorrowedFd<'_>, yes: bool) -> Result<()> {
    sys::set_switch(fd, libc::SO_PASSPIDFD, yes).map_err(|errno| {
        let error = Error::from_errno("setsockopt(SO_PASSPIDFD)", errno);
        if errno == Errno::ENOPROTOOPT { needs_linux_6_5(error) } else { error }
    })
}

fn needs_linux_6_5(error: Error) -> Error {
    error.with_kind(ErrorKind::Unsupported).with_hint("run Linux 6.5 or newer")
}

/// A socket with an address of its own.
#[derive(Debug)]
pub(super) struct Bound {
    /// Declared first, since it must be dropped first: the path then never leads to a closed
    /// socket.
    removal: Option<UnlinkGuard>,
    core: Core,
}

impl Bound {
    pub(super) fn new(fd: OwnedFd, removal: Option<UnlinkGuard>) -> Self {
        Bound { removal, core: Core::new(fd) }
    }

    pub(super) fn of(core: Core) -> Self {
        Bound { removal: None, core }
    }

    /// Notes the path at which clients find the socket.
    pub(super) fn with_address(mut self, address: Address) -> Self {
        self.core.path = Some(Box::new(address));
        self
    }

    #[inline(always)]
    pub(super) fn core(&self) -> &Core {
        &self.core
    }

    /// The descriptor alone; the file stays.
    pub(super) fn into_fd(self) -> OwnedFd {
        if let Some(removal) = self.removal {
            removal.disarm();
        }
        self.core.into_fd()
    }
}

/// Gives a socket type the methods that all three have. The type has a method `core`.
macro_rules! impl_properties {
    ($socket:ty) => {
        impl $socket {
            /// `getsockname(2)`: the address of this end.
            #[doc(alias = "getsockname")]
            pub fn local_address(&self) -> Result<Address> {
                self.core().local_address()
            }

            /// `getpeername(2)`: the address of the other end; unnamed unless that end was bound.
            #[doc(alias = "getpeername")]
            pub fn peer_address(&self) -> Result<Address> {
                self.core().peer_address()
            }

            /// `SO_PEERCRED`: the process that created the other end with `connect(2)`, `listen(2)`
            /// or `socketpair(2)`, as it was at that moment. Another process may use the socket
            /// now.
            #[doc(alias = "SO_PEERCRED")]
            pub fn peer_credentials(&self) -> Result<Credentials> {
                self.core().peer_credentials()
            }

            /// `SO_PEERPIDFD`: a pidfd of the process that
            /// [`peer_credentials`](Self::peer_credentials) names.
            ///
            /// It refers to that process only, even if the pid is reused, and becomes readable when
            /// the process ends.
            ///
            /// # Errors
            ///
            /// [`Unsupported`](crate::ErrorKind::Unsupported) before Linux 6.5;
            /// [`Disconnected`](crate::ErrorKind::Disconnected) before Linux 6.16 if the peer was
            /// reaped.
            #[doc(alias = "SO_PEERPIDFD")]
            pub fn peer_pidfd(&self) -> Result<OwnedFd> {
                self.core().peer_pidfd()
            }

            /// `SO_SNDBUF`: the number of bytes that may be in transit to the peer.
            ///
            /// The kernel's bookkeeping counts too, and often exceeds the data.
            #[doc(alias = "SO_SNDBUF")]
            pub fn send_buffer(&self) -> Result<usize> {
                self.core().send_buffer()
            }

            /// `SO_SNDBUF`: requests a send buffer for `bytes` and returns the size that the kernel
            /// set.
            ///
            /// The kernel doubles the number for its bookkeeping, up to twice
            /// `/proc/sys/net/core/wmem_max`.
            pub fn set_send_buffer(&self, bytes: usize) -> Result<usize> {
                self.core().set_send_buffer(bytes)
            }

            /// `F_DUPFD_CLOEXEC`: returns a second handle of the same socket.
            ///
            /// Both handles share the connection, the queue and the settings. The connection ends
            /// when the last of them is dropped, or with `shutdown(2)`.
            ///
            /// # Errors
            ///
            /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
            #[doc(alias = "dup")]
            pub fn try_clone(&self) -> Result<Self> {
                Ok(self.clone_of(self.core().duplicate()?))
            }

            /// `O_NONBLOCK`: makes the plain calls fail as the `try_` ones do, for event loops.
            ///
            /// It holds for every process that shares the socket. The `_timeout` calls still wait.
            #[doc(alias = "O_NONBLOCK")]
            pub fn set_nonblocking(&self, yes: bool) -> Result<()> {
                self.core().set_nonblocking(yes)
            }
        }
    };
}

pub(super) use impl_properties;
