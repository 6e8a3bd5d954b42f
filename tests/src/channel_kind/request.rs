//! Requests and their replies: the sender is a client, and the receiver a server that replies to
//! each request.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;

use ipcraft::channel::request::{Channel, Client, Options, Request, Server};
use ipcraft::channel::{Reactor, Registration, WaitStrategy};
use ipcraft::{Error, ErrorKind, Result};

use super::{ChannelKind, Config, Extra, Held, Numbered, Queries, RecvWay, SendWay, queries};
use crate::subject::Form;

/// Requests whose client checks that each reply belongs to its request.
pub type Requests<M> = CheckedRequests<M, true>;

/// Requests whose client accepts any reply: for memory that a peer corrupts.
pub type UncheckedRequests<M> = CheckedRequests<M, false>;

/// Requests and replies of one type.
#[derive(Debug)]
pub struct CheckedRequests<M, const CHECKED: bool>(PhantomData<M>);

/// A client that knows its pending requests.
#[derive(Debug)]
pub struct Asker<M: Numbered + 'static, const CHECKED: bool> {
    /// The client.
    pub client: Client<M, M>,
    /// The numbers of the requests without a reply, where messages have numbers.
    pub pending: VecDeque<Option<u64>>,
}

impl<M: Numbered + 'static, const CHECKED: bool> Asker<M, CHECKED> {
    /// A client without pending requests.
    pub fn new(client: Client<M, M>) -> Self {
        Asker { client, pending: VecDeque::new() }
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// The library's.
    pub fn ask(&mut self, message: M, form: Form) -> Result<()> {
        let number = message.number();
        match form {
            Form::Wait => self.client.send(message),
            Form::Try => self.client.try_send(message),
            Form::Within(timeout) => self.client.send_timeout(message, timeout),
        }
        .map_err(Error::from)?;
        self.pending.push_back(number);
        Ok(())
    }

    /// Receives the replies that have arrived.
    ///
    /// # Panics
    ///
    /// If one is not the reply to the oldest pending request.
    pub fn settle(&mut self) {
        while let Ok((_, reply)) = self.client.try_recv() {
            let asked = self.pending.pop_front();
            if CHECKED {
                let asked = asked.expect("at most one reply to each request");
                assert!(asked.is_none_or(|asked| reply.number() == Some(reply_to(asked))), "not its reply");
            }
        }
    }

    /// Gives up the replies to all requests.
    pub fn cancel_pending(&mut self) {
        self.client.cancel_pending();
        self.pending.clear();
    }
}

/// The number of the reply to a request: the number of no request.
pub fn reply_to(number: u64) -> u64 {
    (number ^ 1) + 2000
}

/// Receives a request, passes it on while the server holds it, and replies.
///
/// # Errors
///
/// The library's.
pub fn serve<M: Numbered + 'static>(
    server: &mut Server<M, M>,
    form: Form,
    each: &mut dyn FnMut(M),
) -> Result<()> {
    let request = recv(server, form)?;
    let message = request.body().clone();
    let reply = M::numbered(reply_to(message.number().unwrap_or_default()));
    each(message);
    match request.respond(reply) {
        Err(error) if error.kind() != ErrorKind::Disconnected => Err(error.into()),
        // A client that is gone needs no reply.
        _ => Ok(()),
    }
}

fn recv<M: Numbered + 'static>(server: &mut Server<M, M>, form: Form) -> Result<Request<'_, M, M>> {
    match form {
        Form::Wait => server.recv(),
        Form::Try => server.try_recv(),
        Form::Within(timeout) => server.recv_timeout(timeout),
    }
}

impl<M: Numbered + 'static, const CHECKED: bool> CheckedRequests<M, CHECKED> {
    fn options(config: Config) -> Options<M, M> {
        Options::new().capacity(config.capacity).initial_position(config.initial_position)
    }

    fn send(asker: &mut Asker<M, CHECKED>, messages: &[M], form: Form) -> Result<()> {
        for message in messages {
            asker.settle();
            asker.ask(message.clone(), form)?;
        }
        Ok(())
    }

    /// A call, or a reply to an earlier request.
    fn call_or_recv(asker: &mut Asker<M, CHECKED>, choice: u8, form: Form) -> Result<()> {
        let timeout = match form {
            Form::Within(timeout) => timeout,
            _ => std::time::Duration::ZERO,
        };
        match choice % 4 {
            0 => asker.client.call_timeout(&M::numbered(choice.into()), timeout).map(drop),
            1 => asker.client.try_recv().map(drop),
            2 => asker.client.recv_timeout(timeout).map(drop),
            _ => {
                asker.client.cancel_pending();
                Ok(())
            }
        }
    }

    /// Replies only if there is room: a corrupted ring of replies may stay full.
    fn recv_and_try_respond(server: &mut Server<M, M>, form: Form, each: &mut dyn FnMut(M)) -> Result<()> {
        let request = recv(server, form)?;
        let message = request.body().clone();
        each(message.clone());
        request.try_respond(message).map_err(Error::from)
    }

    fn reject(server: &mut Server<M, M>, _choice: u8, _form: Form) -> Result<()> {
        server.try_recv().map(drop)
    }
}

