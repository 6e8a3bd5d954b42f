//! The replying endpoint.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Channel, REPLIES, REPLY_LEASES, REQUEST_LEASES, REQUESTS, Requests, SERVER, reply_slots, request_slots,
};
use crate::channel::core::{Forever, MaxReplyWait, Never, Patience, Within, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::duplex::DuplexEndpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::ring::Corrupt;
use crate::channel::ring::reply::ReplyFrame;
use crate::channel::ring::spsc::{Reader, Writer};
use crate::channel::send_error::SendError;
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
    endpoints: DuplexEndpoint,
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
    pub fn open(name: &str) -> Result<Self> {
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
    fn reject(&mut self) {
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

/// A received request. [`respond`](Request::respond) replies to it.
///
/// Dropping a request rejects it: the client's call fails with [`Rejected`](ErrorKind::Rejected).
/// Dropping never blocks. If there is no space for the rejection, the server sends it when it
/// receives the next request.
///
/// If the process dies before it replies, the next server gets the request. If this value is
/// [forgotten](std::mem::forget), the next call to receive returns the request again.
#[must_use = "dropping a request rejects it"]
pub struct Request<'a, Q: Message, A: Message> {
    server: &'a mut Server<Q, A>,
    body: Q,
    is_settled: bool,
}

impl<'a, Q: Message, A: Message> Request<'a, Q, A> {
    /// Reads the next request, which must exist.
    #[inline]
    fn new(server: &'a mut Server<Q, A>) -> Result<Self> {
        match Q::from_wire(server.requests.read()) {
            Some(body) => Ok(Request { server, body, is_settled: false }),
            None => {
                server.reject();
                Err(server.endpoints.incoming.corrupted())
            }
        }
    }

    /// Returns the message that the client sent.
    #[inline]
    pub fn body(&self) -> &Q {
        &self.body
    }

    /// Sends the reply and removes the request from the channel, blocking while there is no space.
    ///
    /// It rarely blocks: there is no space only until a new client has discarded the replies to an
    /// earlier one. When it returns without an error, the reply is in the channel, even if this
    /// process dies.
    ///
    /// # Errors
    ///
    /// * [`Disconnected`](ErrorKind::Disconnected) if the client has left.
    /// * [`Corrupted`](ErrorKind::Corrupted) if the shared state is invalid, or the client leaves
    ///   no space for one second.
    ///
    /// On error, the request is removed anyway, and the error returns the reply.
    #[inline]
    pub fn respond(self, reply: A) -> Result<(), SendError<A>> {
        self.respond_with(reply, MaxReplyWait)
    }

    /// [`respond`](Request::respond) that fails with [`Full`](ErrorKind::Full) instead of blocking.
    ///
    /// After this error, the request stays in the channel, and the next call to receive returns it
    /// again.
    #[inline]
    pub fn try_respond(self, reply: A) -> Result<(), SendError<A>> {
        self.respond_with(reply, Never)
    }

    /// [`respond`](Request::respond) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is
    /// no space within `timeout`.
    ///
    /// After this error, the request stays in the channel, and the next call to receive returns it
    /// again.
    #[inline]
    pub fn respond_timeout(self, reply: A, timeout: Duration) -> Result<(), SendError<A>> {
        self.respond_with(reply, Within(timeout))
    }

    #[inline]
    fn respond_with(mut self, reply: A, patience: impl Patience) -> Result<(), SendError<A>> {
        let number = self.server.requests.position();
        let sent = self.server.send(&ReplyFrame::answer(number, reply.to_wire()), patience);
        self.is_settled = true;
        match sent {
            Ok(()) => {
                self.server.take_out();
                Ok(())
            }
            Err(error) => Err(self.not_sent(reply, error)),
        }
    }

    #[cold]
    fn not_sent(&mut self, reply: A, error: Error) -> SendError<A> {
        if !matches!(error.kind(), ErrorKind::Full | ErrorKind::TimedOut) {
            self.server.take_out();
        }
        SendError::new(reply, error)
    }
}

impl<Q: Message, A: Message> Drop for Request<'_, Q, A> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_settled {
            self.server.reject();
        }
    }
}

debug_by_endpoint! {
    Server<Q, A> endpoints.outgoing;
    Request<'_, Q, A> server.endpoints.outgoing;
}
