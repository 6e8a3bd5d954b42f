//! The ends that carry a stream of bytes.

use std::os::fd::{AsFd, BorrowedFd};

use ipcraft::pipe::Duplex;
use ipcraft::socket::stream::Stream;
use ipcraft::{Result, fifo, pipe};

use super::{Form, Receiver, Sender};

/// An empty read is the end of a byte stream.
fn or_end(count: usize) -> Option<usize> {
    (count > 0).then_some(count)
}

impl Sender for pipe::Writer {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        match form {
            Form::Wait => self.write(message),
            Form::Try => self.try_write(message),
            Form::Within(timeout) => self.write_timeout(message, timeout),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl Receiver for pipe::Reader {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        match form {
            Form::Wait => self.read(buffer),
            Form::Try => self.try_read(buffer),
            Form::Within(timeout) => self.read_timeout(buffer, timeout),
        }
        .map(or_end)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl Sender for Duplex {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        self.writer().send(message, form)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.writer().as_fd())
    }
}

impl Receiver for Duplex {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        self.reader().receive(buffer, form)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.reader().as_fd())
    }
}

impl Sender for fifo::Writer {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        match form {
            Form::Wait => self.write(message),
            Form::Try => self.try_write(message),
            Form::Within(timeout) => self.write_timeout(message, timeout),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl Receiver for fifo::Reader {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        match form {
            Form::Wait => self.read(buffer),
            Form::Try => self.try_read(buffer),
            Form::Within(timeout) => self.read_timeout(buffer, timeout),
        }
        .map(or_end)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl Sender for Stream {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        match form {
            Form::Wait => self.write(message),
            Form::Try => self.try_write(message),
            Form::Within(timeout) => self.write_timeout(message, timeout),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl Receiver for Stream {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        match form {
            Form::Wait => self.read(buffer),
            Form::Try => self.try_read(buffer),
            Form::Within(timeout) => self.read_timeout(buffer, timeout),
        }
        .map(or_end)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}
