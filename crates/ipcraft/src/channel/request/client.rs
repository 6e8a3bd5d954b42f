//! The end that asks.

#![allow(unsafe_code)]

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::duplex::DuplexEndpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::no_recovery;
use crate::channel::request::{
    CLIENT, Channel, REPLIES, REPLY_LEASES, REQUEST_LEASES, REQUESTS, reply_slots, request_slots,
};
use crate::channel::ring::Corrupt;
use crate::channel::ring::pending::PendingRequests;
use crate::channel::ring::reply::ReplyFrame;
use crate::channel::ring::spsc::{Reader, Writer};
use crate::channel::send_error::SendError;
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, Readiness, WaitStrategy};
use crate::error::{Error, ErrorKind, Result};
use crate::time::Deadline;

/// The one end that sends requests and receives answers. It may go to another thread, and is used by one at a time.
///
/// Dropping it, and the death of its process, ends what the server gets after the last request; a new one may then be taken
/// from the [channel](Channel), and gets the answers to its own requests only.
pub struct Client<Q: Message, A: Message> {
    pending: PendingRequests<Q, A>,
    endpoints: DuplexEndpoint,
}

/// Which request it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

impl<Q: Message, A: Message> Client<Q, A> {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoints =
            DuplexEndpoint::new(region, lease, (REQUESTS, &REQUEST_LEASES), (REPLIES, &REPLY_LEASES))?;
        let (requests, replies) = (request_slots::<Q>(region)?, reply_slots::<Q, A>(region)?);
        // SAFETY: because `endpoints` keeps the region, which keeps the flows.
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

    /// Opens the channel of this name and takes this end of it.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`InUse`](ErrorKind::InUse) if somebody has it.
    pub fn open(name: &str) -> Result<Self> {
        Channel::<Q, A>::open(name)?.client()
    }

