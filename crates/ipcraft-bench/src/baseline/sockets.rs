//! Sockets on libc: creation, connection, and one link for each type.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{check, recv_all, retry, send_all};
use crate::link::{Link, exact_length};

/// Creates a pair of a type such as `SOCK_STREAM` (`socketpair(2)`).
pub(crate) fn pair(kind: libc::c_int) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    let kind = kind | libc::SOCK_CLOEXEC;
    // SAFETY: because socketpair(2) writes two descriptors into an array of two.
    check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) })?;
    // SAFETY: because both descriptors are new and no other owner exists, as socketpair(2)
    // succeeded.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

/// Creates a socket (`socket(2)`).
fn socket(family: libc::c_int, kind: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: because socket(2) takes integers.
    let fd = check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: because the descriptor is new and no other owner exists, as socket(2) succeeded.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sets a boolean socket option.
pub(crate) fn enable(socket: &OwnedFd, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    let size = size_of::<libc::c_int>() as libc::socklen_t;
    let (fd, value) = (socket.as_raw_fd(), (&raw const on).cast());
    // SAFETY: because setsockopt(2) reads `size` bytes from an integer of that size.
    check(unsafe { libc::setsockopt(fd, level, option, value, size) }).map(drop)
}

/// Returns the size of a socket's send buffer as the kernel counts it.
pub(crate) fn send_buffer(socket: &OwnedFd) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    let mut size = size_of::<libc::c_int>() as libc::socklen_t;
    let (fd, value) = (socket.as_raw_fd(), (&raw mut bytes).cast());
    // SAFETY: because getsockopt(2) writes at most `size` bytes into an integer of that size.
    check(unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_SNDBUF, value, &raw mut size) })?;
    Ok(bytes.unsigned_abs() as usize)
}

/// Connects at a new path, which is then unlinked. Returns the connecting endpoint first.
pub(crate) fn connected_at(path: &Path, kind: libc::c_int) -> io::Result<(OwnedFd, OwnedFd)> {
    let endpoints = connected(libc::AF_UNIX, kind, &Address::path(path)?);
    std::fs::remove_file(path)?;
    endpoints
}

/// Connects over the loopback interface. Returns the connecting endpoint first.
pub(crate) fn connected_over_loopback() -> io::Result<(OwnedFd, OwnedFd)> {
    connected(libc::AF_INET, libc::SOCK_STREAM, &Address::loopback())
}

fn connected(family: libc::c_int, kind: libc::c_int, address: &Address) -> io::Result<(OwnedFd, OwnedFd)> {
    let listener = socket(family, kind)?;
    address.bind(&listener)?;
    // SAFETY: because listen(2) takes integers.
    check(unsafe { libc::listen(listener.as_raw_fd(), 1) })?;
    let client = socket(family, kind)?;
    Address::of(&listener)?.connect(&client)?;
    Ok((client, accept(&listener)?))
}

fn accept(listener: &OwnedFd) -> io::Result<OwnedFd> {
    let fd = listener.as_raw_fd();
    let none = std::ptr::null_mut();
    // SAFETY: because accept4(2) accepts null pointers instead of an address.
    let fd = check(unsafe { libc::accept4(fd, none, std::ptr::null_mut(), libc::SOCK_CLOEXEC) })?;
    // SAFETY: because the descriptor is new and no other owner exists, as accept4(2) succeeded.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Creates two datagram sockets, bound to the addresses and connected to each other.
pub(crate) fn crossed(family: libc::c_int, addresses: [&Address; 2]) -> io::Result<(OwnedFd, OwnedFd)> {
    let one = socket(family, libc::SOCK_DGRAM)?;
    let two = socket(family, libc::SOCK_DGRAM)?;
    addresses[0].bind(&one)?;
    addresses[1].bind(&two)?;
    Address::of(&two)?.connect(&one)?;
    Address::of(&one)?.connect(&two)?;
    Ok((one, two))
}

/// A connected stream socket.
pub(crate) struct Stream(pub(crate) OwnedFd);

impl Stream {
    #[inline]
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let (fd, len) = (self.0.as_raw_fd(), bytes.len());
        // SAFETY: because send(2) reads `len` bytes from a valid slice of that length.
        retry(|| unsafe { libc::send(fd, bytes.as_ptr().cast(), len, libc::MSG_NOSIGNAL) })
    }

    #[inline]
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (fd, len) = (self.0.as_raw_fd(), buffer.len());
        // SAFETY: because recv(2) writes at most `len` bytes into a valid slice of that length.
        retry(|| unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), len, 0) })
    }
}

impl Link for Stream {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        send_all(message, |rest| self.write(rest))
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        recv_all(buffer, |rest| self.read(rest))
    }
}

