//! iceoryx2: publish-subscribe, polled as in its own benchmark, or woken by its events as in its
//! example of event-based communication. Payloads are written into loaned samples, as it
//! recommends.
//!
//! Round trips use the settings of its publish-subscribe benchmark: one publisher, one subscriber,
//! no history, a buffer of one sample (two for events, its default). Streams disable overflow, so
//! that the publisher waits for space (`RetryUntilDelivered`, then the default). Its configuration
//! places all files in a directory and under a prefix of this run, so that all of them are removed.

use std::fmt::Debug;
use std::ops::Range;

use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::port::update_connections::UpdateConnections;
use iceoryx2::prelude::*;
use iceoryx2::service::builder::publish_subscribe::Builder;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use ipcraft_bench::Role;

use super::{LARGE_SLOTS, SLOTS};
use crate::harness::Harness;
use crate::message::{Failure, Page, Result, Words, check, words};
use crate::scratch::Scratch;
use crate::work::{OneByOne, Put, PutRange, Take, TakeRange};

type Service<const N: usize> = PortFactory<ipc::Service, Words<N>, ()>;

/// Round trips over two services; both sides poll.
pub(crate) fn polled<const N: usize>(harness: &mut Harness) -> Result<()> {
    let node = node(harness.scratch())?;
    let [out, back] = directions(harness.role());
    let (out, back) = (latency::<N>(&node, out, 1)?, latency::<N>(&node, back, 1)?);
    let (publisher, subscriber) = (out.publisher_builder().create()?, back.subscriber_builder().create()?);
    connect(harness, &[&publisher, &subscriber])?;
    harness.round_trips(publisher, subscriber)
}

/// Round trips over two services with an event each.
pub(crate) fn events<const N: usize>(harness: &mut Harness) -> Result<()> {
    let node = node(harness.scratch())?;
    let [out, back] = directions(harness.role());
    let (to, from) = (latency::<N>(&node, out, 2)?, latency::<N>(&node, back, 2)?);
    let (out_event, back_event) = (event(&node, out)?, event(&node, back)?);
    let out = Notifying {
        publisher: to.publisher_builder().create()?,
        notifier: out_event.notifier_builder().create()?,
    };
    let back = Listening {
        subscriber: from.subscriber_builder().create()?,
        listener: back_event.listener_builder().create()?,
    };
    connect(harness, &[&out.publisher, &back.subscriber])?;
    harness.round_trips(out, back)
}

/// A stream without loss, sample by sample.
pub(crate) fn stream<const N: usize>(harness: &mut Harness) -> Result<()> {
    let node = node(harness.scratch())?;
    let service = node.service_builder(&"stream".try_into()?).publish_subscribe::<Words<N>>();
    let service = lossless(service, SLOTS).open_or_create()?;
    match harness.role() {
        Role::Client => {
            let publisher = service.publisher_builder().create()?;
            connect(harness, &[&publisher])?;
            harness.send(OneByOne(publisher))
        }
        Role::Server => {
            let subscriber = service.subscriber_builder().create()?;
            connect(harness, &[&subscriber])?;
            harness.recv(OneByOne(subscriber))
        }
    }
}

/// A stream of large samples, written and checked in place.
pub(crate) fn loan<const SIZE: usize>(harness: &mut Harness) -> Result<()> {
    let node = node(harness.scratch())?;
    let service = node.service_builder(&"stream".try_into()?).publish_subscribe::<[u8]>();
    let service =
        service.enable_safe_overflow(false).subscriber_max_buffer_size(LARGE_SLOTS).open_or_create()?;
    match harness.role() {
        Role::Client => {
            let publisher = service.publisher_builder().initial_max_slice_len(SIZE).create()?;
            connect(harness, &[&publisher])?;
            harness.send(Loans { endpoint: publisher, page: Page::new(SIZE) })
        }
        Role::Server => {
            let subscriber = service.subscriber_builder().create()?;
            connect(harness, &[&subscriber])?;
            harness.recv(Loans { endpoint: subscriber, page: Page::new(SIZE) })
        }
    }
}

/// A node whose files all belong to this connection.
pub(super) fn node(scratch: &Scratch) -> Result<Node<ipc::Service>> {
    set_log_level(LogLevel::Error);
    let mut config = Config::default();
    config.global.set_root_path(&Path::new(scratch.directory().as_os_str().as_encoded_bytes())?);
    config.global.prefix = FileName::new(scratch.prefix().as_bytes())?;
    Ok(NodeBuilder::new().config(&config).create::<ipc::Service>()?)
}

/// Connects the ports of both sides, as their first sends and receives would. A sample for a
/// subscriber that has not connected is lost once its buffer is full, even without overflow.
pub(super) fn connect(harness: &mut Harness, ports: &[&dyn UpdateConnections]) -> Result<()> {
    harness.exchange("created")?;
    for port in ports {
        port.update_connections()?;
    }
    harness.exchange("connected")?;
    Ok(())
}

/// Fails if a sample was lost: the publisher reports that only by the number of recipients.
#[inline]
pub(super) fn delivered(recipients: usize, expected: usize) -> Result<()> {
    if recipients == expected { Ok(()) } else { Err(undelivered(recipients)) }
}

#[cold]
#[inline(never)]
fn undelivered(recipients: usize) -> Failure {
    format!("a sample was delivered to {recipients} subscribers").into()
}

fn directions(role: Role) -> [&'static str; 2] {
    match role {
        Role::Client => ["there", "back"],
        Role::Server => ["back", "there"],
    }
}

fn latency<const N: usize>(node: &Node<ipc::Service>, name: &str, buffer: usize) -> Result<Service<N>> {
    let service = node.service_builder(&name.try_into()?).publish_subscribe::<Words<N>>();
    let service = service.max_publishers(1).max_subscribers(1).history_size(0);
    Ok(service.subscriber_max_buffer_size(buffer).enable_safe_overflow(true).open_or_create()?)
}

