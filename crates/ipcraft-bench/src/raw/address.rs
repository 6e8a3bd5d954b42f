//! Socket addresses as the kernel wants them.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::check;

/// An address of any family.
pub(crate) struct Address {
    storage: libc::sockaddr_storage,
    length: libc::socklen_t,
}

impl Address {
    /// No address yet.
    fn empty() -> Address {
        Address {
            // SAFETY: because sockaddr_storage is a C structure of integers, for which all zeroes is a valid value.
            storage: unsafe { std::mem::zeroed() },
            length: 0,
        }
    }

    /// A Unix address in the file system.
    pub(crate) fn path(path: &Path) -> io::Result<Address> {
        let bytes = path.as_os_str().as_bytes();
        let mut unix =
            libc::sockaddr_un { sun_family: libc::AF_UNIX as libc::sa_family_t, sun_path: [0; 108] };
        if bytes.len() >= unix.sun_path.len() {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        for (to, &from) in unix.sun_path.iter_mut().zip(bytes) {
            *to = from as libc::c_char;
        }
        Ok(Address::from(unix))
    }

    /// 127.0.0.1 with a port that the kernel chooses.
    pub(crate) fn loopback() -> Address {
        Address::from(libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: 0,
            sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
            sin_zero: [0; 8],
        })
    }

    /// Where a socket is bound.
    pub(crate) fn of(socket: &OwnedFd) -> io::Result<Address> {
        let mut address = Address::empty();
        address.length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        let (fd, name) = (socket.as_raw_fd(), (&raw mut address.storage).cast());
        // SAFETY: because getsockname(2) writes at most `length` bytes, which is the size of the storage.
        check(unsafe { libc::getsockname(fd, name, &raw mut address.length) })?;
        Ok(address)
    }

    fn from<T: Copy>(specific: T) -> Address {
        const { assert!(size_of::<T>() <= size_of::<libc::sockaddr_storage>()) };
        let mut address = Address::empty();
        // SAFETY: because the storage is at least as large as `T`, as asserted above, and aligned for every address
        // family.
        unsafe { (&raw mut address.storage).cast::<T>().write(specific) };
        address.length = size_of::<T>() as libc::socklen_t;
        address
    }

    /// `bind(2)`
    pub(crate) fn bind(&self, socket: &OwnedFd) -> io::Result<()> {
        let (fd, name) = (socket.as_raw_fd(), (&raw const self.storage).cast());
        // SAFETY: because bind(2) reads `length` bytes, which the storage holds.
        check(unsafe { libc::bind(fd, name, self.length) }).map(drop)
    }

    /// `connect(2)`. A listener of this process with an empty backlog is there, so it does not wait.
    pub(crate) fn connect(&self, socket: &OwnedFd) -> io::Result<()> {
        let (fd, name) = (socket.as_raw_fd(), (&raw const self.storage).cast());
        // SAFETY: because connect(2) reads `length` bytes, which the storage holds.
        check(unsafe { libc::connect(fd, name, self.length) }).map(drop)
    }
}
