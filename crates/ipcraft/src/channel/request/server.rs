//! The replying endpoint.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Channel, REPLIES, REPLY_LEASES, REQUEST_LEASES, REQUESTS, Request, Requests, SERVER, reply_slots,
    request_slots,
};
use crate::channel::core::{Forever, Never, Patience, Within, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::duplex::DuplexEndpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::ring::Corrupt;
use crate::channel::ring::reply::ReplyFrame;
use crate::channel::ring::spsc::{Reader, Writer};
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, handle};
use crate::error::{Error, ErrorKind, Result};

/// The only endpoint that receives requests and sends replies. It may move to another thread
/// (`Send`), but is not shared (not `Sync`).
///
/// After the server is dropped, or its process dies, requests fail with `Disconnected`. A new
/// server opened from the [channel](Channel) gets the requests that have no reply.
pub struct Server<Q: Message, A: Message> {
    pub(crate) requests: Reader<Q::Wire>,
    pub(crate) replies: Writer<ReplyFrame<A::Wire>>,
    /// Whether the next request was rejected, but there was no space to send the rejection.
    is_rejecting: bool,
    pub(super) endpoints: DuplexEndpoint,
    _types: PhantomData<super::Signature<Q, A>>,
}

impl<Q: Message, A: Message> Server<Q, A> {
    pub(super) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoints =
            DuplexEndpoint::new(region, lease, (REPLIES, &REPLY_LEASES), (REQUESTS, &REQUEST_LEASES))?;
        let (requests, replies) = (request_slots::<Q>(region)?, reply_slots::<Q, A>(region)?);
        // SAFETY: because `endpoints` keeps the region mapped, and the region contains the control
        // blocks.
        let (requests, replies) = unsafe {
            (
                Reader::resume(requests, region.control(REQUESTS)),
                Writer::resume(replies, region.control(REPLIES)),
            )
        };
        let replies = replies.map_err(|Corrupt| endpoints.outgoing.corrupted())?;
        let mut server = Server { requests, replies, is_rejecting: false, endpoints, _types: PhantomData };
        server.skip_replied(region.config().initial_position)?;
        Ok(server)
    }

    /// Removes the next request if the previous server died between replying to it and removing it.
    fn skip_replied(&mut self, start: u64) -> Result<()> {
        let request = self.requests.slot_ptr().map_err(|Corrupt| self.endpoints.incoming.corrupted())?;
        let has_replied = request.is_some() && self.replies.position() != start;
        if has_replied && self.replies.last().ahead_of(self.requests.position()) == 0 {
            self.take_out();
        }
        Ok(())
    }

    /// Opens the channel of this name, and its replying endpoint.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`InUse`](ErrorKind::InUse)
    /// if another server exists.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Channel::<Q, A>::open(name)?.server()
    }

    /// Takes over the endpoint that was [converted](Server::into_fd) to this descriptor.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](ErrorKind::WrongType) if the descriptor is not such an endpoint;
    /// [`InUse`](ErrorKind::InUse) if it was closed in the meantime and another server was opened.
    /// On error, the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = handle::adopt::<Requests<Q, A>>(fd, |_| SERVER, "open server")?;
        Server::new(&region, lease)
    }

    endpoint_methods!(endpoints, "a request");

    /// Returns the number of requests that can be received without waiting.
    ///
    /// The client may add some at any time, so the number may be too small when this returns.
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Returns whether no request can be received without waiting. The result may be stale, as that
    /// of [`len`](Server::len).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Receives a request, blocking until one is available.
    ///
    /// The request stays in the channel until it gets a reply. If the process dies earlier, the
    /// next server gets the request.
    ///
    /// ```
    /// use ipcraft::channel::request;
    ///
    /// let (mut client, mut server) = request::channel::<u32, u32>(16)?;
    /// let id = client.send(20)?;
    /// let request = server.recv()?;
    /// let half = request.body() / 2;
    /// request.respond(half)?;
    /// assert_eq!(client.recv()?, (id, 10));
    /// # Ok::<(), ipcraft::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// * [`Disconnected`](ErrorKind::Disconnected) if the client has left and every request has a
    ///   reply. A new client may connect later.
    /// * [`Corrupted`](ErrorKind::Corrupted) if the shared state is invalid, or the bytes of the
    ///   request are not a value of the type. Such a request is rejected.
    #[inline]
    pub fn recv(&mut self) -> Result<Request<'_, Q, A>> {
        self.recv_with(Forever)
    }

    /// [`recv`](Server::recv) that fails with [`Empty`](ErrorKind::Empty) instead of blocking.
    #[inline]
    pub fn try_recv(&mut self) -> Result<Request<'_, Q, A>> {
        self.recv_with(Never)
    }

    /// [`recv`](Server::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no
    /// request within `timeout`.
    #[inline]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Request<'_, Q, A>> {
        self.recv_with(Within(timeout))
    }

    #[inline]
    fn recv_with(&mut self, patience: impl Patience) -> Result<Request<'_, Q, A>> {
        if self.is_rejecting { self.recv_after_rejection(patience) } else { self.recv_next(patience) }
    }

    /// Sends the rejection for which there was no space before. Both waits share one time limit.
    #[cold]
    #[inline(never)]
    fn recv_after_rejection(&mut self, patience: impl Patience) -> Result<Request<'_, Q, A>> {
        let patience = patience.start();
        self.finish_rejection(patience.for_reply())?;
        self.recv_next(patience)
    }

    #[inline]
    fn recv_next(&mut self, patience: impl Patience) -> Result<Request<'_, Q, A>> {
        match self.requests.slot_ptr() {
            Ok(Some(_)) => {}
            Ok(None) => {
                patience.finish(&mut self.endpoints.incoming, || self.requests.slot_ptr(), |_| {})?;
            }
            Err(Corrupt) => return Err(self.endpoints.incoming.corrupted()),
        }
        Request::new(self)
    }

    /// Replies to each request with the result of `reply`. Returns when the client has left and
    /// every request has a reply.
    ///
    /// If `reply` panics, its request is rejected.
    ///
    /// # Errors
    ///
    /// Fails with [`Corrupted`](ErrorKind::Corrupted) as for [`recv`](Server::recv).
    pub fn serve(&mut self, mut reply: impl FnMut(&Q) -> A) -> Result<()> {
        loop {
            let request = match self.recv() {
                Ok(request) => request,
                Err(e) if e.kind() == ErrorKind::Disconnected => return Ok(()),
                Err(e) => return Err(e),
            };
            let body = reply(request.body());
            match request.respond(body) {
                Err(e) if e.kind() != ErrorKind::Disconnected => return Err(e.into()),
                // The channel may contain more requests of a client that has left.
                _ => {}
            }
        }
    }

    /// Sends a reply to the next request.
    #[inline]
    pub(crate) fn send(&mut self, reply: &ReplyFrame<A::Wire>, patience: impl Patience) -> Result<()> {
        let outgoing = &mut self.endpoints.outgoing;
        if outgoing.may_send()
            && let Ok(Some(())) = self.replies.push(reply, outgoing.inline_requested())
        {
            outgoing.notify();
            return Ok(());
        }
        self.send_slow(reply, patience)
    }

    #[inline(never)]
    fn send_slow(&mut self, reply: &ReplyFrame<A::Wire>, patience: impl Patience) -> Result<()> {
        let outgoing = &mut self.endpoints.outgoing;
        if !outgoing.may_send() {
            outgoing.check_peer(|_| {})?;
        }
        match self.replies.push(reply, outgoing.inline_requested()) {
            Ok(Some(())) => {}
            Ok(None) => patience.finish(outgoing, || self.replies.push(reply, false), |_| {})?,
            Err(Corrupt) => return Err(outgoing.corrupted()),
        }
        outgoing.notify();
        Ok(())
    }

    /// Rejects the next request. If there is no space for the rejection, the next call to receive
    /// sends it.
    ///
    /// A conforming client has space for the replies to all its requests. So there is no space only
    /// while the replies to an earlier client have not been discarded, or if the client does not
    /// conform.
    pub(super) fn reject(&mut self) {
        let number = self.requests.position();
        match self.send(&ReplyFrame::none(number), Never) {
            Err(error) if error.kind() == ErrorKind::Full => self.is_rejecting = true,
            // Sent, or the client has left and needs no rejection.
            _ => self.take_out(),
        }
    }

    /// Sends the rejection for which there was no space before, and removes its request.
    #[cold]
    fn finish_rejection(&mut self, patience: impl Patience) -> Result<()> {
        let number = self.requests.position();
        let told = self.send(&ReplyFrame::none(number), patience);
        match told.as_ref().map_err(Error::kind) {
            Err(ErrorKind::Full) => return Err(self.endpoints.incoming.error(ErrorKind::Empty)),
            Err(ErrorKind::TimedOut) => return told,
            // Sent, or the client has left or does not conform.
            _ => {}
        }
        self.is_rejecting = false;
        self.take_out();
        match told {
            Err(error) if error.kind() != ErrorKind::Disconnected => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the next request from the channel.
    #[inline]
    pub(crate) fn take_out(&mut self) {
        self.requests.skip();
        self.endpoints.incoming.notify();
    }
}

debug_by_endpoint! {
    Server<Q, A> endpoints.outgoing;
}
