//! Queues beyond plain sending and receiving: messages of their own memory, cut ones, and
//! notification.

use std::os::fd::BorrowedFd;

use ipcraft::queue::sysv::Selector;
use ipcraft::queue::{posix, sysv};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::subject::{Ends, Form, Receiver, posix_handles, sysv_handles};

use crate::exchange::{CHUNK, Route};

pub(crate) const ROUTES: &[Route] = &[
    Route {
        name: "posix_messages",
        sends: &["queue::posix::Queue::send"],
        receives: &["queue::posix::Queue::recv_message"],
        connect: &|_| {
            let [sender, receiver] = posix_handles(posix::Options::new());
            Ends::new(sender, PosixMessages(receiver))
        },
    },
    Route {
        name: "posix_notifications",
        sends: &["queue::posix::Queue::send"],
        receives: &["queue::posix::NotificationFd::wait"],
        connect: &|_| {
            let [sender, receiver] = posix_handles(posix::Options::new().capacity(2));
            Ends::new(sender, Notified(receiver))
        },
    },
    Route {
        name: "sysv_messages",
        sends: &["queue::sysv::Queue::send"],
        receives: &["queue::sysv::Queue::recv_message"],
        connect: &|_| {
            let [sender, receiver] = sysv_handles();
            Ends::new(sender, SysvMessages(receiver))
        },
    },
    Route {
        name: "sysv_cut_messages",
        sends: &["queue::sysv::Queue::send"],
        receives: &["queue::sysv::Queue::recv_truncated"],
        connect: &|_| {
            let [sender, receiver] = sysv_handles();
            Ends::new(sender, CutMessages(receiver))
        },
    },
];

/// Copies a message that came in memory of its own.
fn copy(message: &[u8], buffer: &mut [u8]) -> Option<usize> {
    buffer[..message.len()].copy_from_slice(message);
    Some(message.len())
}

struct PosixMessages(posix::Queue);

impl Receiver for PosixMessages {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let message = match form {
            Form::Wait => self.0.recv_message(),
            Form::Try => self.0.try_recv_message(),
            Form::Within(timeout) => self.0.recv_message_timeout(timeout),
        }?;
        Ok(copy(&message.bytes, buffer))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Waits to be notified of a message, and only then receives it.
struct Notified(posix::Queue);

impl Receiver for Notified {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let notification = self.0.notify_descriptor()?;
        loop {
            // A message from before the registration, or for a queue that was not empty, is not
            // announced.
            match self.0.try_recv_message() {
                Err(error) if error.kind() == ErrorKind::Empty => {}
                message => return Ok(copy(&message?.bytes, buffer)),
            }
            match form {
                Form::Wait => notification.wait(),
                Form::Try => notification.try_wait(),
                Form::Within(timeout) => notification.wait_timeout(timeout),
            }?;
            notification.rearm()?;
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

struct SysvMessages(sysv::Queue);

impl Receiver for SysvMessages {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let message = match form {
            Form::Wait => self.0.recv_message(Selector::Type(1)),
            Form::Try => self.0.try_recv_message(Selector::Type(1)),
            Form::Within(timeout) => self.0.recv_message_timeout(Selector::Type(1), timeout),
        }?;
        Ok(copy(&message.bytes, buffer))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

struct CutMessages(sysv::Queue);

impl Receiver for CutMessages {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let room = &mut buffer[..CHUNK];
        match form {
            Form::Wait => self.0.recv_truncated(Selector::UpTo(1), room),
            Form::Try => self.0.try_recv_truncated(Selector::UpTo(1), room),
            Form::Within(timeout) => self.0.recv_truncated_timeout(Selector::UpTo(1), room, timeout),
        }
        .map(|(length, _kind)| Some(length))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
