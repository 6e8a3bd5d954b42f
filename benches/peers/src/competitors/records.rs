//! Streams of records whose lengths vary from 1 to 64 bytes.

use std::hint::spin_loop;
use std::ops::Range;
use std::os::fd::OwnedFd;

use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::ipc as iox;
use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender};
use ipcraft::channel::WaitStrategy;
use ipcraft::channel::spsc::bytes;
use ipcraft_bench::Role;
use rtrb::{Consumer, Producer, RingBuffer};

use super::iceoryx2::{connect, delivered, lossless, node};
use super::{SLOTS, seqpacket};
use crate::competitor::Side;
use crate::harness::Harness;
use crate::message::{Record, Result, failure};
use crate::work::{PutRange, TakeRange};

/// The longest record.
const LONGEST: usize = Record::LONGEST;

/// An endpoint that sends records.
trait PutRecord {
    fn put(&mut self, record: &[u8]) -> Result<()>;
}

/// An endpoint that receives records.
trait TakeRecord {
    /// Passes the next record to `check`.
    fn take(&mut self, check: impl FnOnce(&[u8]) -> Result<()>) -> Result<()>;
}

struct Records<E>(E);

impl<E: PutRecord> PutRange for Records<E> {
    #[inline]
    fn put_range(&mut self, numbers: Range<u64>) -> Result<()> {
        for number in numbers {
            self.0.put(Record::new(number).bytes())?;
        }
        Ok(())
    }
}

impl<E: TakeRecord> TakeRange for Records<E> {
    #[inline]
    fn take_range(&mut self, numbers: Range<u64>, _check_all: bool) -> Result<()> {
        for number in numbers {
            self.0.take(|received| Record::new(number).check(received))?;
        }
        Ok(())
    }
}

fn stream<S: PutRecord, R: TakeRecord>(harness: &mut Harness, side: Side<S, R>) -> Result<()> {
    match side {
        Side::Sender(sender) => harness.send(Records(sender)),
        Side::Receiver(receiver) => harness.recv(Records(receiver)),
    }
}

/// ipcraft: `send` and `recv_into` of the channel for records; both sides spin.
pub(crate) fn ours(harness: &mut Harness) -> Result<()> {
    let sender = |harness: &mut Harness| {
        let options = bytes::Options::new().capacity(SLOTS * LONGEST);
        let mut sender = options.create_new(harness.scratch().name("records"))?.sender()?;
        sender.set_wait_strategy(WaitStrategy::Spin);
        Ok(sender)
    };
    let receiver = |harness: &mut Harness| {
        let mut receiver = bytes::Receiver::open(harness.scratch().name("records"))?;
        receiver.set_wait_strategy(WaitStrategy::Spin);
        Ok(receiver)
    };
    let side = harness.connect(sender, receiver)?;
    stream(harness, side)
}

impl PutRecord for bytes::Sender {
    #[inline]
    fn put(&mut self, record: &[u8]) -> Result<()> {
        self.send(record).map_err(failure)
    }
}

impl TakeRecord for bytes::Receiver {
    #[inline]
    fn take(&mut self, check: impl FnOnce(&[u8]) -> Result<()>) -> Result<()> {
        let mut buffer = [0; LONGEST];
        let length = self.recv_into(&mut buffer).map_err(failure)?;
        check(&buffer[..length])
    }
}

/// iceoryx2: slices without loss, by `loan_slice_uninit` and `write_from_slice`; both sides poll.
pub(crate) fn iceoryx2(harness: &mut Harness) -> Result<()> {
    let node = node(harness.scratch())?;
    let service = node.service_builder(&"records".try_into()?).publish_subscribe::<[u8]>();
    let service = lossless(service, SLOTS).open_or_create()?;
    match harness.role() {
        Role::Client => {
            let publisher = service.publisher_builder().initial_max_slice_len(LONGEST).create()?;
            connect(harness, &[&publisher])?;
            harness.send(Records(publisher))
        }
        Role::Server => {
            let subscriber = service.subscriber_builder().create()?;
            connect(harness, &[&subscriber])?;
            harness.recv(Records(subscriber))
        }
    }
}

