//! Requests and replies.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use ipcraft::channel::request::{Client, Request, RequestId, Server};
use ipcraft::channel::{Message, SendError};
use ipcraft::{ErrorKind, Result};

use crate::Endpoint;
use crate::endpoint::pending;
use crate::pause::Pause;

impl<Q: Message, A: Message> Endpoint<Client<Q, A>> {
    /// Sends a request and waits for its reply.
    ///
    /// Cancel safe: a dropped future gives the request up, and its reply is discarded when it
    /// arrives. The server may still process the request.
    ///
    /// # Errors
    ///
    /// Those of [`Client::call`]; [`Other`](ErrorKind::Other) if the runtime of the endpoint has
    /// ended.
    pub async fn call(&mut self, request: Q) -> Result<A> {
        if self.get_ref().pending() > 0 {
            // Fails without sending, since earlier replies arrive first.
            return self.get_mut().call(&request);
        }
        self.send(request).await?;
        let pending = Pending { client: self };
        let (_, reply) = pending.client.recv().await?;
        Ok(reply)
    }

    /// Sends a request whose reply is [received](Endpoint::recv) later, and waits while there is no
    /// space.
    ///
    /// Cancel safe: a dropped future has not sent the request, and drops it.
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`]; [`Other`](ErrorKind::Other) if the runtime of the endpoint has
    /// ended. The error returns the request.
    pub async fn send(&mut self, request: Q) -> Result<RequestId, SendError<Q>> {
        // With as many requests pending as the capacity, only receiving a reply makes space.
        let would_block = |client: &Client<Q, A>, kind: ErrorKind| {
            kind.is_would_block() && client.pending() < client.capacity()
        };
        self.wait_sending(request, Client::try_send, would_block).await
    }

    /// Receives the next reply and the id of its request, and waits until it arrives.
    ///
    /// Cancel safe: a dropped future has taken no reply, and its request stays pending.
    ///
    /// # Errors
    ///
    /// Those of [`Client::recv`]; [`Other`](ErrorKind::Other) if the runtime of the endpoint has
    /// ended.
    pub async fn recv(&mut self) -> Result<(RequestId, A)> {
        poll_fn(|cx| {
            self.poll_call(cx, |client| {
                let is_awaited = client.pending() > 0;
                let received = client.try_recv();
                if is_awaited { pending(received) } else { Poll::Ready(received) }
            })
        })
        .await?
    }
}

/// Gives up what is pending when it is dropped: a call that was cancelled or failed.
struct Pending<'a, Q: Message, A: Message> {
    client: &'a mut Endpoint<Client<Q, A>>,
}

impl<Q: Message, A: Message> Drop for Pending<'_, Q, A> {
    fn drop(&mut self) {
        self.client.get_mut().cancel_pending();
    }
}

/// The replies and the ids of their requests, until the server has left. An item is an error of
/// kind [`Empty`](ErrorKind::Empty) if no request is pending.
impl<Q: Message, A: Message> Stream for Endpoint<Client<Q, A>> {
    type Item = Result<(RequestId, A)>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let client = Pin::get_mut(self);
        if client.get_ref().pending() == 0 {
            return Poll::Ready(Some(client.get_mut().try_recv()));
        }
        client.poll_receive(cx, Client::try_recv)
    }
}

impl<Q: Message, A: Message> Endpoint<Server<Q, A>> {
    /// Receives a request, and waits until one is available.
    ///
    /// Reply with [`try_respond`](Request::try_respond). [`respond`](Request::respond) may block
    /// the thread, though rarely, and at most for one second.
    ///
    /// Cancel safe: a dropped future has taken no request. A dropped request is rejected.
    ///
    /// # Errors
    ///
    /// Those of [`Server::recv`]; [`Other`](ErrorKind::Other) if the runtime of the endpoint has
    /// ended.
    pub async fn recv(&mut self) -> Result<Request<'_, Q, A>> {
        self.wait_borrowing(Server::try_recv).await
    }

    /// Replies to each request with the result of `reply`. Returns when the client has left and
    /// every request has a reply.
    ///
    /// Requests are processed one after the other. A dropped future rejects the request that
    /// `reply` was processing, and has taken no other.
    ///
    /// If the client leaves no space for a reply, this waits by the timer of the runtime.
    ///
    /// # Errors
    ///
    /// Fails with [`Corrupted`](ErrorKind::Corrupted) as for [`recv`](Endpoint::recv).
    pub async fn serve<F: Future<Output = A>>(&mut self, mut reply: impl FnMut(Q) -> F) -> Result<()>
    where
        Q: Clone,
    {
        loop {
            let request = match self.recv().await {
                Ok(request) => request,
                Err(error) if error.kind() == ErrorKind::Disconnected => return Ok(()),
                Err(error) => return Err(error),
            };
            let body = reply(request.body().clone()).await;
            let Err(unsent) = request.try_respond(body) else { continue };
            self.respond_later(unsent).await?;
        }
    }

    /// Sends a reply for which there was no space, or which the client will not receive.
    async fn respond_later(&mut self, mut unsent: SendError<A>) -> Result<()> {
        let mut pause = Pause::new();
        while unsent.kind() == ErrorKind::Full {
            pause.sleep().await;
            // The request stays in the channel until it has a reply.
            let request = self.recv().await?;
            match request.try_respond(unsent.into_message()) {
                Ok(()) => return Ok(()),
                Err(again) => unsent = again,
            }
        }
        // The channel may contain more requests of a client that has left.
        if unsent.kind() == ErrorKind::Disconnected { Ok(()) } else { Err(unsent.into()) }
    }
}
