//! Channels: each way to send and to receive of each kind, calls, values that change, and names
//! that appear.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use ipcraft::channel::{latest, request, spsc, untyped};
use ipcraft::{Result, name};
use ipcraft_tests::channel_kind::{
    Broadcast, Bytes, ChannelKind, Config, Mpmc, RecvWay, Requests, SendWay, Spsc,
};
use ipcraft_tests::eintr_storm::Handler;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::subject::{Ends, Form, Receiver, Sender};

use crate::exchange::{CHUNK, ENOUGH, LONG, Rain, Route, expires};

type Message = [u8; CHUNK];

/// The messages that a channel has room for.
const CAPACITY: usize = 8;

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    macro_rules! routes_of_each {
        ($($kind:ident),*) => { $(routes.extend(routes_of::<$kind<Message>>());)* };
    }
    routes_of_each!(Spsc, Bytes, Mpmc, Broadcast);
    // The server replies to each request, which waits if an earlier client left no room for
    // replies.
    routes.push(Route {
        receives: &["channel::request::Server::recv", "channel::request::Request::respond"],
        ..route::<Requests<Message>>(&ASK, &Requests::<Message>::RECVS[0])
    });
    routes.extend([
        Route {
            name: "channels_of_unknown_type",
            sends: &["channel::untyped::Sender::send"],
            receives: &["channel::untyped::Receiver::recv"],
            connect: &|_| untyped_ends(),
        },
        Route {
            name: "channels_by_name",
            sends: &[],
            receives: &["channel::Channel::open"],
            connect: &|_| named(|name, timeout| spsc::Channel::open_timeout(name, timeout)),
        },
        Route {
            name: "channels_by_name_with_options",
            sends: &[],
            receives: &["channel::Options::open"],
            connect: &|_| named(|name, timeout| spsc::Options::new().open_timeout(name, timeout)),
        },
    ]);
    routes
}

/// Enough routes for each way to send and each way to receive to be on one of them.
fn routes_of<K: ChannelKind<Message = Message>>() -> Vec<Route> {
    let sends: Vec<_> = K::SENDS.iter().filter(|way| way.commits && !way.function.is_empty()).collect();
    let recvs: Vec<_> = K::RECVS.iter().filter(|way| !way.function.is_empty()).collect();
    let pairs = sends.len().max(recvs.len());
    (0..pairs).map(|i| route::<K>(sends[i.min(sends.len() - 1)], recvs[i.min(recvs.len() - 1)])).collect()
}

fn route<K: ChannelKind<Message = Message>>(send: &'static SendWay<K>, recv: &'static RecvWay<K>) -> Route {
    let function = |endpoint: &str, function: &str| {
        let path: &'static str = format!("{endpoint}::{function}").leak();
        vec![path].leak()
    };
    Route {
        name: format!("{}_{}_{}", K::NAME, send.name, recv.name).leak(),
        sends: function(K::SENDER, send.function),
        receives: function(K::RECEIVER, recv.function),
        connect: Box::leak(Box::new(move |_: &Path| endpoints(send, recv))),
    }
}

fn endpoints<K: ChannelKind<Message = Message>>(
    send: &'static SendWay<K>,
    recv: &'static RecvWay<K>,
) -> Ends {
    let channel = K::anonymous(Config::new(CAPACITY)).unwrap();
    let sender = RefCell::new(K::sender(&channel).unwrap());
    let receiver = RefCell::new(K::receiver(&channel).unwrap());
    Ends::new(Outgoing { sender, way: send }, Incoming { receiver, way: recv, rest: RefCell::default() })
}

/// The sender of a channel, and a way to send.
struct Outgoing<K: ChannelKind> {
    sender: RefCell<K::Sender>,
    way: &'static SendWay<K>,
}

/// The receiver of a channel, a way to receive, and the messages beyond the first that it received
/// together.
struct Incoming<K: ChannelKind> {
    receiver: RefCell<K::Receiver>,
    way: &'static RecvWay<K>,
    rest: RefCell<VecDeque<Message>>,
}

