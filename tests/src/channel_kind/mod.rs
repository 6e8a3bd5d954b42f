//! The six kinds of channel behind one trait, so that what every kind must bear is tested by one
//! piece of code.
//!
//! A [`ChannelKind`] makes channels and endpoints, and lists each way to send and to receive. Over
//! it are generic:
//!
//! * the corrupting peer (`tests/src/corrupting_peer`, `channel_corrupting_peer`, and the fuzz
//!   target);
//! * the crash sweeps (`channel_crash_sweep`);
//! * the `EINTR` storm (`eintr_storm`);
//! * the tests of two processes that hold for every kind (`channel`).
//!
//! A new kind implements the trait and is added to [`for_each_kind!`](crate::for_each_kind). All of
//! these tests then include it.

mod bytes;
mod latest;
mod numbered;
mod request;
mod typed;

use std::os::fd::{AsFd, OwnedFd};

use ipcraft::Result;
use ipcraft::channel::{Reactor, Registration, WaitStrategy};

pub use bytes::Bytes;
pub use latest::Latest;
pub use numbered::Numbered;
pub use request::{Asker, CheckedRequests, Requests, UncheckedRequests, reply_to, serve};
pub use typed::{Broadcast, Mpmc, OverwritingBroadcast, Spsc};

use crate::subject::Form;

/// What a new channel is like.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The number of messages that it has room for.
    pub capacity: usize,
    /// The position of the first message: near the end of a range, positions wrap after a few
    /// messages.
    pub initial_position: u64,
}

impl Config {
    /// A channel with this capacity, whose first position is 0.
    pub const fn new(capacity: usize) -> Config {
        Config { capacity, initial_position: 0 }
    }
}

/// What an endpoint reports; `None` where its kind has no such query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queries {
    /// The messages, or bytes, that were not received.
    pub len: Option<usize>,
    /// Whether there are none.
    pub is_empty: Option<bool>,
    /// Whether there is no space.
    pub is_full: Option<bool>,
    /// The capacity in messages or bytes.
    pub capacity: usize,
    /// Whether all peers have left.
    pub is_disconnected: bool,
    /// How it waits.
    pub strategy: Option<WaitStrategy>,
}

