//! The end that answers.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::duplex::DuplexEndpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::no_recovery;
use crate::channel::request::{
    Channel, REPLIES, REPLY_LEASES, REQUEST_LEASES, REQUESTS, SERVER, reply_slots, request_slots,
};
use crate::channel::ring::Corrupt;
use crate::channel::ring::reply::ReplyFrame;
use crate::channel::ring::spsc::{Reader, Writer};
use crate::channel::send_error::SendError;
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, Readiness, WaitStrategy};
use crate::error::{ErrorKind, Result};
use crate::time::Deadline;

/// The one end that receives requests and sends answers. It may go to another thread, and is used by one at a time.
///
/// Dropping it, and the death of its process, is an error for the client; a new one may then be taken from the
/// [channel](Channel), and gets the requests that were not answered.
pub struct Server<Q: Message, A: Message> {
    pub(crate) requests: Reader<Q::Wire>,
    pub(crate) replies: Writer<ReplyFrame<A::Wire>>,
    endpoints: DuplexEndpoint,
    _types: PhantomData<super::Signature<Q, A>>,
}

impl<Q: Message, A: Message> Server<Q, A> {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoints =
            DuplexEndpoint::new(region, lease, (REPLIES, &REPLY_LEASES), (REQUESTS, &REQUEST_LEASES))?;
        let (requests, replies) = (request_slots::<Q>(region)?, reply_slots::<Q, A>(region)?);
        // SAFETY: because `endpoints` keeps the region, which keeps the flows.
        let (requests, replies) = unsafe {
            (
                Reader::resume(requests, region.control(REQUESTS)),
                Writer::resume(replies, region.control(REPLIES)),
            )
        };
        let replies = replies.map_err(|Corrupt| endpoints.outgoing.corrupted())?;
        let mut server = Server { requests, replies, endpoints, _types: PhantomData };
        server.pass_over_answered(region.config().initial_position)?;
        Ok(server)
    }

    /// The last server may have died after it had sent an answer, and before it had taken the request out.
    fn pass_over_answered(&mut self, start: u64) -> Result<()> {
        let request = self.requests.slot_ptr().map_err(|Corrupt| self.endpoints.incoming.corrupted())?;
        let has_answered = request.is_some() && self.replies.position() != start;
        if has_answered && self.replies.last().ahead_of(self.requests.position()) == 0 {
            self.take_out();
        }
        Ok(())
    }

    /// Opens the channel of this name and takes this end of it.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`InUse`](ErrorKind::InUse) if somebody has it.
    pub fn open(name: &str) -> Result<Self> {
        Channel::<Q, A>::open(name)?.server()
    }

    /// Takes over this end from a process that gave its [descriptor](Server::into_fd) away.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the descriptor is not that of such an end; [`InUse`](ErrorKind::InUse) if
    /// somebody has taken its place meanwhile. The descriptor is closed then.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = super::adopt::<Q, A>(fd, SERVER)?;
        Server::new(&region, lease)
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

    /// A descriptor that polls as readable when there may be a request, for an event loop; see
    /// [`Readiness`].
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if there is no room for a descriptor or a thread.
    pub fn readiness(&self) -> Result<Readiness> {
        self.endpoints.incoming.readiness()
    }

    /// How this end waits for requests, and for room, from now on; [`Adaptive`](WaitStrategy::Adaptive) if nothing is said.
    pub fn set_wait_strategy(&mut self, waiting: WaitStrategy) {
        self.endpoints.set_wait_strategy(waiting);
    }

    /// Receives a request, and waits if there is none. It stays in the channel until it is answered: the process that dies
    /// with it leaves it to the next server.
    ///
    /// ```
    /// use ipcraft::channel::request;
    ///
    /// let (mut client, mut server) = request::channel::<u32, u32>(16)?;
    /// let ticket = client.send(20)?;
    /// let request = server.recv()?;
    /// let half = request.body() / 2;
    /// request.respond(half)?;
    /// assert_eq!(client.recv()?, (ticket, 10));
    /// # Ok::<(), ipcraft::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if the client is gone and all it sent is answered (a new one may come);
    /// [`Corrupted`](ErrorKind::Corrupted) if what it wrote is not what a client writes, or no value of the type: a request
    /// that is none is given up.
    #[inline]
    pub fn recv(&mut self) -> Result<Request<'_, Q, A>> {
        self.recv_until(|| Deadline::NEVER)
    }

    /// [`recv`](Server::recv) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    #[inline]
    pub fn try_recv(&mut self) -> Result<Request<'_, Q, A>> {
        match self.requests.slot_ptr() {
            Ok(Some(_)) => {}
            Ok(None) => drop(self.endpoints.incoming.finish_try(|| self.requests.slot_ptr(), no_recovery)?),
            Err(Corrupt) => return Err(self.endpoints.incoming.corrupted()),
        }
        Request::new(self)
    }

    /// [`recv`](Server::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if no request comes within `timeout`.
    #[inline]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Request<'_, Q, A>> {
        self.recv_until(|| Deadline::after(timeout))
    }

    /// Answers each request with what `answer` makes of it, and returns when the client is gone and all it sent is
    /// answered. Should `answer` panic, its request is given up.
    ///
    /// # Errors
    ///
    /// [`Corrupted`](ErrorKind::Corrupted) as for [`recv`](Server::recv).
    pub fn serve(&mut self, mut answer: impl FnMut(&Q) -> A) -> Result<()> {
        loop {
            let request = match self.recv() {
                Ok(request) => request,
                Err(e) if e.kind() == ErrorKind::Disconnected => return Ok(()),
                Err(e) => return Err(e),
            };
            let answer = answer(request.body());
            match request.respond(answer) {
                Err(e) if e.kind() != ErrorKind::Disconnected => return Err(e.into()),
                // A client that is gone may have left more.
                _ => {}
            }
        }
    }

    #[inline]
    fn recv_until(&mut self, deadline: impl FnOnce() -> Deadline) -> Result<Request<'_, Q, A>> {
        match self.requests.slot_ptr() {
            Ok(Some(_)) => {}
            Ok(None) => {
                self.endpoints.incoming.wait(deadline(), || self.requests.slot_ptr(), no_recovery)?;
            }
            Err(Corrupt) => return Err(self.endpoints.incoming.corrupted()),
        }
        Request::new(self)
    }

    /// Sends an answer, or that there is none, to the request in hand.
    #[inline]
    pub(crate) fn send(&mut self, answer: &ReplyFrame<A::Wire>) -> Result<()> {
        let endpoint = &mut self.endpoints.outgoing;
        endpoint.check_receivers(no_recovery)?;
        match self.replies.push(answer, endpoint.inline_requested()) {
            Ok(Some(())) => {}
            Ok(None) => endpoint.wait(Deadline::NEVER, || self.replies.push(answer, false), no_recovery)?,
            Err(Corrupt) => return Err(endpoint.corrupted()),
        }
        endpoint.notify();
        Ok(())
    }

    /// Takes the request in hand out of the channel.
    #[inline]
    pub(crate) fn take_out(&mut self) {
        self.requests.skip();
        self.endpoints.incoming.notify();
    }
}

