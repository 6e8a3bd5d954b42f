//! The ends that carry records.

use std::os::fd::{AsFd, BorrowedFd};

use ipcraft::Result;
use ipcraft::socket::{datagram, seqpacket};

use super::{Form, Receiver, Sender};

impl Sender for datagram::Socket {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        match form {
            Form::Wait => self.send(message),
            Form::Try => self.try_send(message),
            Form::Within(timeout) => self.send_timeout(message, timeout),
        }
        .map(|()| message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl Receiver for datagram::Socket {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        match form {
            Form::Wait => self.recv(buffer),
            Form::Try => self.try_recv(buffer),
            Form::Within(timeout) => self.recv_timeout(buffer, timeout),
        }
        .map(Some)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl Sender for seqpacket::Connection {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        match form {
            Form::Wait => self.send(message),
            Form::Try => self.try_send(message),
            Form::Within(timeout) => self.send_timeout(message, timeout),
        }
        .map(|()| message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl Receiver for seqpacket::Connection {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        match form {
            Form::Wait => self.recv(buffer),
            Form::Try => self.try_recv(buffer),
            Form::Within(timeout) => self.recv_timeout(buffer, timeout),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}
