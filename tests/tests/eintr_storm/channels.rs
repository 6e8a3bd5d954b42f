//! Channels in shared memory: each way to send and to receive, calls, values that change, and names to appear.

use std::cell::{Cell, RefCell};
use std::os::fd::BorrowedFd;
use std::thread::sleep;
use std::time::Duration;

use ipcraft::channel::spsc::{self, bytes};
use ipcraft::channel::{broadcast, latest, mpmc, request};
use ipcraft::{Result, name};
use ipcraft_tests::eintr_storm::Handler;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::subject::{Ends, Form, Receiver, Sender};
use std::io::IoSlice;

use crate::exchange::{CHUNK, ENOUGH, LONG, Rain, Route, expires};

type Message = [u8; CHUNK];

/// Messages that there is room for.
const ROOM: usize = 8;

/// Bytes that there is room for: as few records.
const BYTES: usize = 1 << 15;

pub(crate) const ROUTES: &[Route] = &[
    Route {
        name: "spsc",
        sends: &["channel::spsc::Sender::send"],
        receives: &["channel::spsc::Receiver::recv"],
        connect: |_| ends(spsc::channel(ROOM), send_spsc, recv_spsc),
    },
    Route {
        name: "spsc_batches",
        sends: &["channel::spsc::Sender::send_all"],
        receives: &["channel::spsc::Receiver::recv_many"],
        connect: |_| ends(spsc::channel(ROOM), send_all_spsc, recv_all_spsc),
    },
    Route {
        name: "spsc_in_place",
        sends: &["channel::spsc::Sender::loan"],
        receives: &["channel::spsc::Receiver::recv_in_place"],
        connect: |_| ends(spsc::channel(ROOM), lend_spsc, read_spsc),
    },
    Route {
        name: "bytes",
        sends: &["channel::spsc::bytes::Sender::send"],
        receives: &["channel::spsc::bytes::Receiver::recv"],
        connect: |_| ends(bytes::channel(BYTES), send_bytes, recv_bytes),
    },
    Route {
        name: "bytes_in_parts",
        sends: &["channel::spsc::bytes::Sender::send_vectored"],
        receives: &["channel::spsc::bytes::Receiver::recv_into"],
        connect: |_| ends(bytes::channel(BYTES), send_vectored_bytes, recv_into_bytes),
    },
    Route {
        name: "bytes_in_place",
        sends: &["channel::spsc::bytes::Sender::loan"],
        receives: &["channel::spsc::bytes::Receiver::recv_in_place"],
        connect: |_| ends(bytes::channel(BYTES), lend_bytes, read_bytes),
    },
    Route {
        name: "bytes_batches",
        sends: &["channel::spsc::bytes::Sender::send_all"],
        receives: &["channel::spsc::bytes::Receiver::recv"],
        connect: |_| ends(bytes::channel(BYTES), send_all_bytes, recv_bytes),
    },
    Route {
        name: "work_queues",
        sends: &["channel::mpmc::Sender::send"],
        receives: &["channel::mpmc::Receiver::recv"],
        connect: |_| ends(mpmc::channel(ROOM), send_mpmc, recv_mpmc),
    },
    Route {
        name: "work_queues_in_place",
        sends: &["channel::mpmc::Sender::loan"],
        receives: &["channel::mpmc::Receiver::recv_in_place"],
        connect: |_| ends(mpmc::channel(ROOM), lend_mpmc, read_mpmc),
    },
    Route {
        name: "work_queues_batches",
        sends: &["channel::mpmc::Sender::send_all"],
        receives: &["channel::mpmc::Receiver::recv"],
        connect: |_| ends(mpmc::channel(ROOM), send_all_mpmc, recv_mpmc),
    },
    Route {
        name: "broadcasts",
        sends: &["channel::broadcast::Publisher::send"],
        receives: &["channel::broadcast::Subscriber::recv"],
        connect: |_| ends(broadcast::channel(ROOM), send_broadcast, recv_broadcast),
    },
    Route {
        name: "broadcasts_in_place",
        sends: &["channel::broadcast::Publisher::loan"],
        receives: &["channel::broadcast::Subscriber::recv_in_place"],
        connect: |_| ends(broadcast::channel(ROOM), lend_broadcast, read_broadcast),
    },
    Route {
        name: "broadcasts_batches",
        sends: &["channel::broadcast::Publisher::send_all"],
        receives: &["channel::broadcast::Subscriber::recv"],
        connect: |_| ends(broadcast::channel(ROOM), send_all_broadcast, recv_broadcast),
    },
    Route {
        name: "requests",
        sends: &["channel::request::Client::send"],
        receives: &["channel::request::Server::recv"],
        connect: |_| ends(request::channel(ROOM), ask, serve),
    },
    Route {
        name: "channels_by_name",
        sends: &[],
        receives: &["channel::Channel::open"],
        connect: |_| named(spsc::Channel::open_timeout),
    },
    Route {
        name: "channels_by_name_with_options",
        sends: &[],
        receives: &["channel::Options::open"],
        connect: |_| named(|name, timeout| spsc::Options::new().open_timeout(name, timeout)),
    },
];

