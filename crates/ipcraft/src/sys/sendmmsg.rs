//! sendmmsg(2) and recvmmsg(2): several records per system call.

#![allow(unsafe_code)]

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::{ptr, slice};

use nix::errno::Errno;

use super::sendmsg::{self, ReceivedInfo};

/// The maximum number of records per call: the size of the arrays on the stack.
pub(crate) const MAX_BATCH: usize = 64;

type Headers = [MaybeUninit<libc::mmsghdr>; MAX_BATCH];

const NO_HEADERS: Headers = [const { MaybeUninit::uninit() }; MAX_BATCH];
const NO_PARTS: [MaybeUninit<IoSlice<'_>>; MAX_BATCH] = [const { MaybeUninit::uninit() }; MAX_BATCH];

/// sendmmsg(2), without `SIGPIPE`: sends at most the first [`MAX_BATCH`] records and returns how
/// many.
pub(crate) fn send(fd: BorrowedFd<'_>, records: &[&[u8]], flags: libc::c_int) -> nix::Result<usize> {
    let records = &records[..records.len().min(MAX_BATCH)];
    let mut headers = NO_HEADERS;
    let mut parts = NO_PARTS;
    for ((header, part), record) in headers.iter_mut().zip(&mut parts).zip(records) {
        let part = part.write(IoSlice::new(record));
        header.write(libc::mmsghdr { msg_hdr: sendmsg::sending(slice::from_ref(part)), msg_len: 0 });
    }
    let count = records.len() as libc::c_uint;
    let flags = flags | libc::MSG_NOSIGNAL;
    // SAFETY: because the first `count` headers were written above, and what they point to outlives
    // the call.
    let sent = unsafe { libc::sendmmsg(fd.as_raw_fd(), headers.as_mut_ptr().cast(), count, flags) };
    Errno::result(sent).map(|count| count as usize)
}

/// recvmmsg(2): receives into at most the first [`MAX_BATCH`] buffers and passes each result to
/// `each`, in order.
///
/// Blocks until the first record arrives. The call's own timeout is not used: the kernel checks it
/// only after a record.
pub(crate) fn receive(
    fd: BorrowedFd<'_>,
    buffers: &mut [IoSliceMut<'_>],
    flags: libc::c_int,
    each: impl FnMut(ReceivedInfo),
) -> nix::Result<()> {
    let mut headers = NO_HEADERS;
    let mut count = 0;
    for (header, buffer) in headers.iter_mut().zip(buffers) {
        header.write(libc::mmsghdr { msg_hdr: sendmsg::receiving(slice::from_mut(buffer)), msg_len: 0 });
        count += 1;
    }
    let flags = flags | libc::MSG_WAITFORONE;
    let headers_ptr = headers.as_mut_ptr().cast();
    // SAFETY: because the first `count` headers were written above, and point to buffers that are
    // borrowed mutably.
    let received = unsafe { libc::recvmmsg(fd.as_raw_fd(), headers_ptr, count, flags, ptr::null_mut()) };
    let received = Errno::result(received)? as usize;
    headers[..received].iter().map(arrival).for_each(each);
    Ok(())
}

fn arrival(header: &MaybeUninit<libc::mmsghdr>) -> ReceivedInfo {
    // SAFETY: because recvmmsg(2) counts only headers that it was given, and those were written.
    let header = unsafe { header.assume_init_ref() };
    ReceivedInfo { length: header.msg_len as usize, flags: header.msg_hdr.msg_flags }
}
