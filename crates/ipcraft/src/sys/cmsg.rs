//! sendmsg(2) and recvmsg(2) with ancillary data: descriptors, credentials and pidfds (unix(7),
//! cmsg(3)).

#![allow(unsafe_code)]

use std::fmt;
use std::io::{IoSlice, IoSliceMut};
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;

use super::byte_count;
use super::sendmsg::{self, ReceivedInfo};
use super::sockaddr::SocketAddress;

/// The maximum number of descriptors in one message (unix(7)).
pub(crate) const SCM_MAX_FD: usize = 253;

/// The type of a control message that holds a pidfd of the sender (Linux 6.5;
/// include/linux/socket.h).
const SCM_PIDFD: libc::c_int = 4;

/// Room for data that another owner of the socket can turn on: time stamps and security labels.
const OTHER_DATA_BYTES: usize = 512;

const CAPACITY: usize = space::<[libc::c_int; SCM_MAX_FD]>()
    + space::<libc::ucred>()
    + space::<libc::c_int>()
    + space::<[u8; OTHER_DATA_BYTES]>();

const fn space<T>() -> usize {
    // SAFETY: because CMSG_SPACE only computes (cmsg(3)).
    unsafe { libc::CMSG_SPACE(mem::size_of::<T>() as libc::c_uint) as usize }
}

/// Room for all the ancillary data that one message can carry, so the kernel never cuts it for lack
/// of room.
#[repr(C)]
pub(crate) struct Control {
    /// Gives the bytes the alignment of a header.
    align: [libc::cmsghdr; 0],
    bytes: [MaybeUninit<u8>; CAPACITY],
}

impl Control {
    pub(crate) fn new() -> Self {
        Control { align: [], bytes: [MaybeUninit::uninit(); CAPACITY] }
    }

    /// Appends a control message of `SOL_SOCKET` at `offset` and returns where the next one goes.
    fn put<T>(&mut self, offset: usize, kind: libc::c_int, data: &[T]) -> usize {
        let size = mem::size_of_val(data);
        // SAFETY: because CMSG_SPACE and CMSG_LEN only compute (cmsg(3)).
        let (space, length) =
            unsafe { (libc::CMSG_SPACE(size as libc::c_uint), libc::CMSG_LEN(size as libc::c_uint)) };
        let end = offset + space as usize;
        assert!(end <= CAPACITY, "callers keep to SCM_MAX_FD");
        // SAFETY: because header and data lie below `end`, inside the buffer, and CMSG_SPACE keeps
        // the offsets aligned for a header.
        unsafe {
            let header = self.bytes.as_mut_ptr().add(offset).cast::<libc::cmsghdr>();
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = kind;
            (*header).cmsg_len = length as _;
            ptr::copy_nonoverlapping(data.as_ptr().cast(), libc::CMSG_DATA(header), size);
        }
        end
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

/// A message to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutgoingMessage<'a> {
    pub(crate) parts: &'a [IoSlice<'a>],
    /// At most [`SCM_MAX_FD`].
    pub(crate) descriptors: &'a [BorrowedFd<'a>],
    pub(crate) credentials: Option<libc::ucred>,
    pub(crate) to: Option<&'a SocketAddress>,
}

/// sendmsg(2), without `SIGPIPE`.
pub(crate) fn send(
    fd: BorrowedFd<'_>,
    message: &OutgoingMessage<'_>,
    flags: libc::c_int,
) -> nix::Result<usize> {
    let mut control = Control::new();
    let mut used = 0;
    if !message.descriptors.is_empty() {
        // BorrowedFd has the layout of an int: std guarantees it.
        used = control.put(used, libc::SCM_RIGHTS, message.descriptors);
    }
    if let Some(credentials) = message.credentials {
        used = control.put(used, libc::SCM_CREDENTIALS, &[credentials]);
    }
    let mut header = sendmsg::sending(message.parts);
    if used > 0 {
        header.msg_control = control.bytes.as_mut_ptr().cast();
        header.msg_controllen = used as _;
    }
    if let Some(to) = message.to {
        header.msg_name = to.as_ptr().cast_mut().cast();
        header.msg_namelen = to.length();
    }
    // SAFETY: because the header points to parts, control data and an address that all outlive the
    // call, which only reads them.
    let sent = unsafe { libc::sendmsg(fd.as_raw_fd(), &header, flags | libc::MSG_NOSIGNAL) };
    byte_count(sent)
}

