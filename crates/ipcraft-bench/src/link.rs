//! One endpoint of a two-way connection, and what the implementations of a mechanism share.

use std::any::Any;
use std::fmt;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

/// One side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Sends requests, or sends one way.
    Client,
    /// Sends replies, or receives one way.
    Server,
}

impl Role {
    /// Returns the other side.
    pub fn other(self) -> Role {
        match self {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        }
    }

    /// The name in error messages and of the control connection.
    pub fn name(self) -> &'static str {
        match self {
            Role::Client => "client",
            Role::Server => "server",
        }
    }

    /// Makes the messages of the two directions different.
    pub(crate) fn salt(self) -> u8 {
        match self {
            Role::Client => 0x5a,
            Role::Server => 0xc3,
        }
    }
}

/// One endpoint of a two-way connection between two processes.
///
/// Each call moves one whole message; the implementation handles partial transfers.
pub trait Link {
    /// Prepares the endpoint in the process that owns it, before the first message.
    ///
    /// # Errors
    /// Those of the mechanism.
    fn on_start(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Sends one message. Blocks until there is space.
    ///
    /// # Errors
    /// Those of the mechanism, including that the peer disconnected.
    fn send(&mut self, message: &[u8]) -> io::Result<()>;

    /// Receives one message of exactly `buffer.len()` bytes. Blocks until one is available.
    ///
    /// # Errors
    /// `UnexpectedEof` if the peer closed its endpoint, `InvalidData` if the length differs.
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()>;

    /// Sends one message `count` times with a single dynamic call, whose cost would be visible in
    /// operations of a few nanoseconds.
    ///
    /// # Errors
    /// As for [`send`](Link::send).
    fn repeat(&mut self, message: &[u8], count: u64) -> io::Result<()> {
        (0..count).try_for_each(|_| self.send(message))
    }
}

/// Both endpoints of one connection, built in one process. Each of the two peers keeps one.
pub struct Endpoints {
    /// The endpoint of the process that asks or sends.
    pub client: Box<dyn Link>,
    /// The endpoint of the process that answers or receives.
    pub server: Box<dyn Link>,
    /// Objects that both endpoints need, removed when the process that built them drops this.
    pub resources: Resources,
}

/// What a connection needs as long as it is used. Dropping it removes the objects.
pub type Resources = Option<Box<dyn Any>>;

impl Endpoints {
    /// Boxes the two endpoints.
    pub fn new(client: impl Link + 'static, server: impl Link + 'static) -> Endpoints {
        Endpoints { client: Box::new(client), server: Box::new(server), resources: None }
    }

    /// Keeps kernel objects that, unlike a name, cannot be removed while they are in use.
    pub(crate) fn with_resources(self, objects: impl Any) -> Endpoints {
        Endpoints { resources: Some(Box::new(objects)), ..self }
    }

    /// Returns the endpoint of one process and closes the other one.
    pub(crate) fn keep(&mut self, role: Role) -> &mut dyn Link {
        match role {
            Role::Client => {
                self.server = Box::new(Closed);
                &mut *self.client
            }
            Role::Server => {
                self.client = Box::new(Closed);
                &mut *self.server
            }
        }
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").finish_non_exhaustive()
    }
}

/// Replaces a dropped endpoint.
struct Closed;

impl Link for Closed {
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn recv(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }
}

/// An operation that carries no message, such as locking and unlocking a mutex.
pub(crate) struct Operation<F>(F);

impl<F: FnMut() -> io::Result<()> + Clone + 'static> Operation<F> {
    /// Returns endpoints that run the same operation in both processes.
    pub(crate) fn of_both(operation: F) -> Endpoints {
        Endpoints::new(Operation(operation.clone()), Operation(operation))
    }
}

impl<F: FnMut() -> io::Result<()>> Link for Operation<F> {
    #[inline]
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        (self.0)()
    }

    fn recv(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A byte stream that is read and written through one object.
pub(crate) struct Duplex<S>(pub(crate) S);

impl<S: Read + Write> Link for Duplex<S> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.write_all(message)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact(buffer)
    }
}

/// Two one-way byte streams that form a two-way connection.
pub(crate) struct Halves<R, W> {
    pub(crate) reader: R,
    pub(crate) writer: W,
}

impl<R: Read, W: Write> Link for Halves<R, W> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.writer.write_all(message)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.reader.read_exact(buffer)
    }
}

/// One direction of a connection that has a separate object for each direction.
pub(crate) trait Direction {
    /// Sends one message in this direction.
    fn send(&mut self, message: &[u8]) -> io::Result<()>;

    /// Receives one message in this direction.
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()>;
}

/// An endpoint that sends in one direction and receives in the other.
pub(crate) struct Directions<D> {
    outgoing: D,
    incoming: D,
}

impl<D: Direction + 'static> Directions<D> {
    /// Connects two endpoints. The closure returns one side of direction 0 or 1.
    pub(crate) fn connect(side: impl Fn(usize) -> io::Result<D>) -> io::Result<Endpoints> {
        let endpoint = |outgoing, incoming| -> io::Result<Directions<D>> {
            Ok(Directions { outgoing: side(outgoing)?, incoming: side(incoming)? })
        };
        Ok(Endpoints::new(endpoint(0, 1)?, endpoint(1, 0)?))
    }
}

impl<D: Direction> Link for Directions<D> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.outgoing.send(message)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.incoming.recv(buffer)
    }
}

/// Fails with `InvalidData` if `received` bytes are not the `expected` number.
pub(crate) fn exact_length(received: usize, expected: usize) -> io::Result<()> {
    if received == expected {
        return Ok(());
    }
    let text = format!("a message of {received} bytes where {expected} were expected");
    Err(io::Error::new(io::ErrorKind::InvalidData, text))
}