impl<M: Numbered + 'static, const CHECKED: bool> ChannelKind for CheckedRequests<M, CHECKED> {
    const NAME: &'static str = "request";
    const SENDER: &'static str = "channel::request::Client";
    const RECEIVER: &'static str = "channel::request::Server";

    /// A client has to receive replies before it sends more requests than there is room for.
    const BLOCKS_WHEN_FULL: bool = false;
    const SWEEP_STRIDE: u64 = 3;

    type Message = M;
    type Channel = Channel<M, M>;
    type Sender = Asker<M, CHECKED>;
    type Receiver = Server<M, M>;

    const SENDS: &'static [SendWay<Self>] =
        &[SendWay { name: "send", function: "send", batch: 1, commits: true, send: Self::send }];

    const RECVS: &'static [RecvWay<Self>] = &[RecvWay {
        name: "recv_and_respond",
        function: "recv",
        takes_all: false,
        held: Held::Redelivered,
        recv: if CHECKED { serve } else { Self::recv_and_try_respond },
    }];

    const SENDER_EXTRAS: &'static [Extra<Self::Sender>] = &[Self::call_or_recv];
    const RECEIVER_EXTRAS: &'static [Extra<Self::Receiver>] = &[Self::reject];

    fn anonymous(config: Config) -> Result<Self::Channel> {
        Self::options(config).anonymous()
    }

    fn create(config: Config, name: &str) -> Result<Self::Channel> {
        Self::options(config).create(name)
    }

    fn create_new(config: Config, name: &str) -> Result<Self::Channel> {
        Self::options(config).create_new(name)
    }

    fn open(name: &str) -> Result<Self::Channel> {
        Channel::open(name)
    }

    fn from_received(fd: OwnedFd) -> Result<Self::Channel> {
        Channel::from_received(fd)
    }

    fn sender(channel: &Self::Channel) -> Result<Self::Sender> {
        channel.client().map(Asker::new)
    }

    fn receiver(channel: &Self::Channel) -> Result<Self::Receiver> {
        channel.server()
    }

    fn open_sender(name: &str) -> Result<Self::Sender> {
        Client::open(name).map(Asker::new)
    }

    fn open_receiver(name: &str) -> Result<Self::Receiver> {
        Server::open(name)
    }

    fn sender_into_fd(sender: Self::Sender) -> Result<OwnedFd> {
        sender.client.into_fd()
    }

    fn sender_from_fd(fd: OwnedFd) -> Result<Self::Sender> {
        Client::from_fd(fd).map(Asker::new)
    }

    fn receiver_into_fd(receiver: Self::Receiver) -> Result<OwnedFd> {
        receiver.into_fd()
    }

    fn receiver_from_fd(fd: OwnedFd) -> Result<Self::Receiver> {
        Server::from_fd(fd)
    }

    fn query_sender(sender: &Self::Sender) -> Queries {
        let client = &sender.client;
        queries!(client, len: Some(client.pending()), is_empty: None, is_full: None, strategy: Some(client.wait_strategy()))
    }

    fn query_receiver(receiver: &Self::Receiver) -> Queries {
        queries!(receiver, len: Some(receiver.len()), is_empty: Some(receiver.is_empty()), is_full: None, strategy: Some(receiver.wait_strategy()))
    }

    fn set_sender_strategy(sender: &mut Self::Sender, strategy: WaitStrategy) {
        sender.client.set_wait_strategy(strategy);
    }

    fn register_receiver(receiver: &Self::Receiver, reactor: &Reactor) -> Result<Registration> {
        receiver.register(reactor)
    }

    fn set_receiver_strategy(receiver: &mut Self::Receiver, strategy: WaitStrategy) {
        receiver.set_wait_strategy(strategy);
    }
}
