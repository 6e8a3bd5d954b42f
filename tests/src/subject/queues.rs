//! The ends that are message queues.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ipcraft::queue::sysv::Selector;
use ipcraft::queue::{posix, sysv};
use ipcraft::sysv::Key;
use ipcraft::{Result, name};

use super::{Ends, Form, Receiver, Sender};

/// Two handles of a new POSIX queue, which has no name any more.
///
/// # Panics
///
/// If there is no room for it.
pub fn posix_handles(options: posix::Options) -> [posix::Queue; 2] {
    let name = format!("/{}", name::unique("ipcraft-tests"));
    let made = options.create_new(&name).unwrap();
    let opened = posix::Queue::open(&name).unwrap();
    posix::Queue::unlink(&name).unwrap();
    [made, opened]
}

pub(super) fn posix(_: &Path) -> Ends {
    let [sender, receiver] = posix_handles(posix::Options::new());
    let buffer = RefCell::new(vec![0; receiver.message_size()]);
    Ends::new(sender, PosixReceiver { queue: receiver, buffer })
}

impl Sender for posix::Queue {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        match form {
            Form::Wait => self.send(message, 0),
            Form::Try => self.try_send(message, 0),
            Form::Within(timeout) => self.send_timeout(message, 0, timeout),
        }
        .map(|()| message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

struct PosixReceiver {
    queue: posix::Queue,
    /// The kernel wants room for the longest message.
    buffer: RefCell<Vec<u8>>,
}

impl Receiver for PosixReceiver {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let mut room = self.buffer.borrow_mut();
        let (length, _priority) = match form {
            Form::Wait => self.queue.recv(&mut room),
            Form::Try => self.queue.try_recv(&mut room),
            Form::Within(timeout) => self.queue.recv_timeout(&mut room, timeout),
        }?;
        buffer[..length].copy_from_slice(&room[..length]);
        Ok(Some(length))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.queue.as_fd())
    }
}

/// The System V queues that this process made: ends come and go, also in other processes, and
/// remove nothing.
static MADE: Mutex<Vec<sysv::Queue>> = Mutex::new(Vec::new());

/// Removes, when dropped, the queues that were made for ends meanwhile.
#[derive(Debug)]
pub struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        MADE.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Two handles of a private System V queue, which lives until [`Release`].
///
/// # Panics
///
/// If there is no room for it.
pub fn sysv_handles() -> [sysv::Queue; 2] {
    let made = sysv::Options::new().remove_on_drop(true).create_new(Key::PRIVATE).unwrap();
    let handles = [(); 2].map(|()| sysv::Queue::from_id(made.id()).unwrap());
    MADE.lock().unwrap_or_else(PoisonError::into_inner).push(made);
    handles
}

pub(super) fn sysv(_: &Path) -> Ends {
    let [sender, receiver] = sysv_handles();
    Ends::new(sender, receiver)
}

impl Sender for sysv::Queue {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        match form {
            Form::Wait => self.send(1, message),
            Form::Try => self.try_send(1, message),
            Form::Within(timeout) => self.send_timeout(1, message, timeout),
        }
        .map(|()| message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Receiver for sysv::Queue {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        match form {
            Form::Wait => self.recv(Selector::First, buffer),
            Form::Try => self.try_recv(Selector::First, buffer),
            Form::Within(timeout) => self.recv_timeout(Selector::First, buffer, timeout),
        }
        .map(|(length, _kind)| Some(length))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