impl<K: ChannelKind<Message = Message>> Sender for Outgoing<K> {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        (self.way.send)(&mut self.sender.borrow_mut(), &[whole(message)], form)?;
        Ok(message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl<K: ChannelKind<Message = Message>> Receiver for Incoming<K> {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let mut rest = self.rest.borrow_mut();
        if rest.is_empty() {
            let mut receiver = self.receiver.borrow_mut();
            (self.way.recv)(&mut receiver, form, &mut |message| rest.push_back(message))?;
        }
        let message = rest.pop_front().expect("a message was received");
        Ok(Some(fill(buffer, &message)))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

fn whole(message: &[u8]) -> Message {
    message.try_into().unwrap()
}

fn fill(buffer: &mut [u8], message: &[u8]) -> usize {
    buffer.copy_from_slice(message);
    message.len()
}

/// Endpoints of a channel whose message type is known only at run time.
fn untyped_ends() -> Ends {
    let typed = spsc::Options::<Message>::new().capacity(CAPACITY).anonymous().unwrap();
    let channel = untyped::Channel::from_received(typed.as_fd().try_clone_to_owned().unwrap()).unwrap();
    Ends::new(
        Untyped(RefCell::new(channel.sender().unwrap())),
        Untyped(RefCell::new(channel.receiver().unwrap())),
    )
}

/// One end of such a channel.
struct Untyped<E>(RefCell<E>);

impl Sender for Untyped<untyped::Sender> {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        let mut sender = self.0.borrow_mut();
        match form {
            Form::Wait => sender.send(message)?,
            Form::Try => sender.try_send(message)?,
            Form::Within(timeout) => sender.send_timeout(message, timeout)?,
        }
        Ok(message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Receiver for Untyped<untyped::Receiver> {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let (mut receiver, mut message) = (self.0.borrow_mut(), Vec::new());
        match form {
            Form::Wait => receiver.recv(&mut message)?,
            Form::Try => receiver.try_recv(&mut message)?,
            Form::Within(timeout) => receiver.recv_timeout(&mut message, timeout)?,
        }
        Ok(Some(fill(buffer, &message)))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// A request whose reply is not needed.
static ASK: SendWay<Requests<Message>> = SendWay {
    name: "send_and_cancel",
    function: "send",
    batch: 1,
    commits: true,
    send: |asker, messages, form| {
        let sent = asker.ask(messages[0], form);
        asker.cancel_pending();
        sent
    },
};

type Open = fn(&str, Duration) -> Result<spsc::Channel<Message>>;

/// A channel of its own for each message, which the receiver waits for and removes.
struct Named {
    open: Open,
    name: String,
    number: Cell<u32>,
}

fn named(open: Open) -> Ends {
    let name = format!("/{}", name::unique("ipcraft-tests"));
    let end = || Named { open, name: name.clone(), number: Cell::new(0) };
    Ends::new(end(), end())
}

impl Named {
    fn next(&self) -> String {
        format!("{}-{}", self.name, self.number.replace(self.number.get() + 1))
    }
}

impl Sender for Named {
    fn send(&self, message: &[u8], _: Form) -> Result<usize> {
        let channel = spsc::Options::new().capacity(2).create_new(self.next())?;
        channel.sender()?.send(whole(message))?;
        Ok(message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Receiver for Named {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let timeout = match form {
            Form::Wait => Duration::MAX,
            Form::Try => Duration::ZERO,
            Form::Within(timeout) => timeout,
        };
        let channel = (self.open)(&self.next(), timeout)?;
        channel.remove()?;
        // The name is there before the message is.
        let message = channel.receiver()?.recv_timeout(LONG)?;
        Ok(Some(fill(buffer, &message)))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// The request that gets no answer for a while.
const UNANSWERED: u32 = u32::MAX;

/// How long an answer takes, so that a client waits for it.
const WHILE: Duration = Duration::from_millis(1);

/// How long it takes at last.
const TOO_LONG: Duration = Duration::from_millis(500);

fn with_server(handler: Handler, ask: fn(&mut request::Client<u32, u32>, u32, Form) -> Result<u32>) {
    for form in [Form::Wait, Form::Within(LONG)] {
        let (mut client, server) = request::channel::<u32, u32>(4).unwrap();
        let mut server = Some(server);
        let peer = Peer::start(|| {
            let _rain = Rain::start(handler);
            let mut server = server.take().unwrap();
            let answer = |number: &u32| {
                sleep(if *number == UNANSWERED { TOO_LONG } else { WHILE });
                number.wrapping_add(1)
            };
            server.serve(answer).unwrap();
        });
        drop(server);
        let mut rain = Rain::start(handler);
        for number in 0.. {
            assert_eq!(rain.on(|| ask(&mut client, number, form)).unwrap(), number + 1);
            if rain.hits() >= ENOUGH {
                break;
            }
        }
        expires(&mut rain, |timeout| ask(&mut client, UNANSWERED, Form::Within(timeout)).map(drop));
        drop(rain);
        // The child has a copy of the client's end, and drops it when it serves no more; so it is
        // ended.
        peer.kill();
    }
}

/// Calls, one after the other.
pub(crate) fn calls(handler: Handler) {
    with_server(handler, |client, number, form| match form {
        Form::Within(timeout) => client.call_timeout(&number, timeout),
        _ => client.call(&number),
    });
}

/// Requests whose answers are received later.
pub(crate) fn answers(handler: Handler) {
    with_server(handler, |client, number, form| {
        let ticket = client.send(number).unwrap();
        let (of, answer) = match form {
            Form::Within(timeout) => client.recv_timeout(timeout),
            _ => client.recv(),
        }?;
        assert_eq!(of, ticket);
        Ok(answer)
    });
}

/// A value that changes, and then does not.
pub(crate) fn values(handler: Handler) {
    for form in [Form::Wait, Form::Within(LONG)] {
        let (writer, mut reader) = latest::channel::<u64>().unwrap();
        let (mut enough, mut told) = latest::channel::<u8>().unwrap();
        let mut writer = Some(writer);
        let peer = Peer::start(|| {
            let _rain = Rain::start(handler);
            let mut writer = writer.take().unwrap();
            for number in 1.. {
                if told.try_changed().is_ok() {
                    break;
                }
                writer.store(number);
                sleep(WHILE);
            }
            // For as long as the reader may ask.
            sleep(LONG);
        });
        drop(writer);
        let mut rain = Rain::start(handler);
        let mut last = 0;
        while rain.hits() < ENOUGH {
            let seen = rain.on(|| match form {
                Form::Within(timeout) => reader.changed_timeout(timeout),
                _ => reader.changed(),
            });
            let seen = seen.expect("a signal is no error");
            assert!(seen.value > last && seen.value == seen.version, "{seen:?} after {last}");
            last = seen.value;
        }
        enough.store(1);
        while reader.changed_timeout(20 * WHILE).is_ok() {}
        expires(&mut rain, |timeout| reader.changed_timeout(timeout).map(drop));
        drop(rain);
        peer.kill();
    }
}
