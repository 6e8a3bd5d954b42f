//! Sending to and receiving from objects of every kind that carries messages.

use std::time::Duration;

use ipcraft::channel::{ChannelKind, Description, Observer, untyped};
use ipcraft::fifo::{self, Fifo};
use ipcraft::queue::sysv::Selector;
use ipcraft::queue::{posix, sysv};
use ipcraft::socket::{Address, datagram, seqpacket, stream};
use ipcraft::sysv::Key;
use ipcraft::{Error, ErrorKind};

use crate::{MessageType, ObjectName, SocketName, SysvName};

/// Bytes that one read of a stream takes at most, and the largest record of a socket.
const CHUNK: usize = 1 << 16;

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The call failed; the text names the operation, the object and the errno.
    #[error(transparent)]
    Failed(#[from] Error),
    /// The object does not exchange messages in this way.
    #[error("{object}: {reason}")]
    Unsupported {
        /// The name of the object.
        object: String,
        /// What to do instead.
        reason: &'static str,
    },
}

impl ExchangeError {
    /// Returns whether the time limit has passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self, ExchangeError::Failed(error) if error.kind() == ErrorKind::TimedOut)
    }

    /// Returns whether all peers have left.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, ExchangeError::Failed(error) if error.kind() == ErrorKind::Disconnected)
    }
}

/// An object that messages are sent to.
#[derive(Debug)]
pub struct Outgoing(Target);

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a command has one")]
enum Target {
    Channel(untyped::Sender),
    Queue(posix::Queue, u32),
    SysvQueue(sysv::Queue, i64),
    Fifo(fifo::Writer),
    Stream(stream::Stream),
    Records(seqpacket::Connection),
    Datagrams(datagram::Socket),
}

/// An object that messages are received from.
#[derive(Debug)]
pub struct Incoming(Source);

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a command has one")]
enum Source {
    Channel(untyped::Receiver),
    Queue(posix::Queue),
    SysvQueue(sysv::Queue, Selector),
    Fifo(fifo::Reader),
    Stream(stream::Stream),
    Records(seqpacket::Connection),
}

/// Returns the description of a channel's messages; `None` for other objects.
///
/// # Errors
///
/// Fails as [`Observer::open`] does.
pub fn description(object: &ObjectName) -> Result<Option<Description>, ExchangeError> {
    match object {
        ObjectName::Channel(name) => Ok(Some(Observer::open(name)?.description().clone())),
        _ => Ok(None),
    }
}

/// Returns the type of a channel's messages, if its description is whole and has no opaque part.
pub fn message_type(description: &Description) -> Option<MessageType> {
    if description.is_whole() { MessageType::parse(description.as_str()) } else { None }
}

impl Outgoing {
    /// Opens an object for sending. Messages get this priority in a POSIX queue, and this type in a
    /// System V queue.
    ///
    /// # Errors
    ///
    /// Fails with [`Unsupported`](ExchangeError::Unsupported) for an object that carries no
    /// messages, and as opening the object does.
    pub fn open(
        object: &ObjectName,
        priority: u32,
        kind: i64,
        timeout: Duration,
    ) -> Result<Outgoing, ExchangeError> {
        Ok(Outgoing(match object {
            ObjectName::Channel(name) => {
                let channel = untyped::Channel::open(name)?;
                refuse_requests(object, channel.kind())?;
                Target::Channel(channel.sender()?)
            }
            ObjectName::Queue(name) => Target::Queue(posix::Options::new().send_only().open(name)?, priority),
            ObjectName::SysvQueue(name) => Target::SysvQueue(sysv_queue(*name)?, kind),
            ObjectName::Fifo(path) => Target::Fifo(Fifo::open(path)?.open_write_timeout(timeout)?),
            ObjectName::Socket(name) => connect(name, timeout)?,
            _ => return Err(unsupported(object, "it carries no messages")),
        }))
    }

    /// Returns whether messages have no boundaries, so that a line needs its end.
    pub fn is_stream(&self) -> bool {
        matches!(self.0, Target::Fifo(_) | Target::Stream(_))
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// Fails as the object's own call does.
    pub fn send(&mut self, message: &[u8], timeout: Duration) -> Result<(), ExchangeError> {
        match &mut self.0 {
            Target::Channel(sender) => sender.send_timeout(message, timeout)?,
            Target::Queue(queue, priority) => queue.send_timeout(message, *priority, timeout)?,
            Target::SysvQueue(queue, kind) => queue.send_timeout(*kind, message, timeout)?,
            Target::Fifo(writer) => writer.write_all_timeout(message, timeout)?,
            Target::Stream(stream) => stream.write_all_timeout(message, timeout)?,
            Target::Records(connection) => connection.send_timeout(message, timeout)?,
            Target::Datagrams(socket) => socket.send_timeout(message, timeout)?,
        }
        Ok(())
    }
}

impl Incoming {
    /// Opens an object for receiving. `kind` selects the type of a System V message: 0 for any, or
    /// the smallest up to its negative.
    ///
    /// # Errors
    ///
    /// As for [`Outgoing::open`].
    pub fn open(object: &ObjectName, kind: i64, timeout: Duration) -> Result<Incoming, ExchangeError> {
        Ok(Incoming(match object {
            ObjectName::Channel(name) => {
                let channel = untyped::Channel::open(name)?;
                refuse_requests(object, channel.kind())?;
                Source::Channel(channel.receiver()?)
            }
            ObjectName::Queue(name) => Source::Queue(posix::Options::new().recv_only().open(name)?),
            ObjectName::SysvQueue(name) => {
                let which = match kind {
                    0 => Selector::First,
                    1.. => Selector::Type(kind),
                    _ => Selector::UpTo(kind.saturating_neg()),
                };
                Source::SysvQueue(sysv_queue(*name)?, which)
            }
            ObjectName::Fifo(path) => Source::Fifo(Fifo::open(path)?.open_read_timeout(timeout)?),
            ObjectName::Socket(name) => match connect(name, timeout)? {
                Target::Stream(stream) => Source::Stream(stream),
                Target::Records(connection) => Source::Records(connection),
                _ => return Err(unsupported(object, "a datagram socket is read by its owner only")),
            },
            _ => return Err(unsupported(object, "it carries no messages")),
        }))
    }