/// Configures one publisher that waits for space, and one subscriber.
pub(super) fn lossless<T: Debug + IceoryxSend + ?Sized>(
    service: Builder<T, (), ipc::Service>,
    buffer: usize,
) -> Builder<T, (), ipc::Service> {
    service
        .max_publishers(1)
        .max_subscribers(1)
        .enable_safe_overflow(false)
        .subscriber_max_buffer_size(buffer)
}

fn event(
    node: &Node<ipc::Service>,
    name: &str,
) -> Result<iceoryx2::service::port_factory::event::PortFactory<ipc::Service>> {
    Ok(node.service_builder(&name.try_into()?).event().open_or_create()?)
}

impl<const N: usize> Put<N> for Publisher<ipc::Service, Words<N>, ()> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        delivered(self.loan_uninit()?.write_payload(*message).send()?, 1)
    }
}

impl<const N: usize> Take<N> for Subscriber<ipc::Service, Words<N>, ()> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        loop {
            if let Some(sample) = self.receive()? {
                return Ok(*sample);
            }
        }
    }
}

/// A publisher that notifies for each sample.
struct Notifying<const N: usize> {
    publisher: Publisher<ipc::Service, Words<N>, ()>,
    notifier: Notifier<ipc::Service>,
}

impl<const N: usize> Put<N> for Notifying<N> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        self.publisher.put(message)?;
        self.notifier.notify()?;
        Ok(())
    }
}

/// A subscriber that blocks until it is notified.
struct Listening<const N: usize> {
    subscriber: Subscriber<ipc::Service, Words<N>, ()>,
    listener: Listener<ipc::Service>,
}

impl<const N: usize> Take<N> for Listening<N> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        loop {
            if let Some(sample) = self.subscriber.receive()? {
                return Ok(*sample);
            }
            self.listener.blocking_wait(|_| ())?;
        }
    }
}

/// One endpoint for large samples.
struct Loans<E> {
    endpoint: E,
    page: Page,
}

impl PutRange for Loans<Publisher<ipc::Service, [u8], ()>> {
    fn put_range(&mut self, numbers: Range<u64>) -> Result<()> {
        for number in numbers {
            let message = self.page.numbered(number);
            let sample = self.endpoint.loan_slice_uninit(message.len())?;
            delivered(sample.write_from_slice(message).send()?, 1)?;
        }
        Ok(())
    }
}

impl TakeRange for Loans<Subscriber<ipc::Service, [u8], ()>> {
    fn take_range(&mut self, numbers: Range<u64>, check_all: bool) -> Result<()> {
        for number in numbers {
            let sample = loop {
                if let Some(sample) = self.endpoint.receive()? {
                    break sample;
                }
            };
            self.page.check(sample.payload(), number, check_all)?;
        }
        Ok(())
    }
}

/// A node, a service, a publisher, a subscriber and the first sample.
pub(crate) fn set_up(harness: &mut Harness) -> Result<()> {
    harness.repeat_setup(|scratch, number| {
        let node = node(scratch)?;
        let service =
            node.service_builder(&"set-up".try_into()?).publish_subscribe::<Words<1>>().open_or_create()?;
        let mut subscriber = service.subscriber_builder().create()?;
        let mut publisher = service.publisher_builder().create()?;
        publisher.put(&words(number))?;
        check::<1>(&subscriber.take()?, number)?;
        // In the order in which they may be dropped.
        Ok((subscriber, publisher, service, node))
    })
}

/// The publisher is killed while the subscriber waits for an event.
pub(crate) fn receiving_events(harness: &mut Harness) -> Result<()> {
    let node = node(harness.scratch())?;
    let (service, event) = (latency::<1>(&node, "there", 2)?, event(&node, "there")?);
    match harness.role() {
        Role::Client => {
            let publisher = service.publisher_builder().create()?;
            let notifier = event.notifier_builder().create()?;
            connect(harness, &[&publisher])?;
            harness.be_killed((publisher, notifier))
        }
        Role::Server => {
            let subscriber = service.subscriber_builder().create()?;
            connect(harness, &[&subscriber])?;
            let mut listening = Listening { subscriber, listener: event.listener_builder().create()? };
            harness.outlive(|| Take::<1>::take(&mut listening).map(drop))
        }
    }
}

/// The publisher is killed while the subscriber polls.
pub(crate) fn receiving_polled(harness: &mut Harness) -> Result<()> {
    let node = node(harness.scratch())?;
    let service = latency::<1>(&node, "there", 1)?;
    match harness.role() {
        Role::Client => {
            let publisher = service.publisher_builder().create()?;
            connect(harness, &[&publisher])?;
            harness.be_killed(publisher)
        }
        Role::Server => {
            let mut subscriber = service.subscriber_builder().create()?;
            connect(harness, &[&subscriber])?;
            harness.outlive(|| Take::<1>::take(&mut subscriber).map(drop))
        }
    }
}

/// The subscriber is killed while the publisher waits for space.
pub(crate) fn sending(harness: &mut Harness) -> Result<()> {
    let node = node(harness.scratch())?;
    let service = node.service_builder(&"stream".try_into()?).publish_subscribe::<Words<1>>();
    let service = lossless(service, SLOTS).open_or_create()?;
    match harness.role() {
        Role::Client => {
            let mut publisher = service.publisher_builder().create()?;
            connect(harness, &[&publisher])?;
            harness.outlive(|| publisher.put(&[0]))
        }
        Role::Server => {
            let subscriber = service.subscriber_builder().create()?;
            connect(harness, &[&subscriber])?;
            harness.be_killed(subscriber)
        }
    }
}
