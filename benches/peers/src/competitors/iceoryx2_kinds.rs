//! iceoryx2: publish-subscribe to several subscribers, the blackboard, and requests with replies,
//! all polled.
//!
//! The blackboard follows its example: `update_with_copy` writes, and a reader compares with
//! `is_up_to_date` before it copies the value. Requests use `send_copy` and `receive`, as its
//! request-response example does.

use iceoryx2::port::client::Client;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::reader::{BlackboardValue, EntryHandle};
use iceoryx2::port::server::Server;
use iceoryx2::port::update_connections::UpdateConnections;
use iceoryx2::port::writer::EntryHandleMut;
use iceoryx2::prelude::*;
use ipcraft_bench::Role;

use super::iceoryx2::{connect, delivered, lossless, node};
use super::{Each, SLOTS};
use crate::harness::Harness;
use crate::message::{Result, Words};
use crate::work::{Call, OneByOne, Put, Serve, Take};

/// A broadcast without loss to `SUBSCRIBERS` in one process.
pub(crate) fn broadcast<const N: usize, const SUBSCRIBERS: usize>(harness: &mut Harness) -> Result<()> {
    let node = node(harness.scratch())?;
    let service = node.service_builder(&"broadcast".try_into()?).publish_subscribe::<Words<N>>();
    let service = lossless(service, SLOTS).max_subscribers(SUBSCRIBERS).open_or_create()?;
    match harness.role() {
        Role::Client => {
            let publisher = service.publisher_builder().create()?;
            connect(harness, &[&publisher])?;
            harness.send(OneByOne::<_, N>(Broadcasting { publisher, recipients: SUBSCRIBERS }))
        }
        Role::Server => {
            let subscriber = |_| Ok(service.subscriber_builder().create()?);
            let subscribers = (0..SUBSCRIBERS).map(subscriber).collect::<Result<Vec<_>>>()?;
            let ports: Vec<&dyn UpdateConnections> =
                subscribers.iter().map(|subscriber| subscriber as &dyn UpdateConnections).collect();
            connect(harness, &ports)?;
            harness.recv(Each(subscribers.into_iter().map(OneByOne::<_, N>).collect()))
        }
    }
}

struct Broadcasting<const N: usize> {
    publisher: Publisher<ipc::Service, Words<N>, ()>,
    recipients: usize,
}

impl<const N: usize> Put<N> for Broadcasting<N> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        let sample = self.publisher.loan_uninit()?.write_payload(*message);
        delivered(sample.send()?, self.recipients)
    }
}

/// The only key of a blackboard here.
const KEY: u64 = 0;

/// Round trips over a blackboard each way.
pub(crate) fn newest_value<const N: usize>(harness: &mut Harness) -> Result<()>
where
    Words<N>: ZeroCopySend,
{
    let node = node(harness.scratch())?;
    let writer = |_: &mut Harness, name: &str| {
        let builder = node.service_builder(&name.try_into()?).blackboard_creator::<u64>();
        let service = builder.add::<Words<N>>(KEY, [0; N]).create()?;
        let writer = service.writer_builder().create()?;
        let entry = writer.entry::<Words<N>>(&KEY)?;
        Ok(Writing { entry, _held: (writer, service) })
    };
    let reader = |_: &mut Harness, name: &str| {
        let service = node.service_builder(&name.try_into()?).blackboard_opener::<u64>().open()?;
        let reader = service.reader_builder().create()?;
        let entry = reader.entry::<Words<N>>(&KEY)?;
        let last = entry.get();
        Ok(Reading { entry, last, _held: (reader, service) })
    };
    let (out, back) = harness.connect_both(writer, reader)?;
    harness.round_trips(out, back)
}

struct Writing<const N: usize, H>
where
    Words<N>: ZeroCopySend,
{
    entry: EntryHandleMut<ipc::Service, u64, Words<N>>,
    _held: H,
}

impl<const N: usize, H> Put<N> for Writing<N, H>
where
    Words<N>: ZeroCopySend,
{
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        self.entry.update_with_copy(*message);
        Ok(())
    }
}

struct Reading<const N: usize, H>
where
    Words<N>: ZeroCopySend,
{
    entry: EntryHandle<ipc::Service, u64, Words<N>>,
    last: BlackboardValue<Words<N>>,
    _held: H,
}

impl<const N: usize, H> Take<N> for Reading<N, H>
where
    Words<N>: ZeroCopySend,
{
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        while self.entry.is_up_to_date(&self.last) {}
        self.last = self.entry.get();
        Ok(*self.last)
    }
}

/// Requests and replies; both sides poll.
pub(crate) fn requests<const N: usize>(harness: &mut Harness) -> Result<()> {
    let node = node(harness.scratch())?;
    let service = node.service_builder(&"requests".try_into()?).request_response::<Words<N>, Words<N>>();
    let service = service.max_clients(1).max_servers(1).open_or_create()?;
    match harness.role() {
        Role::Client => {
            let client = service.client_builder().create()?;
            connect(harness, &[&client])?;
            harness.call(client)
        }
        Role::Server => {
            let server = service.server_builder().create()?;
            connect(harness, &[&server])?;
            harness.reply(server)
        }
    }
}

impl<const N: usize> Call<N> for Client<ipc::Service, Words<N>, (), Words<N>, ()> {
    #[inline]
    fn call(&mut self, request: &Words<N>) -> Result<Words<N>> {
        let pending = self.send_copy(*request)?;
        loop {
            if let Some(response) = pending.receive()? {
                return Ok(*response);
            }
        }
    }
}

impl<const N: usize> Serve<N> for Server<ipc::Service, Words<N>, (), Words<N>, ()> {
    #[inline]
    fn serve(&mut self, reply: impl FnOnce(&Words<N>) -> Result<Words<N>>) -> Result<()> {
        loop {
            if let Some(request) = self.receive()? {
                return Ok(request.send_copy(reply(&request)?)?);
            }
        }
    }
}
