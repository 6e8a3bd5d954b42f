//! System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
//!
//! msgsnd(2) and msgrcv(2) need the type and the text of a message in one contiguous buffer, which
//! callers do not have. Each message is therefore copied once through a buffer on the stack. A
//! message longer than the kernel's default limit goes through the heap.

#![allow(unsafe_code)]

use std::mem::{self, MaybeUninit};
use std::ptr;

use nix::errno::Errno;

use super::retry;

/// The longest text in bytes that is copied through the stack: `MSGMAX`, the default of
/// /proc/sys/kernel/msgmax.
pub(crate) const INLINE: usize = 8192;

/// `MSG_COPY`: leave the message in the queue. libc has it for some targets only (msgop(2)).
pub(crate) const COPY: libc::c_int = 0o40000;

/// `MSG_STAT_ANY`, which libc does not name (linux/msg.h).
const STAT_ANY: libc::c_int = 13;

/// Room for a type and a text.
type Words = [MaybeUninit<libc::c_long>];

const fn words(text: usize) -> usize {
    1 + text.div_ceil(size_of::<libc::c_long>())
}

/// msgget(2).
pub(crate) fn get(key: libc::key_t, flags: libc::c_int) -> nix::Result<libc::c_int> {
    // SAFETY: because msgget(2) takes two integers.
    Errno::result(unsafe { libc::msgget(key, flags) })
}

/// msgsnd(2), continued after signals.
#[inline]
pub(crate) fn send(id: libc::c_int, kind: i64, text: &[u8], flags: libc::c_int) -> nix::Result<()> {
    if text.len() <= INLINE {
        post(id, kind, text, flags, &mut [const { MaybeUninit::uninit() }; words(INLINE)])
    } else {
        post(id, kind, text, flags, &mut Box::new_uninit_slice(words(text.len())))
    }
}

#[inline]
fn post(id: libc::c_int, kind: i64, text: &[u8], flags: libc::c_int, room: &mut Words) -> nix::Result<()> {
    assert!(room.len() >= words(text.len()));
    room[0].write(kind);
    // SAFETY: because the room has as many bytes after the type as the text, and does not overlap
    // it.
    unsafe { ptr::copy_nonoverlapping(text.as_ptr(), room[1..].as_mut_ptr().cast(), text.len()) };
    // SAFETY: because msgsnd(2) reads a type and `len` bytes of text, which have been written to
    // the room.
    retry(|| Errno::result(unsafe { libc::msgsnd(id, room.as_ptr().cast(), text.len(), flags) })).map(drop)
}

/// msgrcv(2), continued after signals: the length and the type.
///
/// With a longer buffer, the message is still copied through the stack if it fits.
#[inline]
pub(crate) fn receive(
    id: libc::c_int,
    buffer: &mut [u8],
    kind: i64,
    flags: libc::c_int,
) -> nix::Result<(usize, i64)> {
    if buffer.len() <= INLINE {
        return fetch(id, buffer, kind, flags, &mut [const { MaybeUninit::uninit() }; words(INLINE)]);
    }
    receive_long(id, buffer, kind, flags)
}

fn receive_long(
    id: libc::c_int,
    buffer: &mut [u8],
    kind: i64,
    flags: libc::c_int,
) -> nix::Result<(usize, i64)> {
    if flags & libc::MSG_NOERROR == 0 {
        match receive(id, &mut buffer[..INLINE], kind, flags) {
            Err(Errno::E2BIG) => {}
            other => return other,
        }
    }
    let mut room = Box::new_uninit_slice(words(buffer.len()));
    fetch(id, buffer, kind, flags, &mut room)
}

#[inline]
fn fetch(
    id: libc::c_int,
    buffer: &mut [u8],
    kind: i64,
    flags: libc::c_int,
    room: &mut Words,
) -> nix::Result<(usize, i64)> {
    assert!(room.len() >= words(buffer.len()));
    let most = buffer.len();
    // SAFETY: because msgrcv(2) writes a type and at most `most` bytes of text, for which there is
    // room.
    let received =
        retry(|| Errno::result(unsafe { libc::msgrcv(id, room.as_mut_ptr().cast(), most, kind, flags) }))?;
    let length = received as usize;
    // SAFETY: because msgrcv(2) has written `length` bytes of text to the room, `most` at most,
    // which is the buffer's length; and the two do not overlap.
    unsafe { ptr::copy_nonoverlapping(room[1..].as_ptr().cast(), buffer.as_mut_ptr(), length) };
    // SAFETY: because msgrcv(2) has written the type.
    Ok((length, unsafe { room[0].assume_init() }))
}

/// msgctl(2) with `IPC_STAT`.
pub(crate) fn status(id: libc::c_int) -> nix::Result<libc::msqid_ds> {
    // SAFETY: because msqid_ds is a C structure of integers, for which zeroes are valid.
    let mut status: libc::msqid_ds = unsafe { mem::zeroed() };
    // SAFETY: because IPC_STAT writes one structure, to a variable of that type.
    Errno::result(unsafe { libc::msgctl(id, libc::IPC_STAT, &mut status) })?;
    Ok(status)
}

/// msgctl(2) with `MSG_STAT_ANY`: the identifier and the status of the queue at an index of the
/// table. Needs no right to read (Linux 4.17).
pub(crate) fn status_any(index: libc::c_int) -> nix::Result<(libc::c_int, libc::msqid_ds)> {
    // SAFETY: because msqid_ds is a C structure of integers, for which zeroes are valid.
    let mut status: libc::msqid_ds = unsafe { mem::zeroed() };
    // SAFETY: because MSG_STAT_ANY writes one structure, to a variable of that type.
    let id = Errno::result(unsafe { libc::msgctl(index, STAT_ANY, &mut status) })?;
    Ok((id, status))
}

/// msgctl(2) with `IPC_SET`: owner, mode and limit.
pub(crate) fn set(id: libc::c_int, mut status: libc::msqid_ds) -> nix::Result<()> {
    // SAFETY: because IPC_SET reads one structure, from a variable of that type.
    Errno::result(unsafe { libc::msgctl(id, libc::IPC_SET, &mut status) }).map(drop)
}

/// msgctl(2) with `IPC_RMID`.
pub(crate) fn remove(id: libc::c_int) -> nix::Result<()> {
    // SAFETY: because IPC_RMID ignores the third argument.
    Errno::result(unsafe { libc::msgctl(id, libc::IPC_RMID, ptr::null_mut()) }).map(drop)
}

/// msgctl(2) with `MSG_INFO`: the highest index in use, the limits of the namespace and what is in
/// use.
pub(crate) fn info() -> nix::Result<(libc::c_int, libc::msginfo)> {
    // SAFETY: because msginfo is a C structure of integers, for which zeroes are valid.
    let mut info: libc::msginfo = unsafe { mem::zeroed() };
    // SAFETY: because MSG_INFO writes one msginfo, to a variable of that type, and ignores the
    // identifier.
    let highest = Errno::result(unsafe { libc::msgctl(0, libc::MSG_INFO, (&raw mut info).cast()) })?;
    Ok((highest, info))
}
