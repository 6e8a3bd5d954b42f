//! Requests and replies: one client, one server.
//!
//! ```
//! use ipcraft::channel::request;
//!
//! let (mut client, mut server) = request::channel::<u32, u64>(16)?;
//! let serving = std::thread::spawn(move || server.serve(|number| u64::from(*number).pow(2)));
//! assert_eq!(client.call(&12)?, 144);
//! drop(client);
//! serving.join().unwrap()?;
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! The channel has two rings in one memory object, one for each direction. The position of a
//! request in its ring identifies it, and the reply contains this position. A reply that arrives
//! after its call has timed out is discarded. So is a reply to a client that has died. Neither is
//! ever taken for the reply to another request.
//!
//! # If the server dies
//!
//! * A blocked client fails with [`Disconnected`](crate::ErrorKind::Disconnected) within 250 ms,
//!   and immediately if the server was dropped.
//! * Requests without a reply stay in the channel, and the next server gets them. That includes the
//!   request that the server was processing, because a request leaves its ring only after its reply
//!   was sent.
//! * The next server processes such a request again from the start. It does not process a request
//!   again that has a reply.
//! * If a request must not be processed twice, put an identifier into it, so that the server can
//!   recognize a repetition.
//!
//! # If the client dies
//!
//! * A blocked server notices within 250 ms, and immediately if the client was dropped. It fails
//!   with `Disconnected` only after it has received every request.
//! * Replies to the remaining requests are discarded.
//! * A new client can open the endpoint. It gets no replies to its predecessor's requests.
//!
//! # If a request gets no reply
//!
//! Dropping a [`Request`] rejects it, also during a panic. The client's call fails with
//! [`Rejected`](crate::ErrorKind::Rejected). So a request that makes each server panic is not
//! delivered again. A request that kills the server's process is delivered to the next server.

mod client;
mod incoming;
mod server;

pub use client::{Client, RequestId};
pub use incoming::Request;
pub use server::Server;

use std::marker::PhantomData;
use std::ops::Range;

use crate::channel::ring::reply::ReplyFrame;

use crate::channel::endpoint::LeaseRanges;
use crate::channel::kind::{Kind, Sealed};
use crate::channel::shared::header::Config;
use crate::channel::shared::region::SharedRegion;
use crate::channel::shared::slot_array::SlotArray;
use crate::channel::{Message, handle};
use crate::error::Result;
use crate::shm::SharedLayout;

/// The kind of channel that has a client, which sends requests, and a server, which replies.
#[derive(Debug)]
pub struct Requests<Q, A>(PhantomData<Signature<Q, A>>);

type Signature<Q, A> = fn(Q, A) -> (Q, A);

/// A channel of this kind, from which endpoints are opened.
pub type Channel<Q, A> = super::Channel<Requests<Q, A>>;

/// Options for creating a channel, and the properties that an opened one must have.
///
/// The capacity is that of each direction.
pub type Options<Q, A> = super::Options<Requests<Q, A>>;

/// Creates a channel without a name, and returns its two endpoints.
///
/// Use [`Client::into_fd`] or [`Server::into_fd`] to pass one of them to another process.
///
/// # Errors
///
/// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel<Q: Message, A: Message>(capacity: usize) -> Result<(Client<Q, A>, Server<Q, A>)> {
    let channel = Options::<Q, A>::new().capacity(capacity).anonymous()?;
    Ok((channel.client()?, channel.server()?))
}

/// The leases of the client and of the server.
const CLIENT: Range<u32> = 0..1;
const SERVER: Range<u32> = 1..2;

/// The directions of requests and of replies.
pub(crate) const REQUESTS: usize = 0;
pub(crate) const REPLIES: usize = 1;

/// The lease ranges of each direction.
const REQUEST_LEASES: LeaseRanges = LeaseRanges { senders: CLIENT, receivers: SERVER };
const REPLY_LEASES: LeaseRanges = LeaseRanges { senders: SERVER, receivers: CLIENT };

impl<Q: Message, A: Message> Sealed for Requests<Q, A> {}

#[allow(private_interfaces, reason = "other crates cannot add kinds, and need not see their parts")]
impl<Q: Message, A: Message> Kind for Requests<Q, A> {
    const KIND_ID: u64 = 6;
    const LAYOUT: SharedLayout = SharedLayout::structure(&[("request", Q::LAYOUT), ("reply", A::LAYOUT)]);
    const SIZE: usize = size_of::<Q::Wire>().saturating_add(size_of::<A::Wire>());
    /// The size of a request, which an [observer](super::Observer) needs to find the replies.
    const DEFAULT_FLAGS: u64 = size_of::<Q::Wire>() as u64;

    fn describe_flags(flags: u64) -> String {
        format!("requests of {flags} bytes")
    }

    fn data_len(config: Config) -> Option<usize> {
        if config.flags != Self::DEFAULT_FLAGS {
            return None;
        }
        let replies = SlotArray::<ReplyFrame<A::Wire>>::bytes_for(config.capacity)?;
        reply_offset::<Q>(config.capacity)?.checked_add(replies)
    }
}

/// Returns the offset of the reply slots: the first cache line pair after the request slots.
pub(crate) fn reply_offset<Q: Message>(capacity: u64) -> Option<usize> {
    const LINE: usize = 128;
    SlotArray::<Q::Wire>::bytes_for(capacity)?.checked_next_multiple_of(LINE)
}

fn request_slots<Q: Message>(region: &SharedRegion) -> Result<SlotArray<Q::Wire>> {
    region.data_area().slot_array(0, region.config().capacity)
}

fn reply_slots<Q: Message, A: Message>(region: &SharedRegion) -> Result<SlotArray<ReplyFrame<A::Wire>>> {
    let capacity = region.config().capacity;
    // The offset exists: opening a channel checks its size.
    let offset = reply_offset::<Q>(capacity).unwrap_or(usize::MAX / 2);
    region.data_area().slot_array(offset, capacity)
}

impl<Q: Message, A: Message> Channel<Q, A> {
    /// Opens the requesting endpoint. It gets no replies to the requests of an earlier client.
    ///
    /// # Errors
    ///
    /// Fails with [`InUse`](crate::ErrorKind::InUse) if a client exists, in any process;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the positions in the channel are inconsistent.
    pub fn client(&self) -> Result<Client<Q, A>> {
        Client::new(&self.region, handle::acquire(&self.region, CLIENT, "open client")?)
    }

    /// Opens the replying endpoint. It continues with the first request that has no reply.
    ///
    /// # Errors
    ///
    /// Fails with [`InUse`](crate::ErrorKind::InUse) if a server exists, in any process;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the positions in the channel are inconsistent.
    pub fn server(&self) -> Result<Server<Q, A>> {
        Server::new(&self.region, handle::acquire(&self.region, SERVER, "open server")?)
    }
}
