//! ringfire: its ring for one producer, `RingProducer` and `RingConsumer`.
//!
//! Round trips as in its own latency bench: 4096 slots and its default flow control, under which nothing can be lost with
//! one message under way. Streams with `LosslessBackpressure`, since the default overwrites what has not been read. Waiting
//! by its `BusySpin`, its default `FutexWait` (32 looks, then sleep; what it calls adaptive), and `FutexWait` without looks.

use std::ops::Range;

use ipcraft_bench::Role;
use ringfire::{
    BusySpin, FlowControl, FutexWait, RingConsumer, RingConsumerBuilder, RingProducer, RingProducerBuilder,
    WaitStrategy,
};

use super::{BATCH, SLOTS};
use crate::message::{Result, Words, check, words};
use crate::scratch::Scratch;
use crate::stage::Stage;
use crate::work::{Drain, OneByOne, Pour, Put, Take};

/// The capacity of its own latency bench.
const LATENCY_SLOTS: u64 = 4096;

/// Round trips, both sides spinning.
pub(crate) fn spin<const N: usize>(stage: &mut Stage) -> Result<()> {
    round_trips::<N, _>(stage, BusySpin::new())
}

/// Round trips, both sides sleeping after 32 looks.
pub(crate) fn adaptive<const N: usize>(stage: &mut Stage) -> Result<()> {
    round_trips::<N, _>(stage, FutexWait::default())
}

/// Round trips, both sides sleeping at once.
pub(crate) fn futex<const N: usize>(stage: &mut Stage) -> Result<()> {
    round_trips::<N, _>(stage, FutexWait::new(0, None))
}

fn round_trips<const N: usize, W: WaitStrategy>(stage: &mut Stage, wait: W) -> Result<()> {
    let (mine, theirs) = match stage.role() {
        Role::Client => ("there", "back"),
        Role::Server => ("back", "there"),
    };
    let producer = RingProducer::<Words<N>>::create(stage.scratch().shm_path(mine), LATENCY_SLOTS)?;
    stage.meet("created")?;
    let consumer = RingConsumer::<Words<N>>::attach(stage.scratch().shm_path(theirs))?;
    stage.meet("attached")?;
    stage.round_trips(producer, Waiting { consumer, wait })
}

/// A stream without loss, message by message.
pub(crate) fn single<const N: usize, const SLOTS: u64>(stage: &mut Stage) -> Result<()> {
    match lossless(stage, SLOTS)? {
        End::Sender(producer) => stage.send(OneByOne::<_, N>(producer)),
        End::Receiver(consumer) => {
            stage.receive(OneByOne::<_, N>(Waiting { consumer, wait: BusySpin::new() }))
        }
    }
}

/// A stream without loss by `push_batch` and `recv_batch`.
pub(crate) fn batches<const N: usize, const SLOTS: u64>(stage: &mut Stage) -> Result<()> {
    match lossless::<N>(stage, SLOTS)? {
        End::Sender(producer) => stage.send(Batches(producer)),
        End::Receiver(consumer) => stage.receive(Batches(consumer)),
    }
}

enum End<const N: usize> {
    Sender(RingProducer<Words<N>>),
    Receiver(RingConsumer<Words<N>>),
}

fn lossless<const N: usize>(stage: &mut Stage, slots: u64) -> Result<End<N>> {
    let path = stage.scratch().shm_path("stream");
    match stage.role() {
        Role::Client => {
            let builder = RingProducerBuilder::new(slots).flow_control(FlowControl::LosslessBackpressure);
            let producer = builder.build(path)?;
            stage.meet("created")?;
            stage.meet("")?;
            Ok(End::Sender(producer))
        }
        Role::Server => {
            stage.meet("")?;
            let consumer = RingConsumerBuilder::new().consumer_name("peer").start_from_head().attach(path)?;
            stage.meet("attached")?;
            Ok(End::Receiver(consumer))
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

/// A consumer and how it waits.
struct Waiting<C, W> {
    consumer: C,
    wait: W,
}

impl<const N: usize, W: WaitStrategy> Take<N> for Waiting<RingConsumer<Words<N>>, W> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        Ok(self.consumer.recv_blocking(&mut self.wait))
    }
}

struct Batches<E>(E);

impl<const N: usize> Pour for Batches<RingProducer<Words<N>>> {
    #[inline]
    fn pour(&mut self, numbers: Range<u64>) -> Result<()> {
        for first in numbers.step_by(BATCH) {
            let batch: [Words<N>; BATCH] = std::array::from_fn(|i| words(first + i as u64));
            self.0.push_batch(&batch);
        }
        Ok(())
    }
}

impl<const N: usize> Drain for Batches<RingConsumer<Words<N>>> {
    #[inline]
    fn drain(&mut self, numbers: Range<u64>, _thoroughly: bool) -> Result<()> {
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
pub(crate) fn set_up(stage: &mut Stage) -> Result<()> {
    stage.makes(|scratch: &Scratch, number| {
        let path = scratch.shm_path("set-up");
        let mut producer = RingProducer::<Words<1>>::create(&path, SLOTS as u64)?;
        let mut consumer = RingConsumer::<Words<1>>::attach(&path)?;
        producer.push(&words(number));
        check(&consumer.recv_blocking(&mut BusySpin::new()), number)?;
        Ok((producer, consumer))
    })
}
