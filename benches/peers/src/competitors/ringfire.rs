//! ringfire: its ring for one producer, `RingProducer` and `RingConsumer`.
//!
//! Round trips are those of its own latency bench: 4096 slots and its default flow control. Under
//! it no message is lost as long as only one is in flight. Streams use `LosslessBackpressure`,
//! since the default overwrites unread messages. The wait strategies are `BusySpin`, the default
//! `FutexWait` (polls 32 times, then blocks; its documentation calls that adaptive), and
//! `FutexWait` without polling.

use std::ops::Range;

use ipcraft_bench::Role;
use ringfire::{
    BusySpin, FlowControl, FutexWait, RingConsumer, RingConsumerBuilder, RingProducer, RingProducerBuilder,
    WaitStrategy,
};

use super::{BATCH, SLOTS};
use crate::competitor::Side;
use crate::harness::Harness;
use crate::message::{Result, Words, check, fill, words};
use crate::scratch::Scratch;
use crate::work::{OneByOne, Put, PutRange, Take, TakeRange};

/// The capacity of its own latency bench.
pub(super) const LATENCY_SLOTS: u64 = 4096;

/// Round trips; both sides spin.
pub(crate) fn spin<const N: usize>(harness: &mut Harness) -> Result<()> {
    round_trips::<N, _>(harness, BusySpin::new())
}

/// Round trips; both sides block after polling 32 times.
pub(crate) fn adaptive<const N: usize>(harness: &mut Harness) -> Result<()> {
    round_trips::<N, _>(harness, FutexWait::default())
}

/// Round trips; both sides block immediately.
pub(crate) fn futex<const N: usize>(harness: &mut Harness) -> Result<()> {
    round_trips::<N, _>(harness, FutexWait::new(0, None))
}

fn round_trips<const N: usize, W: WaitStrategy>(harness: &mut Harness, wait: W) -> Result<()> {
    let (mine, theirs) = match harness.role() {
        Role::Client => ("there", "back"),
        Role::Server => ("back", "there"),
    };
    let producer = RingProducer::<Words<N>>::create(harness.scratch().shm_path(mine), LATENCY_SLOTS)?;
    harness.exchange("created")?;
    let consumer = RingConsumer::<Words<N>>::attach(harness.scratch().shm_path(theirs))?;
    harness.exchange("attached")?;
    harness.round_trips(producer, Waiting { consumer, wait })
}

/// A stream without loss, message by message.
pub(crate) fn single<const N: usize, const SLOTS: u64>(harness: &mut Harness) -> Result<()> {
    match lossless(harness, SLOTS)? {
        Endpoint::Sender(producer) => harness.send(OneByOne::<_, N>(producer)),
        Endpoint::Receiver(consumer) => {
            harness.recv(OneByOne::<_, N>(Waiting { consumer, wait: BusySpin::new() }))
        }
    }
}

/// A stream without loss by `push_batch` and `recv_batch`.
pub(crate) fn batches<const N: usize, const SLOTS: u64>(harness: &mut Harness) -> Result<()> {
    match lossless::<N>(harness, SLOTS)? {
        Endpoint::Sender(producer) => harness.send(Batches(producer)),
        Endpoint::Receiver(consumer) => harness.recv(Batches(consumer)),
    }
}

enum Endpoint<const N: usize> {
    Sender(RingProducer<Words<N>>),
    Receiver(RingConsumer<Words<N>>),
}

fn lossless<const N: usize>(harness: &mut Harness, slots: u64) -> Result<Endpoint<N>> {
    let path = harness.scratch().shm_path("stream");
    match harness.role() {
        Role::Client => {
            let builder = RingProducerBuilder::new(slots).flow_control(FlowControl::LosslessBackpressure);
            let producer = builder.build(path)?;
            harness.exchange("created")?;
            harness.exchange("")?;
            Ok(Endpoint::Sender(producer))
        }
        Role::Server => {
            harness.exchange("")?;
            let consumer = RingConsumerBuilder::new().consumer_name("peer").start_from_head().attach(path)?;
            harness.exchange("attached")?;
            Ok(Endpoint::Receiver(consumer))
        }
    }
}

impl<const N: usize> Put<N> for RingProducer<Words<N>> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        self.push(message);
        Ok(())
    }
}

/// A consumer and its wait strategy.
pub(super) struct Waiting<C, W> {
    pub(super) consumer: C,
    pub(super) wait: W,
}

impl<const N: usize, W: WaitStrategy> Take<N> for Waiting<RingConsumer<Words<N>>, W> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        Ok(self.consumer.recv_blocking(&mut self.wait))
    }
}

struct Batches<E>(E);

impl<const N: usize> PutRange for Batches<RingProducer<Words<N>>> {
    #[inline]
    fn put_range(&mut self, numbers: Range<u64>) -> Result<()> {
        let mut batch = [[0; N]; BATCH];
        for first in numbers.step_by(BATCH) {
            fill(&mut batch, first);
            self.0.push_batch(&batch);
        }
        Ok(())
    }
}

impl<const N: usize> TakeRange for Batches<RingConsumer<Words<N>>> {
    #[inline]
    fn take_range(&mut self, numbers: Range<u64>, _thoroughly: bool) -> Result<()> {
        let mut batch = [[0; N]; BATCH];
        let mut number = numbers.start;
        while number < numbers.end {
            let wanted = BATCH.min((numbers.end - number) as usize);
            let count = self.0.recv_batch(&mut batch[..wanted]);
            for message in &batch[..count] {
                check(message, number)?;
                number += 1;
            }
        }
        Ok(())
    }
}

/// A ring, a consumer attached to it, and one message.
pub(crate) fn set_up(harness: &mut Harness) -> Result<()> {
    harness.repeat_setup(|scratch: &Scratch, number| {
        let path = scratch.shm_path("set-up");
        let mut producer = RingProducer::<Words<1>>::create(&path, SLOTS as u64)?;
        let mut consumer = RingConsumer::<Words<1>>::attach(&path)?;
        producer.push(&words(number));
        check(&consumer.recv_blocking(&mut BusySpin::new()), number)?;
        Ok((producer, consumer))
    })
}

/// The producer is killed while the consumer spins.
pub(crate) fn receiving_spin(harness: &mut Harness) -> Result<()> {
    receiving(harness, BusySpin::new())
}

/// The producer is killed while the consumer blocks.
pub(crate) fn receiving_futex(harness: &mut Harness) -> Result<()> {
    receiving(harness, FutexWait::default())
}

fn receiving(harness: &mut Harness, mut wait: impl WaitStrategy) -> Result<()> {
    let side = lossless::<1>(harness, SLOTS as u64)?.into();
    harness.receiver_outlives(side, |consumer: &mut RingConsumer<Words<1>>| {
        consumer.recv_blocking(&mut wait);
        Ok(())
    })
}

/// The consumer is killed while the producer waits for space.
pub(crate) fn sending(harness: &mut Harness) -> Result<()> {
    let side = lossless::<1>(harness, SLOTS as u64)?.into();
    harness.sender_outlives(side, |producer: &mut RingProducer<Words<1>>| producer.put(&[0]))
}

impl<const N: usize> From<Endpoint<N>> for Side<RingProducer<Words<N>>, RingConsumer<Words<N>>> {
    fn from(endpoint: Endpoint<N>) -> Self {
        match endpoint {
            Endpoint::Sender(producer) => Side::Sender(producer),
            Endpoint::Receiver(consumer) => Side::Receiver(consumer),
        }
    }
}
