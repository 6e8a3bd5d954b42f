//! One end of a two-way connection, and what both implementations of a mechanism share.

use std::any::Any;
use std::fmt;
use std::io::{self, Read, Write};

use crate::peer::Role;

/// One end of a two-way connection between two processes.
///
/// Partial transfers are the implementation's business: a call moves one whole message.
pub trait Link {
    /// What has to happen in the process that keeps this end, before its first message.
    ///
    /// # Errors
    /// Whatever the mechanism reports.
    fn arrive(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Sends one message, waiting for room.
    ///
    /// # Errors
    /// Whatever the mechanism reports, also that the peer is gone.
    fn send(&mut self, message: &[u8]) -> io::Result<()>;

    /// Receives one message of exactly `buffer.len()` bytes, waiting for it.
    ///
    /// # Errors
    /// `UnexpectedEof` when the peer closed its end, `InvalidData` when the message has another length.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()>;

    /// Sends one message so many times, by one call through the table of functions: that would show in operations of a few
    /// nanoseconds.
    ///
    /// # Errors
    /// As for [`send`](Link::send).
    fn repeat(&mut self, message: &[u8], count: u64) -> io::Result<()> {
        (0..count).try_for_each(|_| self.send(message))
    }
}

/// Both ends of one connection, built in one process; each of the two peers keeps one and drops the other.
pub struct Ends {
    /// The end of the process that asks or sends.
    pub client: Box<dyn Link>,
    /// The end of the process that answers or receives.
    pub server: Box<dyn Link>,
    /// What lives for as long as both ends are in use, and goes when this is dropped by the process that made it.
    pub kept: Option<Box<dyn Any>>,
}

impl Ends {
    /// Boxes the two ends.
    pub fn new(client: impl Link + 'static, server: impl Link + 'static) -> Ends {
        Ends { client: Box::new(client), server: Box::new(server), kept: None }
    }

    /// Keeps kernel objects that, unlike a name, cannot be removed while the ends are in use.
    pub(crate) fn keeping(self, objects: impl Any) -> Ends {
        Ends { kept: Some(Box::new(objects)), ..self }
    }

    /// The end of one process; the other end is closed.
    pub(crate) fn keep(&mut self, role: Role) -> &mut dyn Link {
        match role {
            Role::Client => self.server = Box::new(Closed),
            Role::Server => self.client = Box::new(Closed),
        }
        match role {
            Role::Client => &mut *self.client,
            Role::Server => &mut *self.server,
        }
    }
}

impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ends").finish_non_exhaustive()
    }
}

/// Stands where an end was dropped.
struct Closed;

impl Link for Closed {
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn receive(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }
}

/// An operation that carries nothing from one process to the other, such as taking a lock and giving it back.
pub(crate) struct Operation<F>(F);

impl<F: FnMut() -> io::Result<()> + Clone + 'static> Operation<F> {
    /// The same for both processes.
    pub(crate) fn of_both(operation: F) -> Ends {
        Ends::new(Operation(operation.clone()), Operation(operation))
    }
}

impl<F: FnMut() -> io::Result<()>> Link for Operation<F> {
    #[inline]
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        (self.0)()
    }

    fn receive(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A byte stream that is read and written through one object.
pub(crate) struct Duplex<S>(pub(crate) S);

impl<S: Read + Write> Link for Duplex<S> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.write_all(message)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact(buffer)
    }
}

/// Two one-way byte streams that make a two-way connection.
pub(crate) struct Halves<R, W> {
    pub(crate) reader: R,
    pub(crate) writer: W,
}

impl<R: Read, W: Write> Link for Halves<R, W> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.writer.write_all(message)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.reader.read_exact(buffer)
    }
}

/// A message of `received` bytes where one of `expected` bytes was due is an error.
pub(crate) fn exact_length(received: usize, expected: usize) -> io::Result<()> {
    if received == expected {
        return Ok(());
    }
    let text = format!("a message of {received} bytes where {expected} were expected");
    Err(io::Error::new(io::ErrorKind::InvalidData, text))
}
