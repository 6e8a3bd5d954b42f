//! System V message queues on libc: `msgsnd(2)` and `msgrcv(2)`.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::process;
use std::ptr;

use super::{check, retry};
use crate::link::{Link, exact_length};

/// The most bytes of a message: the system's usual limit.
pub(crate) const MESSAGE_SIZE: usize = 8192;

/// What the kernel takes and gives: a type, and the message behind it.
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

/// A private queue, removed on drop by the process that made it.
pub(crate) struct Owned {
    id: libc::c_int,
    owner: u32,
}

impl Owned {
    pub(crate) fn new() -> io::Result<Owned> {
        // SAFETY: because msgget(2) takes two integers.
        let id = check(unsafe { libc::msgget(libc::IPC_PRIVATE, libc::IPC_CREAT | 0o600) })?;
        Ok(Owned { id, owner: process::id() })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if self.owner == process::id() {
            // SAFETY: because msgctl(2) with IPC_RMID ignores the third argument.
            unsafe { libc::msgctl(self.id, libc::IPC_RMID, ptr::null_mut()) };
        }
    }
}

/// The queues that one end receives from and sends to.
pub(crate) struct Queues {
    from: libc::c_int,
    to: libc::c_int,
}

impl Queues {
    pub(crate) fn new(from: &Owned, to: &Owned) -> Queues {
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

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut copy = Message::new();
        let len = buffer.len().min(MESSAGE_SIZE);
        // SAFETY: because msgrcv(2) writes a type and at most `len` bytes, for which there is room.
        let received = retry(|| unsafe { libc::msgrcv(self.from, (&raw mut copy).cast(), len, 0, 0) })?;
        exact_length(received, buffer.len())?;
        // SAFETY: because msgrcv(2) has written as many bytes as it says, which is the length of the buffer.
        unsafe { ptr::copy_nonoverlapping(copy.text.as_ptr().cast(), buffer.as_mut_ptr(), received) };
        Ok(())
    }
}

fn as_uninit(bytes: &[u8]) -> &[MaybeUninit<u8>] {
    // SAFETY: because maybeUninit<u8> has the layout of u8, and nothing is written through the result.
    unsafe { &*(ptr::from_ref(bytes) as *const [MaybeUninit<u8>]) }
}