/// A kind of channel with messages of one type.
pub trait ChannelKind: Sized + 'static {
    /// The name in the names of tests.
    const NAME: &'static str;
    /// The path of the sending endpoint in the library.
    const SENDER: &'static str;
    /// The path of the receiving endpoint in the library.
    const RECEIVER: &'static str;

    /// Whether a receiver sees only what is sent after it joined.
    const JOINS_LATE: bool = false;
    /// Whether a sender can fill the channel, and then waits for room.
    const BLOCKS_WHEN_FULL: bool = true;
    /// Whether a receiver receives every message, and not only the newest.
    const DELIVERS_ALL: bool = true;
    /// Whether single small messages are delivered beside the position, without a slot.
    const DELIVERS_INLINE: bool = false;
    /// The factor on the stride of crash sweeps, for operations of many instructions.
    const SWEEP_STRIDE: u64 = 1;
    /// Whether a message that is redelivered arrives after later ones.
    const REORDERS: bool = false;

    /// What it carries.
    type Message: Numbered + 'static;
    /// The channel.
    type Channel: AsFd + 'static;
    /// The endpoint that sends.
    type Sender: 'static;
    /// The endpoint that receives.
    type Receiver: 'static;

    /// Each way to send, the plain one first.
    const SENDS: &'static [SendWay<Self>];
    /// Each way to receive, the plain one first.
    const RECVS: &'static [RecvWay<Self>];

    /// Further operations of the sender, for memory that a peer corrupts.
    const SENDER_EXTRAS: &'static [Extra<Self::Sender>] = &[];
    /// Further operations of the receiver, for memory that a peer corrupts.
    const RECEIVER_EXTRAS: &'static [Extra<Self::Receiver>] = &[];

    /// Makes an anonymous channel.
    ///
    /// # Errors
    ///
    /// The library's, here and below.
    fn anonymous(config: Config) -> Result<Self::Channel>;

    /// Opens or creates a channel by name.
    ///
    /// # Errors
    ///
    /// The library's.
    fn create(config: Config, name: &str) -> Result<Self::Channel>;

    /// Creates a channel by name.
    ///
    /// # Errors
    ///
    /// The library's.
    fn create_new(config: Config, name: &str) -> Result<Self::Channel>;

    /// Opens a channel by name.
    ///
    /// # Errors
    ///
    /// The library's.
    fn open(name: &str) -> Result<Self::Channel>;

    /// Takes the channel behind a descriptor.
    ///
    /// # Errors
    ///
    /// The library's.
    fn from_received(fd: OwnedFd) -> Result<Self::Channel>;

    /// Takes the sender.
    ///
    /// # Errors
    ///
    /// The library's.
    fn sender(channel: &Self::Channel) -> Result<Self::Sender>;

    /// Takes the receiver.
    ///
    /// # Errors
    ///
    /// The library's.
    fn receiver(channel: &Self::Channel) -> Result<Self::Receiver>;

    /// Takes the sender by name.
    ///
    /// # Errors
    ///
    /// The library's.
    fn open_sender(name: &str) -> Result<Self::Sender>;

    /// Takes the receiver by name.
    ///
    /// # Errors
    ///
    /// The library's.
    fn open_receiver(name: &str) -> Result<Self::Receiver>;

    /// Converts the sender to its descriptor.
    ///
    /// # Errors
    ///
    /// The library's.
    fn sender_into_fd(sender: Self::Sender) -> Result<OwnedFd>;

    /// Takes over the sender by its descriptor.
    ///
    /// # Errors
    ///
    /// The library's.
    fn sender_from_fd(fd: OwnedFd) -> Result<Self::Sender>;

    /// Converts the receiver to its descriptor.
    ///
    /// # Errors
    ///
    /// The library's.
    fn receiver_into_fd(receiver: Self::Receiver) -> Result<OwnedFd>;

    /// Takes over the receiver by its descriptor.
    ///
    /// # Errors
    ///
    /// The library's.
    fn receiver_from_fd(fd: OwnedFd) -> Result<Self::Receiver>;

    /// Sends the sender through a descriptor and back.
    ///
    /// # Errors
    ///
    /// The library's.
    fn pass_sender(sender: Self::Sender) -> Result<Self::Sender> {
        Self::sender_from_fd(Self::sender_into_fd(sender)?)
    }

    /// Sends the receiver through a descriptor and back.
    ///
    /// # Errors
    ///
    /// The library's.
    fn pass_receiver(receiver: Self::Receiver) -> Result<Self::Receiver> {
        Self::receiver_from_fd(Self::receiver_into_fd(receiver)?)
    }

    /// What the sender reports about itself and the channel.
    fn query_sender(sender: &Self::Sender) -> Queries;

    /// What the receiver reports about itself and the channel.
    fn query_receiver(receiver: &Self::Receiver) -> Queries;

    /// Adds the sender to a reactor; `None` if its kind never waits.
    ///
    /// # Errors
    ///
    /// The library's.
    fn register_sender(_sender: &Self::Sender, _reactor: &Reactor) -> Result<Option<Registration>> {
        Ok(None)
    }

    /// Adds the receiver to a reactor.
    ///
    /// # Errors
    ///
    /// The library's.
    fn register_receiver(receiver: &Self::Receiver, reactor: &Reactor) -> Result<Registration>;

    /// Chooses how the sender waits, if it ever does.
    fn set_sender_strategy(_sender: &mut Self::Sender, _strategy: WaitStrategy) {}

    /// Chooses how the receiver waits.
    fn set_receiver_strategy(receiver: &mut Self::Receiver, strategy: WaitStrategy);
}

/// Sends the messages, all or none.
pub type Send<K> = fn(&mut <K as ChannelKind>::Sender, &[<K as ChannelKind>::Message], Form) -> Result<()>;

/// Receives, and passes each message on while the receiver still holds it.
pub type Recv<K> =
    fn(&mut <K as ChannelKind>::Receiver, Form, &mut dyn FnMut(<K as ChannelKind>::Message)) -> Result<()>;

/// An operation with an endpoint; the number chooses details.
pub type Extra<E> = fn(&mut E, u8, Form) -> Result<()>;

