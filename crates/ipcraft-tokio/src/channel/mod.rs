//! Channels in shared memory: the calls of each kind of [`Endpoint`].
//!
//! The modules give the async endpoints the names that they have in [`ipcraft::channel`]. An
//! endpoint is created there and converted by [`into_async`](crate::IntoAsync::into_async).
//!
//! ```
//! use ipcraft::channel::spsc;
//! use ipcraft_tokio::IntoAsync;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> ipcraft::Result<()> {
//! let (mut sender, receiver) = spsc::channel::<u64>(16)?;
//! let mut receiver = receiver.into_async()?;
//! let sending = std::thread::spawn(move || sender.send(7)); // usually in another process
//! assert_eq!(receiver.recv().await?, 7);
//! sending.join().unwrap()?;
//! # Ok(()) }
//! ```
//!
//! Storing a value of [`latest`](ipcraft::channel::latest) and loading it never block, so a
//! `latest::Writer` has no async form.
//!
//! # Which event wakes what
//!
//! | waits | is woken by |
//! |---|---|
//! | `recv`, `recv_many`, `recv_in_place`, `Stream::next` | a message; the last sender leaving or dying |
//! | `send`, `send_all`, `loan` | space; the last receiver leaving or dying |
//! | `changed` | a new value; the writer leaving or dying |
//! | `call` | the reply; the server leaving or dying |
//!
//! A death is noticed as [`Reactor`](ipcraft::channel::Reactor) states.

mod bytes_endpoints;
mod latest_reader;
mod receive;
mod request_endpoints;
mod send;

/// One sender, one receiver.
pub mod spsc {
    /// The async form of [`spsc::Sender`](ipcraft::channel::spsc::Sender).
    pub type Sender<T> = crate::Endpoint<ipcraft::channel::spsc::Sender<T>>;
    /// The async form of [`spsc::Receiver`](ipcraft::channel::spsc::Receiver).
    pub type Receiver<T> = crate::Endpoint<ipcraft::channel::spsc::Receiver<T>>;
}

/// Records of any length, from one sender to one receiver.
pub mod bytes {
    /// The async form of [`bytes::Sender`](ipcraft::channel::spsc::bytes::Sender).
    pub type Sender = crate::Endpoint<ipcraft::channel::spsc::bytes::Sender>;
    /// The async form of [`bytes::Receiver`](ipcraft::channel::spsc::bytes::Receiver).
    pub type Receiver = crate::Endpoint<ipcraft::channel::spsc::bytes::Receiver>;
}

/// A queue with several senders and receivers.
pub mod mpmc {
    /// The async form of [`mpmc::Sender`](ipcraft::channel::mpmc::Sender).
    pub type Sender<T> = crate::Endpoint<ipcraft::channel::mpmc::Sender<T>>;
    /// The async form of [`mpmc::Receiver`](ipcraft::channel::mpmc::Receiver).
    pub type Receiver<T> = crate::Endpoint<ipcraft::channel::mpmc::Receiver<T>>;
}

/// Each message to every subscriber.
pub mod broadcast {
    /// The async form of [`broadcast::Publisher`](ipcraft::channel::broadcast::Publisher).
    pub type Publisher<T> = crate::Endpoint<ipcraft::channel::broadcast::Publisher<T>>;
    /// The async form of [`broadcast::Subscriber`](ipcraft::channel::broadcast::Subscriber).
    pub type Subscriber<T> = crate::Endpoint<ipcraft::channel::broadcast::Subscriber<T>>;
}

/// The newest value.
pub mod latest {
    /// The async form of [`latest::Reader`](ipcraft::channel::latest::Reader).
    pub type Reader<T> = crate::Endpoint<ipcraft::channel::latest::Reader<T>>;
}

/// Requests and replies.
pub mod request {
    /// The async form of [`request::Client`](ipcraft::channel::request::Client).
    pub type Client<Q, A> = crate::Endpoint<ipcraft::channel::request::Client<Q, A>>;
    /// The async form of [`request::Server`](ipcraft::channel::request::Server).
    pub type Server<Q, A> = crate::Endpoint<ipcraft::channel::request::Server<Q, A>>;
}

use ipcraft::Result;
use ipcraft::channel as sync;
use ipcraft::channel::Message;

use crate::{Endpoint, IntoAsync};

macro_rules! into_async {
    ($($endpoint:ty $(, $message:ident)*;)+) => {$(
        impl<$($message: Message),*> IntoAsync for $endpoint {
            type Async = Endpoint<Self>;

            fn into_async(self) -> Result<Endpoint<Self>> {
                Endpoint::new(self)
            }
        }
    )+};
}

into_async! {
    sync::spsc::Sender<T>, T;
    sync::spsc::Receiver<T>, T;
    sync::spsc::bytes::Sender;
    sync::spsc::bytes::Receiver;
    sync::mpmc::Sender<T>, T;
    sync::mpmc::Receiver<T>, T;
    sync::broadcast::Publisher<T>, T;
    sync::broadcast::Subscriber<T>, T;
    sync::latest::Reader<T>, T;
    sync::request::Client<Q, A>, Q, A;
    sync::request::Server<Q, A>, Q, A;
}
