//! System V message queues on libc: `msgsnd(2)` and `msgrcv(2)`.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::process;
use std::ptr;

use super::{check, retry};
use crate::link::{Link, exact_length};

/// The bytes of the largest message: the usual limit of the system.
pub(crate) const MESSAGE_SIZE: usize = 8192;

/// The kernel's format: a type, followed by the message.
#[repr(C)]
struct Message {
    kind: libc::c_long,
    text: [MaybeUninit<u8>; MESSAGE_SIZE],
}

impl Message {
    fn new() -> Message {
        Message { kind: 1, text: [MaybeUninit::uninit(); MESSAGE_SIZE] }
    }
}

/// A private queue, removed when the process that created it drops it.
pub(crate) struct OwnedQueue {
    id: libc::c_int,
    owner: u32,
}

impl OwnedQueue {
    pub(crate) fn new() -> io::Result<OwnedQueue> {
        // SAFETY: because msgget(2) takes two integers.
        let id = check(unsafe { libc::msgget(libc::IPC_PRIVATE, libc::IPC_CREAT | 0o600) })?;
        Ok(OwnedQueue { id, owner: process::id() })
    }
}

impl Drop for OwnedQueue {
    fn drop(&mut self) {
        if self.owner == process::id() {
            // SAFETY: because msgctl(2) with IPC_RMID ignores the third argument.
            unsafe { libc::msgctl(self.id, libc::IPC_RMID, ptr::null_mut()) };
        }
    }
}

/// The queues that one endpoint receives from and sends to.
pub(crate) struct Queues {
    from: libc::c_int,
    to: libc::c_int,
}

impl Queues {
    pub(crate) fn new(from: &OwnedQueue, to: &OwnedQueue) -> Queues {
        Queues { from: from.id, to: to.id }
    }
}

impl Link for Queues {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let mut copy = Message::new();
        let len = message.len();
        copy.text[..len].copy_from_slice(as_uninit(message));
        // SAFETY: because msgsnd(2) reads a type and `len` bytes, which have been written.
        retry(|| unsafe { libc::msgsnd(self.to, (&raw const copy).cast(), len, 0) } as libc::ssize_t)
            .map(drop)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut copy = Message::new();
        let len = buffer.len().min(MESSAGE_SIZE);
        // SAFETY: because msgrcv(2) writes a type and at most `len` bytes, which fit into the copy.
        let received = retry(|| unsafe { libc::msgrcv(self.from, (&raw mut copy).cast(), len, 0, 0) })?;
        exact_length(received, buffer.len())?;
        // SAFETY: because msgrcv(2) has written `received` bytes, which is the length of the
        // buffer.
        unsafe { ptr::copy_nonoverlapping(copy.text.as_ptr().cast(), buffer.as_mut_ptr(), received) };
        Ok(())
    }
}

fn as_uninit(bytes: &[u8]) -> &[MaybeUninit<u8>] {
    // SAFETY: because `MaybeUninit<u8>` has the layout of u8, and nothing is written through the
    // result.
    unsafe { &*(ptr::from_ref(bytes) as *const [MaybeUninit<u8>]) }
}