/// One way to send.
pub struct SendWay<K: ChannelKind> {
    /// The name in the names of tests.
    pub name: &'static str,
    /// The function of the library that may block; empty if none does.
    pub function: &'static str,
    /// The number of messages that it can send together.
    pub batch: usize,
    /// Whether the message is sent: a loan that is dropped is not.
    pub commits: bool,
    /// Sends.
    pub send: Send<K>,
}

/// What happens to messages that a receiver was processing when it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The message in progress is lost with the receiver.
    Lost,
    /// The batch in progress is lost with the receiver.
    BatchLost,
    /// The next receiver receives them again.
    Redelivered,
}

/// One way to receive.
pub struct RecvWay<K: ChannelKind> {
    /// The name in the names of tests.
    pub name: &'static str,
    /// The function of the library that may block; empty if none does.
    pub function: &'static str,
    /// Whether it takes all messages that are there.
    pub takes_all: bool,
    /// What happens to messages that it holds in a crash.
    pub held: Held,
    /// Receives.
    pub recv: Recv<K>,
}

/// Calls a macro with each kind: `callback!(Spsc, …)`, where each name is generic over the message
/// type.
#[macro_export]
macro_rules! for_each_kind {
    ($callback:ident) => {
        $callback!(Spsc, Bytes, Mpmc, Broadcast, OverwritingBroadcast, Latest, Requests);
    };
}

/// The functions of [`ChannelKind`] that differ only in the names of types.
macro_rules! endpoints {
    ($channel:ty, $sender:ty = $make_sender:ident, $receiver:ty = $make_receiver:ident) => {
        type Channel = $channel;
        type Sender = $sender;
        type Receiver = $receiver;

        fn anonymous(config: Config) -> Result<Self::Channel> {
            Self::options(config).anonymous()
        }

        fn create(config: Config, name: &str) -> Result<Self::Channel> {
            Self::options(config).create(name)
        }

        fn create_new(config: Config, name: &str) -> Result<Self::Channel> {
            Self::options(config).create_new(name)
        }

        fn open(name: &str) -> Result<Self::Channel> {
            <$channel>::open(name)
        }

        fn from_received(fd: OwnedFd) -> Result<Self::Channel> {
            <$channel>::from_received(fd)
        }

        fn sender(channel: &Self::Channel) -> Result<Self::Sender> {
            channel.$make_sender()
        }

        fn receiver(channel: &Self::Channel) -> Result<Self::Receiver> {
            channel.$make_receiver()
        }

        fn open_sender(name: &str) -> Result<Self::Sender> {
            <$sender>::open(name)
        }

        fn open_receiver(name: &str) -> Result<Self::Receiver> {
            <$receiver>::open(name)
        }

        fn sender_into_fd(sender: Self::Sender) -> Result<OwnedFd> {
            sender.into_fd()
        }

        fn sender_from_fd(fd: OwnedFd) -> Result<Self::Sender> {
            <$sender>::from_fd(fd)
        }

        fn receiver_into_fd(receiver: Self::Receiver) -> Result<OwnedFd> {
            receiver.into_fd()
        }

        fn receiver_from_fd(fd: OwnedFd) -> Result<Self::Receiver> {
            <$receiver>::from_fd(fd)
        }

        fn register_receiver(receiver: &Self::Receiver, reactor: &Reactor) -> Result<Registration> {
            receiver.register(reactor)
        }

        fn set_receiver_strategy(receiver: &mut Self::Receiver, strategy: WaitStrategy) {
            receiver.set_wait_strategy(strategy);
        }
    };
}
use endpoints;

/// The queries of an endpoint, of which some have all and some only the last three.
macro_rules! queries {
    ($endpoint:expr, len: $len:expr, is_empty: $is_empty:expr, is_full: $is_full:expr, strategy: $strategy:expr) => {
        $crate::channel_kind::Queries {
            len: $len,
            is_empty: $is_empty,
            is_full: $is_full,
            capacity: $endpoint.capacity(),
            is_disconnected: $endpoint.is_disconnected(),
            strategy: $strategy,
        }
    };
}
use queries;
