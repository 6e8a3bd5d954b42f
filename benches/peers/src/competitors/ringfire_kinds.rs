//! ringfire: its work queue, its ring with several readers, and its blackboard.
//!
//! The queue overwrites unread messages and has no lossless mode. So only round trips are measured,
//! in which one message is in flight. Broadcasts use `LosslessBackpressure`, with a registered
//! consumer for each reader, as its documentation describes. All sides spin.

use ringfire::{
    BlackboardConsumer, BlackboardProducer, BusySpin, FlowControl, MpmcProducer, MpmcQueueConsumer,
    RingConsumerBuilder, RingProducerBuilder,
};

use super::ringfire::{LATENCY_SLOTS, Waiting};
use super::{Each, SLOTS};
use crate::competitor::Side;
use crate::harness::Harness;
use crate::message::{Result, Words};
use crate::work::{OneByOne, Put, Take};

/// Round trips over two work queues.
pub(crate) fn queue_round_trips<const N: usize>(harness: &mut Harness) -> Result<()> {
    let producer = |harness: &mut Harness, name: &str| {
        Ok(MpmcProducer::<Words<N>>::create(harness.scratch().shm_path(name), LATENCY_SLOTS)?)
    };
    let consumer = |harness: &mut Harness, name: &str| {
        Ok(MpmcQueueConsumer::<Words<N>>::attach(harness.scratch().shm_path(name))?)
    };
    let (out, consumer) = harness.connect_both(producer, consumer)?;
    harness.round_trips(out, Waiting { consumer, wait: BusySpin::new() })
}

impl<const N: usize> Put<N> for MpmcProducer<Words<N>> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        self.push(message);
        Ok(())
    }
}

impl<const N: usize> Take<N> for Waiting<MpmcQueueConsumer<Words<N>>, BusySpin> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        Ok(self.consumer.recv_blocking(&mut self.wait))
    }
}

/// A broadcast to `READERS` in one process.
pub(crate) fn broadcast<const N: usize, const READERS: usize>(harness: &mut Harness) -> Result<()> {
    let producer = |harness: &mut Harness| {
        let builder = RingProducerBuilder::new(SLOTS as u64).flow_control(FlowControl::LosslessBackpressure);
        Ok(OneByOne::<_, N>(builder.build::<Words<N>, _>(harness.scratch().shm_path("broadcast"))?))
    };
    let consumers = |harness: &mut Harness| {
        let consumer = |number| {
            let builder =
                RingConsumerBuilder::new().consumer_name(&format!("peer-{number}")).start_from_head();
            let consumer = builder.attach(harness.scratch().shm_path("broadcast"))?;
            Ok(OneByOne::<_, N>(Waiting { consumer, wait: BusySpin::new() }))
        };
        (0..READERS).map(consumer).collect::<Result<Vec<_>>>()
    };
    match harness.connect(producer, consumers)? {
        Side::Sender(producer) => harness.send(producer),
        Side::Receiver(consumers) => harness.recv(Each(consumers)),
    }
}

/// The only key of a blackboard here.
const KEY: usize = 0;

/// Round trips over a blackboard each way. A reader polls until the value differs, since a
/// blackboard has no operation that waits.
pub(crate) fn newest_value<const N: usize>(harness: &mut Harness) -> Result<()> {
    let producer = |harness: &mut Harness, name: &str| {
        Ok(BlackboardProducer::<Words<N>>::create(harness.scratch().shm_path(name), 1)?)
    };
    let consumer = |harness: &mut Harness, name: &str| {
        let consumer = BlackboardConsumer::<Words<N>>::attach(harness.scratch().shm_path(name))?;
        Ok(Polling { consumer, last: None })
    };
    let (out, back) = harness.connect_both(producer, consumer)?;
    harness.round_trips(out, back)
}

struct Polling<const N: usize> {
    consumer: BlackboardConsumer<Words<N>>,
    last: Option<Words<N>>,
}

impl<const N: usize> Put<N> for BlackboardProducer<Words<N>> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        Ok(self.write(KEY, message)?)
    }
}

impl<const N: usize> Take<N> for Polling<N> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        loop {
            let value = self.consumer.read(KEY)?;
            if let Some(found) = value.filter(|_| value != self.last) {
                self.last = value;
                return Ok(found);
            }
            std::hint::spin_loop();
        }
    }
}