impl PutRecord for Publisher<iox::Service, [u8], ()> {
    #[inline]
    fn put(&mut self, record: &[u8]) -> Result<()> {
        delivered(self.loan_slice_uninit(record.len())?.write_from_slice(record).send()?, 1)
    }
}

impl TakeRecord for Subscriber<iox::Service, [u8], ()> {
    #[inline]
    fn take(&mut self, check: impl FnOnce(&[u8]) -> Result<()>) -> Result<()> {
        loop {
            if let Some(sample) = self.receive()? {
                return check(sample.payload());
            }
        }
    }
}

/// ipc-channel: `bytes_channel`, whose receiver is sent to the server through a one-shot server.
pub(crate) fn ipc_channel(harness: &mut Harness) -> Result<()> {
    match harness.role() {
        Role::Server => {
            let (server, name) = IpcOneShotServer::<IpcBytesReceiver>::new()?;
            harness.exchange(&name)?;
            let (_once, receiver) = server.accept()?;
            harness.recv(Records(receiver))
        }
        Role::Client => {
            let name = harness.exchange("")?;
            let (sender, receiver) = ipc::bytes_channel()?;
            IpcSender::<IpcBytesReceiver>::connect(name)?.send(receiver)?;
            harness.send(Records(sender))
        }
    }
}

impl PutRecord for IpcBytesSender {
    #[inline]
    fn put(&mut self, record: &[u8]) -> Result<()> {
        Ok(self.send(record)?)
    }
}

impl TakeRecord for IpcBytesReceiver {
    #[inline]
    fn take(&mut self, check: impl FnOnce(&[u8]) -> Result<()>) -> Result<()> {
        check(&self.recv()?)
    }
}

/// A Unix socket that keeps the boundaries of records.
pub(crate) fn unix_seqpacket(harness: &mut Harness) -> Result<()> {
    let socket = seqpacket::connected(harness)?;
    match harness.role() {
        Role::Client => harness.send(Records(socket)),
        Role::Server => harness.recv(Records(socket)),
    }
}

impl PutRecord for OwnedFd {
    #[inline]
    fn put(&mut self, record: &[u8]) -> Result<()> {
        seqpacket::send_record(self, record)
    }
}

impl TakeRecord for OwnedFd {
    #[inline]
    fn take(&mut self, check: impl FnOnce(&[u8]) -> Result<()>) -> Result<()> {
        let mut buffer = [0; LONGEST];
        let length = seqpacket::recv_record(self, &mut buffer)?;
        check(&buffer[..length])
    }
}

/// rtrb: a ring of bytes between two threads, with the length before each record.
pub(crate) fn rtrb(harness: &mut Harness) -> Result<()> {
    let (producer, consumer) = RingBuffer::<u8>::new(SLOTS * LONGEST);
    harness.threads(|client| client.send(Records(producer)), |server| server.recv(Records(consumer)))
}

impl PutRecord for Producer<u8> {
    #[inline]
    fn put(&mut self, record: &[u8]) -> Result<()> {
        let mut prefixed = [0; LONGEST + 1];
        prefixed[0] = record.len() as u8;
        prefixed[1..=record.len()].copy_from_slice(record);
        while self.push_entire_slice(&prefixed[..=record.len()]).is_err() {
            spin_loop();
        }
        Ok(())
    }
}

impl TakeRecord for Consumer<u8> {
    #[inline]
    fn take(&mut self, check: impl FnOnce(&[u8]) -> Result<()>) -> Result<()> {
        let length = loop {
            match self.pop() {
                Ok(length) => break usize::from(length),
                Err(_) => spin_loop(),
            }
        };
        let mut buffer = [0; LONGEST];
        let record = buffer.get_mut(..length).ok_or("a record is too long")?;
        while self.pop_entire_slice(record).is_err() {
            spin_loop();
        }
        check(record)
    }
}