/// How an end sends a message, or receives one and says how long it was.
type Send<S> = fn(&mut S, &[u8], Form) -> Result<()>;
type Recv<R> = fn(&mut R, &mut [u8], Form) -> Result<usize>;

struct Outgoing<S>(RefCell<S>, Send<S>);
struct Incoming<R>(RefCell<R>, Recv<R>);

fn ends<S: 'static, R: 'static>(channel: Result<(S, R)>, send: Send<S>, recv: Recv<R>) -> Ends {
    let (sender, receiver) = channel.unwrap();
    Ends::new(Outgoing(RefCell::new(sender), send), Incoming(RefCell::new(receiver), recv))
}

impl<S> Sender for Outgoing<S> {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        (self.1)(&mut self.0.borrow_mut(), message, form).map(|()| message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl<R> Receiver for Incoming<R> {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        (self.1)(&mut self.0.borrow_mut(), buffer, form).map(Some)
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

fn send_spsc(sender: &mut spsc::Sender<Message>, message: &[u8], form: Form) -> Result<()> {
    let message = whole(message);
    Ok(match form {
        Form::Wait => sender.send(message),
        Form::Try => sender.try_send(message),
        Form::Within(timeout) => sender.send_timeout(message, timeout),
    }?)
}

fn recv_spsc(receiver: &mut spsc::Receiver<Message>, buffer: &mut [u8], form: Form) -> Result<usize> {
    let message = match form {
        Form::Wait => receiver.recv(),
        Form::Try => receiver.try_recv(),
        Form::Within(timeout) => receiver.recv_timeout(timeout),
    };
    Ok(fill(buffer, &message?))
}

fn send_all_spsc(sender: &mut spsc::Sender<Message>, message: &[u8], form: Form) -> Result<()> {
    let messages = [whole(message)];
    Ok(match form {
        Form::Wait => sender.send_all(&messages),
        Form::Try => sender.try_send_all(&messages),
        Form::Within(timeout) => sender.send_all_timeout(&messages, timeout),
    }?)
}

fn recv_all_spsc(receiver: &mut spsc::Receiver<Message>, buffer: &mut [u8], form: Form) -> Result<usize> {
    let mut messages = [[0; CHUNK]];
    let count = match form {
        Form::Wait => receiver.recv_many(&mut messages),
        Form::Try => receiver.try_recv_many(&mut messages),
        Form::Within(timeout) => receiver.recv_many_timeout(&mut messages, timeout),
    };
    assert_eq!(count?, 1);
    Ok(fill(buffer, &messages[0]))
}

fn lend_spsc(sender: &mut spsc::Sender<Message>, message: &[u8], form: Form) -> Result<()> {
    let mut loan = match form {
        Form::Wait => sender.loan(),
        Form::Try => sender.try_loan(),
        Form::Within(timeout) => sender.loan_timeout(timeout),
    }?;
    loan.write_at(0, message)?;
    loan.commit();
    Ok(())
}

fn read_spsc(receiver: &mut spsc::Receiver<Message>, buffer: &mut [u8], form: Form) -> Result<usize> {
    let message = match form {
        Form::Wait => receiver.recv_in_place(),
        Form::Try => receiver.try_recv_in_place(),
        Form::Within(timeout) => receiver.recv_in_place_timeout(timeout),
    }?;
    message.read_at(0, buffer)?;
    Ok(message.len())
}

fn send_bytes(sender: &mut bytes::Sender, message: &[u8], form: Form) -> Result<()> {
    match form {
        Form::Wait => sender.send(message),
        Form::Try => sender.try_send(message),
        Form::Within(timeout) => sender.send_timeout(message, timeout),
    }
}

fn recv_bytes(receiver: &mut bytes::Receiver, buffer: &mut [u8], form: Form) -> Result<usize> {
    let mut record = Vec::new();
    match form {
        Form::Wait => receiver.recv(&mut record),
        Form::Try => receiver.try_recv(&mut record),
        Form::Within(timeout) => receiver.recv_timeout(&mut record, timeout),
    }?;
    Ok(fill(buffer, &record))
}

fn send_vectored_bytes(sender: &mut bytes::Sender, message: &[u8], form: Form) -> Result<()> {
    let (first, second) = message.split_at(message.len() / 3);
    let parts = [IoSlice::new(first), IoSlice::new(second)];
    match form {
        Form::Wait => sender.send_vectored(&parts),
        Form::Try => sender.try_send_vectored(&parts),
        Form::Within(timeout) => sender.send_vectored_timeout(&parts, timeout),
    }
}

fn recv_into_bytes(receiver: &mut bytes::Receiver, buffer: &mut [u8], form: Form) -> Result<usize> {
    match form {
        Form::Wait => receiver.recv_into(buffer),
        Form::Try => receiver.try_recv_into(buffer),
        Form::Within(timeout) => receiver.recv_into_timeout(buffer, timeout),
    }
}

fn lend_bytes(sender: &mut bytes::Sender, message: &[u8], form: Form) -> Result<()> {
    let mut loan = match form {
        Form::Wait => sender.loan(message.len()),
        Form::Try => sender.try_loan(message.len()),
        Form::Within(timeout) => sender.loan_timeout(message.len(), timeout),
    }?;
    loan.write_at(0, message)?;
    loan.commit();
    Ok(())
}

fn read_bytes(receiver: &mut bytes::Receiver, buffer: &mut [u8], form: Form) -> Result<usize> {
    let record = match form {
        Form::Wait => receiver.recv_in_place(),
        Form::Try => receiver.try_recv_in_place(),
        Form::Within(timeout) => receiver.recv_in_place_timeout(timeout),
    }?;
    record.read_at(0, buffer)?;
    Ok(record.len())
}

fn send_all_bytes(sender: &mut bytes::Sender, message: &[u8], form: Form) -> Result<()> {
    Ok(match form {
        Form::Wait => sender.send_all(&[message]),
        Form::Try => sender.try_send_all(&[message]),
        Form::Within(timeout) => sender.send_all_timeout(&[message], timeout),
    }?)
}

fn send_mpmc(sender: &mut mpmc::Sender<Message>, message: &[u8], form: Form) -> Result<()> {
    let message = whole(message);
    Ok(match form {
        Form::Wait => sender.send(message),
        Form::Try => sender.try_send(message),
        Form::Within(timeout) => sender.send_timeout(message, timeout),
    }?)
}

fn recv_mpmc(receiver: &mut mpmc::Receiver<Message>, buffer: &mut [u8], form: Form) -> Result<usize> {
    let message = match form {
        Form::Wait => receiver.recv(),
        Form::Try => receiver.try_recv(),
        Form::Within(timeout) => receiver.recv_timeout(timeout),
    };
    Ok(fill(buffer, &message?))
}

fn lend_mpmc(sender: &mut mpmc::Sender<Message>, message: &[u8], form: Form) -> Result<()> {
    let mut loan = match form {
        Form::Wait => sender.loan(),
        Form::Try => sender.try_loan(),
        Form::Within(timeout) => sender.loan_timeout(timeout),
    }?;
    loan.write_at(0, message)?;
    loan.commit();
    Ok(())
}

fn read_mpmc(receiver: &mut mpmc::Receiver<Message>, buffer: &mut [u8], form: Form) -> Result<usize> {
    let message = match form {
        Form::Wait => receiver.recv_in_place(),
        Form::Try => receiver.try_recv_in_place(),
        Form::Within(timeout) => receiver.recv_in_place_timeout(timeout),
    }?;
    message.read_at(0, buffer)?;
    Ok(message.len())
}

fn send_all_mpmc(sender: &mut mpmc::Sender<Message>, message: &[u8], form: Form) -> Result<()> {
    let messages = [whole(message)];
    Ok(match form {
        Form::Wait => sender.send_all(&messages),
        Form::Try => sender.try_send_all(&messages),
        Form::Within(timeout) => sender.send_all_timeout(&messages, timeout),
    }?)
}

fn send_broadcast(publisher: &mut broadcast::Publisher<Message>, message: &[u8], form: Form) -> Result<()> {
    let message = whole(message);
    Ok(match form {
        Form::Wait => publisher.send(message),
        Form::Try => publisher.try_send(message),
        Form::Within(timeout) => publisher.send_timeout(message, timeout),
    }?)
}

fn recv_broadcast(
    subscriber: &mut broadcast::Subscriber<Message>,
    buffer: &mut [u8],
    form: Form,
) -> Result<usize> {
    let message = match form {
        Form::Wait => subscriber.recv(),
        Form::Try => subscriber.try_recv(),
        Form::Within(timeout) => subscriber.recv_timeout(timeout),
    };
    Ok(fill(buffer, &message?))
}

fn lend_broadcast(publisher: &mut broadcast::Publisher<Message>, message: &[u8], form: Form) -> Result<()> {
    let mut loan = match form {
        Form::Wait => publisher.loan(),
        Form::Try => publisher.try_loan(),
        Form::Within(timeout) => publisher.loan_timeout(timeout),
    }?;
    loan.write_at(0, message)?;
    loan.commit();
    Ok(())
}

fn read_broadcast(
    subscriber: &mut broadcast::Subscriber<Message>,
    buffer: &mut [u8],
    form: Form,
) -> Result<usize> {
    let message = match form {
        Form::Wait => subscriber.recv_in_place(),
        Form::Try => subscriber.try_recv_in_place(),
        Form::Within(timeout) => subscriber.recv_in_place_timeout(timeout),
    }?;
    message.read_at(0, buffer)?;
    Ok(message.len())
}

fn send_all_broadcast(
    publisher: &mut broadcast::Publisher<Message>,
    message: &[u8],
    form: Form,
) -> Result<()> {
    let messages = [whole(message)];
    Ok(match form {
        Form::Wait => publisher.send_all(&messages),
        Form::Try => publisher.try_send_all(&messages),
        Form::Within(timeout) => publisher.send_all_timeout(&messages, timeout),
    }?)
}

/// A request whose answer nobody wants.
fn ask(client: &mut request::Client<Message, u8>, message: &[u8], form: Form) -> Result<()> {
    let message = whole(message);
    let sent = match form {
        Form::Wait => client.send(message),
        Form::Try => client.try_send(message),
        Form::Within(timeout) => client.send_timeout(message, timeout),
    };
    client.cancel_pending();
    Ok(sent.map(drop)?)
}

fn serve(server: &mut request::Server<Message, u8>, buffer: &mut [u8], form: Form) -> Result<usize> {
    let request = match form {
        Form::Wait => server.recv(),
        Form::Try => server.try_recv(),
        Form::Within(timeout) => server.recv_timeout(timeout),
    }?;
    let length = fill(buffer, request.body());
    // The client may have left after its last request.
    let _ = request.respond(0);
    Ok(length)
}

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
        let channel = spsc::Options::new().capacity(2).create_new(&self.next())?;
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
        // The child has a copy of the client's end, and drops it when it serves no more; so it is ended.
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
