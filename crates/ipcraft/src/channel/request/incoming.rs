//! A request that the server has received.

use std::time::Duration;

use super::Server;
use crate::channel::Message;
use crate::channel::core::{MaxReplyWait, Never, Patience, Within};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::ring::reply::ReplyFrame;
use crate::channel::send_error::SendError;
use crate::error::{Error, ErrorKind, Result};

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
    pub(super) fn new(server: &'a mut Server<Q, A>) -> Result<Self> {
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
    Request<'_, Q, A> server.endpoints.outgoing;
}