    /// Returns whether messages have no boundaries.
    pub fn is_stream(&self) -> bool {
        matches!(self.0, Source::Fifo(_) | Source::Stream(_))
    }

    /// Receives a message, or some bytes of a stream. `None` at the end of a stream or connection.
    ///
    /// # Errors
    ///
    /// Fails as the object's own call does.
    pub fn recv(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, ExchangeError> {
        let mut buffer = vec![0; CHUNK];
        let len = match &mut self.0 {
            Source::Channel(receiver) => {
                receiver.recv_timeout(&mut buffer, timeout)?;
                return Ok(Some(buffer));
            }
            Source::Queue(queue) => return Ok(Some(queue.recv_message_timeout(timeout)?.bytes)),
            Source::SysvQueue(queue, which) => {
                return Ok(Some(queue.recv_message_timeout(*which, timeout)?.bytes));
            }
            Source::Fifo(reader) => reader.read_timeout(&mut buffer, timeout)?,
            Source::Stream(stream) => stream.read_timeout(&mut buffer, timeout)?,
            Source::Records(connection) => match connection.recv_timeout(&mut buffer, timeout)? {
                Some(len) => {
                    buffer.truncate(len);
                    return Ok(Some(buffer));
                }
                None => 0,
            },
        };
        buffer.truncate(len);
        Ok((len > 0).then_some(buffer))
    }
}

/// Returns copies of up to `most` messages, which stay where they are.
///
/// # Errors
///
/// Fails with [`Unsupported`](ExchangeError::Unsupported) for objects whose messages can only be
/// taken, and as opening the object does.
pub fn peek(object: &ObjectName, most: usize) -> Result<Vec<Vec<u8>>, ExchangeError> {
    match object {
        ObjectName::Channel(name) => {
            let messages = Observer::open(name)?.messages(most)?;
            Ok(messages.into_iter().map(|message| message.bytes).collect())
        }
        ObjectName::SysvQueue(name) => {
            let queue = sysv_queue(*name)?;
            let (mut found, mut buffer) = (Vec::new(), vec![0; queue.statistics()?.max_bytes as usize]);
            while found.len() < most {
                match queue.copy(found.len(), &mut buffer) {
                    Ok((len, _)) => found.push(buffer[..len].to_vec()),
                    Err(error) if error.kind() == ErrorKind::Empty => break,
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(found)
        }
        _ => Err(unsupported(object, "its messages can only be received, not copied")),
    }
}

fn sysv_queue(name: SysvName) -> Result<sysv::Queue, Error> {
    match name {
        SysvName::Key(key) => sysv::Queue::open(Key::new(key)),
        SysvName::Id(id) => sysv::Queue::from_id(id),
    }
}

/// Connects by the type that the socket has.
fn connect(name: &SocketName, timeout: Duration) -> Result<Target, ExchangeError> {
    let address = match name {
        SocketName::Path(path) => Address::from(path.as_path()),
        SocketName::Abstract(name) => Address::abstract_name(name),
    };
    let is_of_another_type = |error: &Error| error.errno() == Some(libc::EPROTOTYPE);
    match stream::Stream::connect_timeout(address.clone(), timeout) {
        Err(error) if is_of_another_type(&error) => {}
        connected => return Ok(Target::Stream(connected?)),
    }
    match seqpacket::Connection::connect_timeout(address.clone(), timeout) {
        Err(error) if is_of_another_type(&error) => {}
        connected => return Ok(Target::Records(connected?)),
    }
    let socket = datagram::Socket::unbound()?;
    socket.connect(address)?;
    Ok(Target::Datagrams(socket))
}

fn refuse_requests(object: &ObjectName, kind: ChannelKind) -> Result<(), ExchangeError> {
    match kind {
        ChannelKind::Request => {
            Err(unsupported(object, "a request channel needs a client or a server; use peek to see it"))
        }
        _ => Ok(()),
    }
}

fn unsupported(object: &ObjectName, reason: &'static str) -> ExchangeError {
    ExchangeError::Unsupported { object: object.to_string(), reason }
}
