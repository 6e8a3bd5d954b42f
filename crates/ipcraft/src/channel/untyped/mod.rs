//! Endpoints whose messages are bytes of a type that is known only at run time.
//!
//! # When to use it
//!
//! For tools, bridges and recorders, which exchange the messages of any channel. The
//! [description](Channel::description) of the channel states the fields of a message.
//!
//! # When not
//!
//! A program that knows the type opens a typed endpoint: it is faster, and the compiler checks what
//! is sent. To read without taking part, use an [`Observer`](super::Observer).
//!
//! # Example
//!
//! ```
//! use ipcraft::channel::{spsc, untyped};
//! use ipcraft::name;
//!
//! let name = format!("/{}", name::unique("doc-untyped"));
//! let channel = spsc::Options::<u32>::new().remove_on_drop(true).create_new(&name)?;
//! let mut receiver = channel.receiver()?;
//!
//! let opened = untyped::Channel::open(&name)?; // usually in another process
//! assert_eq!(opened.description().as_str(), "u32");
//! opened.sender()?.send(&7u32.to_ne_bytes())?;
//! assert_eq!(receiver.recv()?, 7);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! These endpoints are those of the channel's kind: they hold the same leases, wait in the same way
//! and notice deaths in the same time. A sender of a `latest` channel stores a value, and a
//! receiver waits for a change of it. A [`request`](super::request) channel has no such endpoints,
//! because a reply belongs to a request.
//!
//! A message of `bool`, `char` or another checked type must be valid. A typed receiver reports
//! other bytes as [`Corrupted`](crate::ErrorKind::Corrupted).
//!
//! **Fork, exec and death** are as for [every endpoint](super#contract).
//!
//! # Errors
//!
//! Those of [channels](super#errors), and:
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | none | [`Sender::send`] | [`Invalid`](crate::ErrorKind::Invalid) | the message has not the size of the type | send as many bytes as [`Channel::message_len`] |
//! | none | [`Channel::sender`], [`Channel::receiver`] | [`Unsupported`](crate::ErrorKind::Unsupported) | it is a channel of requests | use [`request::Client`](super::request::Client) |

mod receiver;
mod rings;
mod sender;

pub use receiver::Receiver;
pub use sender::Sender;

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::channel::observer::facts::{Facts, HeaderCopy};
use crate::channel::shared::description::Description;
use crate::channel::shared::header::Config;
use crate::channel::shared::region::{Backing, SharedRegion};
use crate::channel::shared::sequenced_slots::SequencedSlots;
use crate::channel::{ChannelKind, broadcast};
use crate::error::{Error, ErrorKind, Result};
use crate::shm::memfd::Memfd;
use crate::shm::{Mapping, posix};

/// A channel of any kind and message type.
#[derive(Clone, Debug)]
pub struct Channel {
    region: Arc<SharedRegion>,
    facts: Facts,
}

impl Channel {
    /// `shm_open(3)`: opens the channel of this name, of any owner and mode.
    ///
    /// The owner and each user with write permission are [peers](super#what-a-peer-can-do), and can
    /// truncate it: an access then raises `SIGBUS`.
    ///
    /// # Errors
    ///
    /// As for [`Observer::open`](super::Observer::open).
    #[doc(alias = "shm_open")]
    pub fn open(name: impl AsRef<OsStr>) -> Result<Channel> {
        let memory = posix::Options::new().any_owner().any_mode().open(name)?;
        Channel::attach(Backing::Named(memory))
    }

    /// Opens the anonymous channel of a descriptor that was inherited or received over a socket.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](ErrorKind::WrongType) if the descriptor is not a memfd, is not
    /// sealed against shrinking and growing, or does not contain a channel. On error, the
    /// descriptor is closed.
    pub fn from_received(fd: OwnedFd) -> Result<Channel> {
        Channel::attach(Backing::anonymous(Memfd::try_from(fd)?))
    }

    fn attach(backing: Backing) -> Result<Channel> {
        let (region, facts) = SharedRegion::attach_untyped(backing, |mapping| {
            let facts = facts(mapping)?;
            let config = Config {
                capacity: facts.capacity,
                flags: facts.flags,
                initial_position: facts.initial_position,
            };
            Ok((config, facts))
        })?;
        Ok(Channel { region: Arc::new(region), facts })
    }

    /// Returns the kind of the channel.
    pub fn kind(&self) -> ChannelKind {
        self.facts.kind
    }

    /// Returns the description of the messages.
    pub fn description(&self) -> &Description {
        &self.facts.description
    }

    /// Returns the size of each message in bytes; 0 if it varies.
    pub fn message_len(&self) -> usize {
        self.facts.message_len as usize
    }

    /// Opens a sending endpoint.
    ///
    /// # Errors
    ///
    /// * [`InUse`](ErrorKind::InUse) if the channel has one sender, and it exists;
    /// * [`LimitReached`](ErrorKind::LimitReached) if all are connected;
    /// * [`Unsupported`](ErrorKind::Unsupported) for a channel of requests;
    /// * [`Corrupted`](ErrorKind::Corrupted) if the shared state is invalid.
    pub fn sender(&self) -> Result<Sender> {
        Sender::new(self)
    }

    /// Opens a receiving endpoint. That of a broadcast gets what is sent from now on.
    ///
    /// # Errors
    ///
    /// As for [`sender`](Channel::sender).
    pub fn receiver(&self) -> Result<Receiver> {
        Receiver::new(self)
    }

    /// The slots of a kind that has a word in each.
    fn sequenced_slots(&self) -> Result<SequencedSlots> {
        let offset = match self.facts.kind {
            ChannelKind::Broadcast => broadcast::cursors_len(&self.region),
            _ => 0,
        };
        self.region.data_area().sequenced_slots(offset, self.facts.capacity, self.message_len())
    }

    fn unsupported(&self) -> Error {
        Error::new("open endpoint", ErrorKind::Unsupported)
            .with_object(self.region.name())
            .with_hint("use the client or server of the request channel")
    }
}

/// Reads the header once. Nothing of it is read again.
fn facts(mapping: &Mapping) -> Result<Facts> {
    let header = HeaderCopy::new(|bytes| mapping.read_at(0, bytes));
    let header = header.map_err(|e| e.with_kind(ErrorKind::WrongType))?;
    Facts::of(&header, mapping.len())
}
