//! Requests and their replies: one client, one server.
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
//! The memory contains two rings, one for each direction. A request is identified by its position
//! in the first one, and its reply contains that position. So a reply that arrives after its call
//! has timed out, or after its client has died, is recognised and discarded. It is never taken for
//! the reply to another request.
//!
//! # When one side dies
//!
//! * **The server**: a blocked client notices within 250 ms, and fails with
//!   [`Disconnected`](crate::ErrorKind::Disconnected). Requests without a reply stay in the
//!   channel. So does the request that the server was processing, since it leaves the ring only
//!   after its reply was sent. So the next server starts that request again, and repeats none that
//!   has a reply. If a request must not be executed twice, give it a number by which the server can
//!   recognise it.
//! * **The client**: a blocked server notices within 250 ms. It still gets the remaining requests;
//!   their replies are discarded. A new client may connect, and gets none of those replies.
//!
//! # Rejected requests
//!
//! A [`Request`] that is dropped, also by a panic, is rejected: the client fails with
//! [`Rejected`](crate::ErrorKind::Rejected). So a request that makes every server fail is not
//! delivered again, unless it kills the process.

mod client;
mod server;

pub use client::{Client, RequestId};
pub use server::{Request, Server};

use std::marker::PhantomData;
use std::ops::Range;
use std::os::fd::AsFd;

use crate::channel::ring::reply::ReplyFrame;

use crate::channel::Message;
use crate::channel::endpoint::LeaseRanges;
use crate::channel::endpoint::lease::Lease;
use crate::channel::kind::{Kind, Sealed};
use crate::channel::shared::header::Config;
use crate::channel::shared::region::SharedRegion;
use crate::channel::shared::slot_array::SlotArray;
use crate::error::Result;
use crate::shm::SharedLayout;

/// The kind of channel in which a client sends requests, and a server replies.
#[derive(Debug)]
pub struct Requests<Q, A>(PhantomData<Signature<Q, A>>);

type Signature<Q, A> = fn(Q, A) -> (Q, A);

/// A channel whose ends can be taken.
pub type Channel<Q, A> = super::Channel<Requests<Q, A>>;

/// How to make a channel, and what one that is opened has to be like. The capacity is that of each
/// direction.
pub type Options<Q, A> = super::Options<Requests<Q, A>>;

/// Makes a channel without a name and takes both of its ends, one of which is then given away:
/// [`Client::into_fd`], [`Server::into_fd`].
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel<Q: Message, A: Message>(capacity: usize) -> Result<(Client<Q, A>, Server<Q, A>)> {
    let channel = Options::<Q, A>::new().capacity(capacity).anonymous()?;
    Ok((channel.client()?, channel.server()?))
}

/// The leases of the client and of the server.
const CLIENT: Range<u32> = 0..1;
const SERVER: Range<u32> = 1..2;

/// The flow of requests and that of answers.
pub(crate) const REQUESTS: usize = 0;
pub(crate) const REPLIES: usize = 1;

/// The lease ranges of each direction.
const REQUEST_LEASES: LeaseRanges = LeaseRanges { senders: CLIENT, receivers: SERVER };
const REPLY_LEASES: LeaseRanges = LeaseRanges { senders: SERVER, receivers: CLIENT };

impl<Q: Message, A: Message> Sealed for Requests<Q, A> {}

#[allow(private_interfaces, reason = "others need not know what a kind is made of")]
impl<Q: Message, A: Message> Kind for Requests<Q, A> {
    const KIND_ID: u64 = 6;
    const LAYOUT: SharedLayout = SharedLayout::new("request and answer", &[Q::LAYOUT, A::LAYOUT]);
    const SIZE: usize = size_of::<Q::Wire>().saturating_add(size_of::<A::Wire>());

    fn data_len(config: Config) -> Option<usize> {
        let replies = SlotArray::<ReplyFrame<A::Wire>>::bytes_for(config.capacity)?;
        reply_offset::<Q>(config.capacity)?.checked_add(replies)
    }
}

/// Where the slots of the answers are: at the first line after those of the requests.
pub(crate) fn reply_offset<Q: Message>(capacity: u64) -> Option<usize> {
    const LINE: usize = 128;
    SlotArray::<Q::Wire>::bytes_for(capacity)?.checked_next_multiple_of(LINE)
}

fn request_slots<Q: Message>(region: &SharedRegion) -> Result<SlotArray<Q::Wire>> {
    region.data_area().slot_array(0, region.config().capacity)
}

fn reply_slots<Q: Message, A: Message>(region: &SharedRegion) -> Result<SlotArray<ReplyFrame<A::Wire>>> {
    let capacity = region.config().capacity;
    // There is such an offset, or the channel would not have been taken.
    let offset = reply_offset::<Q>(capacity).unwrap_or(usize::MAX / 2);
    region.data_area().slot_array(offset, capacity)
}

impl<Q: Message, A: Message> Channel<Q, A> {
    /// Opens the requesting endpoint. It gets no replies to requests of an earlier client.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if a client exists in any process;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the positions in the channel are invalid.
    pub fn client(&self) -> Result<Client<Q, A>> {
        Client::new(&self.region, Lease::acquire(self.as_fd(), CLIENT)?)
    }

    /// Opens the replying endpoint. It begins with the first request that has no reply.
    ///
    /// # Errors
    ///
    /// As for [`client`](Channel::client).
    pub fn server(&self) -> Result<Server<Q, A>> {
        Server::new(&self.region, Lease::acquire(self.as_fd(), SERVER)?)
    }
}
