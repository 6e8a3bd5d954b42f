//! Requests and their answers: one client, one server.
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
//! There are two rings in one piece of memory, one for each direction. A request is known by its position in the first, and
//! its answer names it. So an answer that comes after its call has timed out, or one to a client that has died meanwhile, is
//! recognised and dropped, and is never taken for that of another request.
//!
//! # What happens when one dies
//!
//! * **The server**: a client that waits is told within a second, with [`Disconnected`](crate::ErrorKind::Disconnected).
//!   What was sent and not answered is still in the channel. The request that the server had in its hands is, too: it leaves
//!   the ring only after its answer has been sent. So the next server carries out what its predecessor began and did not
//!   answer, from the start, and does not carry out again what was answered. A request that is not to be carried out twice
//!   needs a number of its own, by which the server finds out that it was.
//! * **The client**: a server that waits is told within a second. What the client sent and nobody has answered is still
//!   served, and the answers are dropped. A new client takes the place and sees none of them.
//!
//! # What happens to a request that nobody answers
//!
//! A [`Request`] that is dropped, also by a panic, is given up: the client is told, by an error of kind
//! [`Removed`](crate::ErrorKind::Removed). So a request that makes every server fail does not come back for ever, unless it
//! kills the process.

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

/// The kind of channel that has a client, who sends requests, and a server, who answers them.
#[derive(Debug)]
pub struct Requests<Q, A>(PhantomData<Signature<Q, A>>);

type Signature<Q, A> = fn(Q, A) -> (Q, A);

/// A channel whose ends can be taken.
pub type Channel<Q, A> = super::Channel<Requests<Q, A>>;

/// How to make a channel, and what one that is opened has to be like. The capacity is that of each direction.
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

/// The seats of the client and of the server.
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
    /// Takes the end that asks. It gets no answers to what an earlier client has asked.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if somebody has it, in whatever process;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the positions in the channel contradict each other.
    pub fn client(&self) -> Result<Client<Q, A>> {
        Client::new(&self.region, Lease::acquire(self.as_fd(), CLIENT)?)
    }

    /// Takes the end that answers, from the first request on that nobody has answered.
    ///
    /// # Errors
    ///
    /// As for [`client`](Channel::client).
    pub fn server(&self) -> Result<Server<Q, A>> {
        Server::new(&self.region, Lease::acquire(self.as_fd(), SERVER)?)
    }
}
