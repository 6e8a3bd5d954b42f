//! The requesting endpoint.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::{
    CLIENT, Channel, REPLIES, REPLY_LEASES, REQUEST_LEASES, REQUESTS, Requests, reply_slots, request_slots,
};
use crate::channel::core::{Forever, Never, Patience, Within, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::duplex::DuplexEndpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::ring::Corrupt;
use crate::channel::ring::pending::PendingRequests;
use crate::channel::ring::reply::ReplyFrame;
use crate::channel::ring::spsc::{Reader, Writer};
use crate::channel::send_error::SendError;
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, handle};
use crate::error::{Error, ErrorKind, Result};

/// The only endpoint that sends requests and receives replies. It may move to another thread
/// (`Send`), but is not shared (not `Sync`).
///
/// After the client is dropped, or its process dies, the server gets the remaining requests and
/// then `Disconnected`. A new client opened from the [channel](Channel) gets only the replies to
/// its own requests.
pub struct Client<Q: Message, A: Message> {
    pending: PendingRequests<Q, A>,
    endpoints: DuplexEndpoint,
}

/// Identifies a request among those of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

impl<Q: Message, A: Message> Client<Q, A> {
    pub(super) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoints =
            DuplexEndpoint::new(region, lease, (REQUESTS, &REQUEST_LEASES), (REPLIES, &REPLY_LEASES))?;
        let (requests, replies) = (request_slots::<Q>(region)?, reply_slots::<Q, A>(region)?);
        // SAFETY: because `endpoints` keeps the region mapped, and the region contains the control
        // blocks.
        let (requests, replies) = unsafe {
            (
                Writer::resume(requests, region.control(REQUESTS)),
                Reader::resume(replies, region.control(REPLIES)),
            )
        };
        let requests = requests.map_err(|Corrupt| endpoints.outgoing.corrupted())?;
        let mut pending = PendingRequests::new(requests, replies);
        pending.discard().map_err(|Corrupt| endpoints.incoming.corrupted())?;
        Ok(Client { pending, endpoints })
    }

    /// Opens the channel of this name, and its requesting endpoint.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`InUse`](ErrorKind::InUse)
    /// if another client exists.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Channel::<Q, A>::open(name)?.client()
    }

    /// Takes over the endpoint that was [converted](Client::into_fd) to this descriptor. Replies to
    /// earlier requests are discarded.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](ErrorKind::WrongType) if the descriptor is not such an endpoint;
    /// [`InUse`](ErrorKind::InUse) if it was closed in the meantime and another client was opened.
    /// On error, the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = handle::adopt::<Requests<Q, A>>(fd, |_| CLIENT, "open client")?;
        Client::new(&region, lease)
    }

    endpoint_methods!(endpoints, "a reply");

    /// Returns the number of pending requests: sent, not cancelled, and without a received reply.
    pub fn pending(&self) -> usize {
        self.pending.pending()
    }

    /// Sends a request and blocks until its reply arrives.
    ///
    /// # Errors
    ///
    /// * [`Disconnected`](ErrorKind::Disconnected) if the server has left. The request may or may
    ///   not have been processed, and a new server may still process it.
    /// * [`Rejected`](ErrorKind::Rejected) if the server rejected the request.
    /// * [`Corrupted`](ErrorKind::Corrupted) if the shared state is invalid, or the bytes of the
    ///   reply are not a value of the type.
    /// * [`Invalid`](ErrorKind::Invalid) if earlier requests are pending, because their replies
    ///   arrive first. Nothing is sent. [Receive](Client::recv) or [cancel](Client::cancel_pending)
    ///   them before the call.
    #[inline]
    pub fn call(&mut self, request: &Q) -> Result<A> {
        self.call_with(request, Forever)
    }

    /// [`call`](Client::call) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no
    /// reply within `timeout`. The server may still process the request; its reply is discarded.
    #[inline]
    pub fn call_timeout(&mut self, request: &Q, timeout: Duration) -> Result<A> {
        self.call_with(request, Within(timeout).start())
    }

    #[inline]
    fn call_with(&mut self, request: &Q, patience: impl Patience) -> Result<A> {
        if self.pending.has_pending() {
            return Err(self.replies_before());
        }
        self.send_with(request, patience)?;
        match self.recv_with(patience) {
            Ok((_, reply)) => Ok(reply),
            Err(error) => {
                self.cancel_pending();
                Err(error)
            }
        }
    }

    /// Sends a request whose reply is [received](Client::recv) later, blocking while there is no
    /// space.
    ///
    /// When it returns without an error, the request is in the channel, even if this process dies.
    /// The number of pending requests is at most the capacity.
    ///
    /// ```
    /// use ipcraft::channel::request;
    ///
    /// let (mut client, mut server) = request::channel::<u8, char>(16)?;
    /// let serving = std::thread::spawn(move || server.serve(|byte| char::from(*byte)));
    /// let (first, second) = (client.send(b'a')?, client.send(b'b')?);
    /// assert_eq!(client.recv()?, (first, 'a'));
    /// assert_eq!(client.recv()?, (second, 'b'));
    /// drop(client);
    /// serving.join().unwrap()?;
    /// # Ok::<(), ipcraft::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// * [`Full`](ErrorKind::Full) if as many requests as the capacity are pending. Blocking would
    ///   never end, because only receiving a reply makes space.
    /// * [`Disconnected`](ErrorKind::Disconnected) if the server has left.
    /// * [`Corrupted`](ErrorKind::Corrupted) if the shared state is invalid.
    ///
    /// The error returns the request.
    #[inline]
    pub fn send(&mut self, request: Q) -> Result<RequestId, SendError<Q>> {
        self.send_with(&request, Forever).map_err(|error| SendError::new(request, error))
    }

    /// [`send`](Client::send) that fails with [`Full`](ErrorKind::Full) instead of blocking.
    #[inline]
    pub fn try_send(&mut self, request: Q) -> Result<RequestId, SendError<Q>> {
        self.send_with(&request, Never).map_err(|error| SendError::new(request, error))
    }

    /// [`send`](Client::send) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no
    /// space within `timeout`.
    #[inline]
    pub fn send_timeout(&mut self, request: Q, timeout: Duration) -> Result<RequestId, SendError<Q>> {
        self.send_with(&request, Within(timeout)).map_err(|error| SendError::new(request, error))
    }

    #[inline]
    fn send_with(&mut self, request: &Q, patience: impl Patience) -> Result<RequestId> {
        let (wire, outgoing) = (request.to_wire(), &mut self.endpoints.outgoing);
        if outgoing.may_send()
            && let Ok(Some(number)) = self.pending.push(&wire, outgoing.inline_requested())
        {
            outgoing.notify();
            return Ok(RequestId(number));
        }
        self.send_slow(&wire, patience)
    }

    #[inline(never)]
    fn send_slow(&mut self, wire: &Q::Wire, patience: impl Patience) -> Result<RequestId> {
        let outgoing = &mut self.endpoints.outgoing;
        if !outgoing.may_send() {
            outgoing.check_peer(|_| {})?;
        }
        let number = match self.pending.push(wire, outgoing.inline_requested()) {
            Ok(Some(number)) => number,
            Ok(None) if self.pending.is_full_of_wanted() == Ok(true) => {
                let error = outgoing.error(ErrorKind::Full);
                return Err(error.with_hint("receive replies before sending more requests"));
            }
            Ok(None) => patience.finish(outgoing, || self.pending.push(wire, false), |_| {})?,
            Err(Corrupt) => return Err(outgoing.corrupted()),
        };
        outgoing.notify();
        Ok(RequestId(number))
    }

    /// Receives the next reply and the id of its request, blocking until it arrives. Replies arrive
    /// in the order of their requests.
    ///
    /// # Errors
    ///
    /// * [`Empty`](ErrorKind::Empty) if no request is pending.
    /// * [`Rejected`](ErrorKind::Rejected) if the server rejected the earliest pending request.
    /// * [`Disconnected`](ErrorKind::Disconnected) if the server has left. A new server may still
    ///   reply: receive again, or [cancel](Client::cancel_pending).
    /// * [`Corrupted`](ErrorKind::Corrupted) as for [`call`](Client::call).
    #[inline]
    pub fn recv(&mut self) -> Result<(RequestId, A)> {
        self.recv_with(Forever)
    }

    /// [`recv`](Client::recv) that fails with [`Empty`](ErrorKind::Empty) instead of blocking.
    #[inline]
    pub fn try_recv(&mut self) -> Result<(RequestId, A)> {
        self.recv_with(Never)
    }

    /// [`recv`](Client::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if no reply arrives
    /// within `timeout`. The request stays pending.
    #[inline]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<(RequestId, A)> {
        self.recv_with(Within(timeout))
    }

    #[inline]
    fn recv_with(&mut self, patience: impl Patience) -> Result<(RequestId, A)> {
        if !self.pending.has_pending() {
            return Err(self.nothing_pending());
        }
        let (number, reply) = match self.pending.pop() {
            Ok(Some(reply)) => reply,
            Ok(None) => self.wait_for_reply(patience)?,
            Err(Corrupt) => return Err(self.endpoints.incoming.corrupted()),
        };
        self.endpoints.incoming.notify();
        self.deliver(number, reply)
    }

    #[cold]
    #[inline(never)]
    fn wait_for_reply(&mut self, patience: impl Patience) -> Result<(u64, ReplyFrame<A::Wire>)> {
        patience.finish(&mut self.endpoints.incoming, || self.pending.pop(), |_| {})
    }

    #[inline]
    fn deliver(&self, number: u64, reply: ReplyFrame<A::Wire>) -> Result<(RequestId, A)> {
        let Some(body) = reply.body() else { return Err(self.rejected()) };
        match A::from_wire(body) {
            Some(body) => Ok((RequestId(number), body)),
            None => Err(self.endpoints.incoming.corrupted()),
        }
    }

    /// Cancels all pending requests: their replies are discarded when they arrive.
    pub fn cancel_pending(&mut self) {
        self.pending.cancel_pending();
    }

    #[cold]
    fn nothing_pending(&self) -> Error {
        self.endpoints.incoming.error(ErrorKind::Empty).with_hint("send a request first")
    }

    #[cold]
    fn replies_before(&self) -> Error {
        let error = self.endpoints.outgoing.error(ErrorKind::Invalid);
        error.with_hint("receive or cancel pending replies before `call`")
    }

    #[cold]
    fn rejected(&self) -> Error {
        self.endpoints.incoming.error(ErrorKind::Rejected)
    }
}

debug_by_endpoint! {
    Client<Q, A> endpoints.outgoing;
}
