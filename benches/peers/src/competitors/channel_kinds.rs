//! ipcraft: the other kinds of channels, by name: work queue, broadcast, newest value, and requests
//! with replies. All sides spin.

use ipcraft::channel::{WaitStrategy, broadcast, latest, mpmc, request};
use ipcraft_bench::Role;

use super::{Each, SLOTS};
use crate::competitor::Side;
use crate::harness::Harness;
use crate::message::{Result, Words, failure};
use crate::work::{Call, OneByOne, Put, Serve, Take};

/// Round trips over two work queues.
pub(crate) fn queue_round_trips<const N: usize>(harness: &mut Harness) -> Result<()> {
    let (out, back) = harness.connect_both(queue_sender::<N>, queue_receiver::<N>)?;
    harness.round_trips(out, back)
}

/// A stream through a work queue with one endpoint on each side.
pub(crate) fn queue<const N: usize>(harness: &mut Harness) -> Result<()> {
    let side = harness.connect(
        |harness| queue_sender::<N>(harness, "queue"),
        |harness| queue_receiver::<N>(harness, "queue"),
    )?;
    match side {
        Side::Sender(sender) => harness.send(OneByOne(sender)),
        Side::Receiver(receiver) => harness.recv(OneByOne(receiver)),
    }
}

fn queue_sender<const N: usize>(harness: &mut Harness, name: &str) -> Result<mpmc::Sender<Words<N>>> {
    let name = harness.scratch().name(name);
    let mut sender = mpmc::Options::<Words<N>>::new().capacity(SLOTS).create_new(&name)?.sender()?;
    sender.set_wait_strategy(WaitStrategy::Spin);
    Ok(sender)
}

fn queue_receiver<const N: usize>(harness: &mut Harness, name: &str) -> Result<mpmc::Receiver<Words<N>>> {
    let mut receiver = mpmc::Receiver::open(harness.scratch().name(name))?;
    receiver.set_wait_strategy(WaitStrategy::Spin);
    Ok(receiver)
}

impl<const N: usize> Put<N> for mpmc::Sender<Words<N>> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        self.send(*message).map_err(failure)
    }
}

impl<const N: usize> Take<N> for mpmc::Receiver<Words<N>> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        self.recv().map_err(failure)
    }
}

/// A broadcast to `SUBSCRIBERS` in one process. A full channel blocks the publisher.
pub(crate) fn broadcast<const N: usize, const SUBSCRIBERS: usize>(harness: &mut Harness) -> Result<()> {
    let publisher = |harness: &mut Harness| {
        let name = harness.scratch().name("broadcast");
        let options = broadcast::Options::<Words<N>>::new().capacity(SLOTS).subscribers(SUBSCRIBERS);
        let mut publisher = options.create_new(&name)?.publisher()?;
        publisher.set_wait_strategy(WaitStrategy::Spin);
        Ok(OneByOne::<_, N>(publisher))
    };
    let subscribers = |harness: &mut Harness| {
        let subscriber = |_| {
            let options = broadcast::Options::<Words<N>>::new().subscribers(SUBSCRIBERS);
            let channel = options.open(harness.scratch().name("broadcast"))?;
            let mut subscriber = channel.subscriber()?;
            subscriber.set_wait_strategy(WaitStrategy::Spin);
            Ok(OneByOne::<_, N>(subscriber))
        };
        (0..SUBSCRIBERS).map(subscriber).collect::<Result<Vec<_>>>()
    };
    match harness.connect(publisher, subscribers)? {
        Side::Sender(publisher) => harness.send(publisher),
        Side::Receiver(subscribers) => harness.recv(Each(subscribers)),
    }
}

impl<const N: usize> Put<N> for broadcast::Publisher<Words<N>> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        self.send(*message).map_err(failure)
    }
}

impl<const N: usize> Take<N> for broadcast::Subscriber<Words<N>> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        self.recv().map_err(failure)
    }
}

/// Round trips over two newest values.
pub(crate) fn newest_value<const N: usize>(harness: &mut Harness) -> Result<()> {
    let writer = |harness: &mut Harness, name: &str| {
        let name = harness.scratch().name(name);
        Ok(latest::Options::<Words<N>>::new().create_new(&name)?.writer()?)
    };
    let reader = |harness: &mut Harness, name: &str| {
        let mut reader = latest::Reader::<Words<N>>::open(harness.scratch().name(name))?;
        reader.set_wait_strategy(WaitStrategy::Spin);
        Ok(reader)
    };
    let (out, back) = harness.connect_both(writer, reader)?;
    harness.round_trips(out, back)
}

impl<const N: usize> Put<N> for latest::Writer<Words<N>> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        self.store(*message);
        Ok(())
    }
}

impl<const N: usize> Take<N> for latest::Reader<Words<N>> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        self.changed().map(|snapshot| snapshot.value).map_err(failure)
    }
}

/// Requests and replies over one request channel.
pub(crate) fn requests<const N: usize>(harness: &mut Harness) -> Result<()> {
    let name = harness.scratch().name("requests");
    match harness.role() {
        Role::Server => {
            let options = request::Options::<Words<N>, Words<N>>::new().capacity(SLOTS);
            let mut server = options.create_new(&name)?.server()?;
            server.set_wait_strategy(WaitStrategy::Spin);
            harness.exchange("created")?;
            harness.exchange("")?;
            harness.reply(server)
        }
        Role::Client => {
            harness.exchange("")?;
            let mut client = request::Client::<Words<N>, Words<N>>::open(&name)?;
            client.set_wait_strategy(WaitStrategy::Spin);
            harness.exchange("opened")?;
            harness.call(client)
        }
    }
}

impl<const N: usize> Call<N> for request::Client<Words<N>, Words<N>> {
    #[inline]
    fn call(&mut self, request: &Words<N>) -> Result<Words<N>> {
        request::Client::call(self, request).map_err(failure)
    }
}

impl<const N: usize> Serve<N> for request::Server<Words<N>, Words<N>> {
    #[inline]
    fn serve(&mut self, reply: impl FnOnce(&Words<N>) -> Result<Words<N>>) -> Result<()> {
        let request = self.recv().map_err(failure)?;
        let reply = reply(request.body())?;
        request.respond(reply).map_err(failure)
    }
}