/// A connected datagram socket: `recv(2)` reports the true length of a datagram.
pub(crate) struct Datagram(pub(crate) OwnedFd);

impl Link for Datagram {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let (fd, len) = (self.0.as_raw_fd(), message.len());
        // SAFETY: because send(2) reads `len` bytes from a valid slice of that length.
        let sent = retry(|| unsafe { libc::send(fd, message.as_ptr().cast(), len, libc::MSG_NOSIGNAL) })?;
        exact_length(sent, len)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let (fd, len) = (self.0.as_raw_fd(), buffer.len());
        // SAFETY: because recv(2) writes at most `len` bytes into a valid slice of that length,
        // even with MSG_TRUNC.
        let received = retry(|| unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), len, libc::MSG_TRUNC) })?;
        exact_length(received, len)
    }
}

/// A connected sequenced-packet socket.
pub(crate) struct Seqpacket(OwnedFd);

impl Seqpacket {
    /// Enables credentials without a buffer for them, so that the kernel sets `MSG_CTRUNC` on every
    /// record. At the end of the stream it does not, which distinguishes it from an empty record.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Seqpacket> {
        enable(&socket, libc::SOL_SOCKET, libc::SO_PASSCRED)?;
        Ok(Seqpacket(socket))
    }
}

impl Link for Seqpacket {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let (fd, len) = (self.0.as_raw_fd(), message.len());
        // SAFETY: because send(2) reads `len` bytes from a valid slice of that length.
        let sent = retry(|| unsafe { libc::send(fd, message.as_ptr().cast(), len, libc::MSG_NOSIGNAL) })?;
        exact_length(sent, len)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut iov = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        let mut header = libc::msghdr { msg_iov: &raw mut iov, msg_iovlen: 1, ..EMPTY_HEADER };
        let fd = self.0.as_raw_fd();
        // SAFETY: because recvmsg(2) writes into the one iovec, which describes a valid slice, and
        // into the header.
        let received = retry(|| unsafe { libc::recvmsg(fd, &raw mut header, libc::MSG_TRUNC) })?;
        if received == 0 && header.msg_flags & libc::MSG_CTRUNC == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        exact_length(received, buffer.len())
    }
}

// SAFETY: because msghdr is a C structure of integers and pointers, for which all zeroes is valid.
const EMPTY_HEADER: libc::msghdr = unsafe { std::mem::zeroed() };

/// An address of any family.
pub(crate) struct Address {
    storage: libc::sockaddr_storage,
    length: libc::socklen_t,
}

impl Address {
    /// Returns an empty address.
    fn empty() -> Address {
        Address {
            // SAFETY: because sockaddr_storage is a C structure of integers, for which all zeroes
            // is valid.
            storage: unsafe { std::mem::zeroed() },
            length: 0,
        }
    }

    /// Returns a Unix address in the file system.
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

    /// Returns 127.0.0.1 with a port that the kernel selects.
    pub(crate) fn loopback() -> Address {
        Address::from(libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: 0,
            sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
            sin_zero: [0; 8],
        })
    }

    /// Returns the address to which a socket is bound.
    fn of(socket: &OwnedFd) -> io::Result<Address> {
        let mut address = Address::empty();
        address.length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        let (fd, name) = (socket.as_raw_fd(), (&raw mut address.storage).cast());
        // SAFETY: because getsockname(2) writes at most `length` bytes, which is the size of the
        // storage.
        check(unsafe { libc::getsockname(fd, name, &raw mut address.length) })?;
        Ok(address)
    }

    fn from<T: Copy>(specific: T) -> Address {
        const { assert!(size_of::<T>() <= size_of::<libc::sockaddr_storage>()) };
        let mut address = Address::empty();
        // SAFETY: because the storage is at least as large as `T`, as asserted above, and aligned
        // for every address family.
        unsafe { (&raw mut address.storage).cast::<T>().write(specific) };
        address.length = size_of::<T>() as libc::socklen_t;
        address
    }

    fn bind(&self, socket: &OwnedFd) -> io::Result<()> {
        let (fd, name) = (socket.as_raw_fd(), (&raw const self.storage).cast());
        // SAFETY: because bind(2) reads `length` bytes, which the storage holds.
        check(unsafe { libc::bind(fd, name, self.length) }).map(drop)
    }

    /// Connects a socket. The listener is in this process and its backlog is empty, so this never
    /// blocks.
    fn connect(&self, socket: &OwnedFd) -> io::Result<()> {
        let (fd, name) = (socket.as_raw_fd(), (&raw const self.storage).cast());
        // SAFETY: because connect(2) reads `length` bytes, which the storage holds.
        check(unsafe { libc::connect(fd, name, self.length) }).map(drop)
    }
}