/// The ancillary data of one message.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) descriptors: Vec<OwnedFd>,
    pub(crate) credentials: Option<libc::ucred>,
    /// An errno if the kernel could not create one.
    pub(crate) pidfd: Option<nix::Result<OwnedFd>>,
}

impl Contents {
    pub(crate) fn is_empty(&self) -> bool {
        self.descriptors.is_empty() && self.credentials.is_none() && self.pidfd.is_none()
    }
}

/// recvmsg(2). Received descriptors are close-on-exec, and owned before anything else is parsed.
pub(crate) fn receive(
    fd: BorrowedFd<'_>,
    buffers: &mut [IoSliceMut<'_>],
    control: &mut Control,
    sender: &mut SocketAddress,
    flags: libc::c_int,
) -> nix::Result<(ReceivedInfo, Contents)> {
    let mut header = sendmsg::receiving(buffers);
    header.msg_control = control.bytes.as_mut_ptr().cast();
    header.msg_controllen = CAPACITY as _;
    header.msg_name = sender.as_mut_ptr().cast();
    header.msg_namelen = SocketAddress::CAPACITY;
    // SAFETY: because the header points to buffers, a control buffer and an address, which are
    // borrowed mutably, with their true lengths.
    let count = unsafe { libc::recvmsg(fd.as_raw_fd(), &mut header, flags | libc::MSG_CMSG_CLOEXEC) };
    let length = byte_count(count)?;
    sender.set_length(header.msg_namelen);
    // SAFETY: because recvmsg(2) has just succeeded with this header and its control data was not
    // parsed before.
    let contents = unsafe { unpack(&header) };
    Ok((ReceivedInfo { length, flags: header.msg_flags }, contents))
}

/// Parses the control data.
///
/// # Safety
///
/// `header` is as recvmsg(2) left it, and is parsed only once: each descriptor in it becomes owned.
unsafe fn unpack(header: &libc::msghdr) -> Contents {
    let mut contents = Contents::default();
    // SAFETY: because the kernel filled in the control buffer that the header describes (cmsg(3)).
    let mut next = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !next.is_null() {
        // SAFETY: because CMSG_FIRSTHDR and CMSG_NXTHDR return null or an aligned, complete header.
        let message = unsafe { &*next };
        // SAFETY: because CMSG_DATA and CMSG_LEN only compute, on a valid header.
        let (data, before) = unsafe { (libc::CMSG_DATA(message), libc::CMSG_LEN(0)) };
        let size = message.cmsg_len as usize - before as usize;
        match (message.cmsg_level, message.cmsg_type) {
            (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                // SAFETY: because the data of SCM_RIGHTS are new descriptors of this process, which
                // have no owner yet.
                let owned = |index| unsafe {
                    OwnedFd::from_raw_fd(data.cast::<libc::c_int>().add(index).read_unaligned())
                };
                contents.descriptors.extend((0..size / mem::size_of::<libc::c_int>()).map(owned));
            }
            (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) => {
                // SAFETY: because the data of SCM_CREDENTIALS are one `struct ucred` (unix(7)).
                contents.credentials = Some(unsafe { data.cast::<libc::ucred>().read_unaligned() });
            }
            (libc::SOL_SOCKET, SCM_PIDFD) => {
                // SAFETY: because the data of SCM_PIDFD are one int: a new descriptor, or a
                // negative errno.
                contents.pidfd = Some(unsafe { pidfd(data.cast::<libc::c_int>().read_unaligned()) });
            }
            _ => {}
        }
        // SAFETY: because `next` is a header within the control buffer of `header`.
        next = unsafe { libc::CMSG_NXTHDR(header, next) };
    }
    contents
}

/// # Safety
///
/// `value` is a negative errno, or a descriptor without an owner.
unsafe fn pidfd(value: libc::c_int) -> nix::Result<OwnedFd> {
    if value < 0 {
        return Err(Errno::from_raw(-value));
    }
    // SAFETY: because the caller guarantees that it is a descriptor without an owner.
    Ok(unsafe { OwnedFd::from_raw_fd(value) })
}