/// A request in the server's hands, to be [answered](Request::respond).
///
/// Dropping it gives it up, and tells the client so; for that it waits for room as an answer does, but there is some
/// unless an earlier client has left its answers. The process that dies with it has not answered it: the next server gets
/// it. So does the next call to receive if it is [forgotten](std::mem::forget).
#[must_use = "dropping a request gives it up"]
pub struct Request<'a, Q: Message, A: Message> {
    server: &'a mut Server<Q, A>,
    body: Q,
    is_settled: bool,
}

impl<'a, Q: Message, A: Message> Request<'a, Q, A> {
    /// The request that there is, as the caller found.
    #[inline]
    fn new(server: &'a mut Server<Q, A>) -> Result<Self> {
        match Q::from_wire(server.requests.read()) {
            Some(body) => Ok(Request { server, body, is_settled: false }),
            None => {
                let number = server.requests.position();
                let _ = server.send(&ReplyFrame::none(number));
                server.take_out();
                Err(server.endpoints.incoming.corrupted())
            }
        }
    }

    /// What is asked.
    #[inline]
    pub fn body(&self) -> &Q {
        &self.body
    }

    /// Sends the answer, and takes the request out of the channel. When it returns without error, the answer is in the
    /// channel, whatever happens to this process.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if the client is gone: nobody wants to know, and the request is taken out
    /// all the same; [`Corrupted`](ErrorKind::Corrupted) if what it says of itself cannot be. The answer comes back.
    #[inline]
    pub fn respond(mut self, answer: A) -> Result<(), SendError<A>> {
        let number = self.server.requests.position();
        let sent = self.server.send(&ReplyFrame::answer(number, answer.to_wire()));
        self.settle();
        sent.map_err(|error| SendError::new(answer, error))
    }

    #[inline]
    fn settle(&mut self) {
        self.is_settled = true;
        self.server.take_out();
    }
}

impl<Q: Message, A: Message> Drop for Request<'_, Q, A> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_settled {
            let number = self.server.requests.position();
            // Should the client be gone, nobody wants to know.
            let _ = self.server.send(&ReplyFrame::none(number));
            self.settle();
        }
    }
}

debug_by_endpoint! {
    Server<Q, A> endpoints.outgoing;
    Request<'_, Q, A> server.endpoints.outgoing;
}