    /// Takes over this end from a process that gave its [descriptor](Client::into_fd) away. Answers to what was asked there
    /// are dropped.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the descriptor is not that of such an end; [`InUse`](ErrorKind::InUse) if
    /// somebody has taken its place meanwhile. The descriptor is closed then.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = super::adopt::<Q, A>(fd, CLIENT)?;
        Client::new(&region, lease)
    }

    /// The descriptor that *is* this end: for a [child](crate::process), or to be sent over a [socket](crate::socket).
    /// Whoever has it, has the end; nobody sees it as gone on its way.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if the channel has a name, by which it is opened there.
    pub fn into_fd(self) -> Result<OwnedFd> {
        self.endpoints.into_fd()
    }

    /// A descriptor that polls as readable when there may be an answer, for an event loop; see
    /// [`Readiness`].
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if there is no room for a descriptor or a thread.
    pub fn readiness(&self) -> Result<Readiness> {
        self.endpoints.incoming.readiness()
    }

    /// How this end waits for answers, and for room, from now on; [`Adaptive`](WaitStrategy::Adaptive) if nothing is said.
    pub fn set_wait_strategy(&mut self, waiting: WaitStrategy) {
        self.endpoints.set_wait_strategy(waiting);
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if the server is gone: whether the request has been carried out is not
    /// known, and a new server may come and do it;
    /// [`Removed`](ErrorKind::Removed) if the server gave the request up;
    /// [`Corrupted`](ErrorKind::Corrupted) if what the server wrote is not what a server writes, or no value of the type;
    /// [`Invalid`](ErrorKind::Invalid), and nothing was sent, if there are answers to [`send`](Client::send) that were
    /// neither received nor [given up](Client::cancel_pending): this one would come after them.
    #[inline]
    pub fn call(&mut self, request: &Q) -> Result<A> {
        self.call_until(request, Deadline::NEVER)
    }

    /// [`call`](Client::call) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no answer within `timeout`. The
    /// request may be carried out all the same; its answer, should it still come, is dropped.
    #[inline]
    pub fn call_timeout(&mut self, request: &Q, timeout: Duration) -> Result<A> {
        self.call_until(request, Deadline::after(timeout))
    }

    /// Sends a request whose answer will be [received](Client::recv) later, and waits for room if there is none. When it
    /// returns without error, the request is in the channel, whatever happens to this process.
    ///
    /// As many can be on their way as the channel has room for in one direction.
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
    /// [`Full`](ErrorKind::Full) if so many answers are to be received first that waiting would never end;
    /// [`Disconnected`](ErrorKind::Disconnected) if the server is gone, and [`Corrupted`](ErrorKind::Corrupted) if what it
    /// says of itself cannot be. The request comes back.
    #[inline]
    pub fn send(&mut self, request: Q) -> Result<RequestId, SendError<Q>> {
        self.send_until(&request, || Deadline::NEVER).map_err(|error| SendError::new(request, error))
    }

    /// [`send`](Client::send) that fails with [`Full`](ErrorKind::Full) instead of waiting.
    #[inline]
    pub fn try_send(&mut self, request: Q) -> Result<RequestId, SendError<Q>> {
        let sent = match self.push(&request.to_wire()) {
            Ok(Some(id)) => Ok(id),
            Ok(None) => self.endpoints.outgoing.finish_try(|| Ok(None), no_recovery),
            Err(error) => Err(error),
        };
        sent.map_err(|error| SendError::new(request, error))
    }

    /// [`send`](Client::send) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no room within `timeout`.
    #[inline]
    pub fn send_timeout(&mut self, request: Q, timeout: Duration) -> Result<RequestId, SendError<Q>> {
        self.send_until(&request, || Deadline::after(timeout)).map_err(|error| SendError::new(request, error))
    }

    /// Receives the next answer, and the ticket of its request; waits for it. Answers come in the order of the requests.
    ///
    /// # Errors
    ///
    /// [`Empty`](ErrorKind::Empty) if no answer is to come;
    /// [`Removed`](ErrorKind::Removed) if the server gave the request up, which is the earliest without an answer;
    /// [`Disconnected`](ErrorKind::Disconnected) if the server is gone: a new one may come and answer, so receive again
    /// or [give up](Client::cancel_pending);
    /// [`Corrupted`](ErrorKind::Corrupted) as for [`call`](Client::call).
    #[inline]
    pub fn recv(&mut self) -> Result<(RequestId, A)> {
        self.recv_until(|| Deadline::NEVER)
    }

    /// [`recv`](Client::recv) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    #[inline]
    pub fn try_recv(&mut self) -> Result<(RequestId, A)> {
        if !self.pending.has_pending() {
            return Err(self.nothing_to_come());
        }
        let answer = match self.pending.pop() {
            Ok(Some(answer)) => answer,
            Ok(None) => self.endpoints.incoming.finish_try(|| self.pending.pop(), no_recovery)?,
            Err(Corrupt) => return Err(self.endpoints.incoming.corrupted()),
        };
        self.received(answer)
    }

    /// [`recv`](Client::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if no answer comes within `timeout`. It can
    /// be received later.
    #[inline]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<(RequestId, A)> {
        self.recv_until(|| Deadline::after(timeout))
    }

    /// Wants no answers to what was sent: they are dropped when they come.
    pub fn cancel_pending(&mut self) {
        self.pending.cancel_pending();
    }

    #[inline]
    fn call_until(&mut self, request: &Q, deadline: Deadline) -> Result<A> {
        if self.pending.has_pending() {
            return Err(self.answers_before());
        }
        self.send_until(request, || deadline)?;
        match self.recv_until(|| deadline) {
            Ok((_, answer)) => Ok(answer),
            Err(error) => {
                self.cancel_pending();
                Err(error)
            }
        }
    }

    #[inline]
    fn send_until(&mut self, request: &Q, deadline: impl FnOnce() -> Deadline) -> Result<RequestId> {
        let wire = request.to_wire();
        match self.push(&wire)? {
            Some(id) => Ok(id),
            None => self.push_blocking(&wire, deadline()),
        }
    }

    /// Sends if there is room now.
    #[inline]
    fn push(&mut self, wire: &Q::Wire) -> Result<Option<RequestId>> {
        self.endpoints.outgoing.check_receivers(no_recovery)?;
        match self.pending.push(wire, self.endpoints.outgoing.inline_requested()) {
            Ok(Some(number)) => {
                self.endpoints.outgoing.notify();
                Ok(Some(RequestId(number)))
            }
            Ok(None) => Ok(None),
            Err(Corrupt) => Err(self.endpoints.outgoing.corrupted()),
        }
    }

    #[inline(never)]
    fn push_blocking(&mut self, wire: &Q::Wire, deadline: Deadline) -> Result<RequestId> {
        let is_full = self.pending.is_full_of_wanted();
        if is_full.map_err(|Corrupt| self.endpoints.outgoing.corrupted())? {
            return Err(self.endpoints.outgoing.error(ErrorKind::Full).with_hint("receive answers first"));
        }
        let number =
            self.endpoints.outgoing.wait(deadline, || self.pending.push(wire, false), no_recovery)?;
        self.endpoints.outgoing.notify();
        Ok(RequestId(number))
    }

    #[inline]
    fn recv_until(&mut self, deadline: impl FnOnce() -> Deadline) -> Result<(RequestId, A)> {
        if !self.pending.has_pending() {
            return Err(self.nothing_to_come());
        }
        let answer = match self.pending.pop() {
            Ok(Some(answer)) => answer,
            Ok(None) => self.endpoints.incoming.wait(deadline(), || self.pending.pop(), no_recovery)?,
            Err(Corrupt) => return Err(self.endpoints.incoming.corrupted()),
        };
        self.received(answer)
    }

    #[inline]
    fn received(&mut self, (number, answer): (u64, ReplyFrame<A::Wire>)) -> Result<(RequestId, A)> {
        self.endpoints.incoming.notify();
        let Some(body) = answer.body() else { return Err(self.given_up()) };
        match A::from_wire(body) {
            Some(body) => Ok((RequestId(number), body)),
            None => Err(self.endpoints.incoming.corrupted()),
        }
    }

    #[cold]
    fn nothing_to_come(&self) -> Error {
        self.endpoints.incoming.error(ErrorKind::Empty).with_hint("all that was asked is answered")
    }

    #[cold]
    fn answers_before(&self) -> Error {
        let error = self.endpoints.outgoing.error(ErrorKind::Invalid);
        error.with_hint("receive the answers to what was sent before, or give them up")
    }

    #[cold]
    fn given_up(&self) -> Error {
        self.endpoints.incoming.error(ErrorKind::Removed).with_hint("the server dropped the request")
    }
}

debug_by_endpoint! {
    Client<Q, A> endpoints.outgoing;
}
