//! The lost wake-up, constructed: the consumer is stopped between its test and its sleep.

use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft_step::Child;
use nix::sys::signal::{Signal, kill, raise};
use serde::{Deserialize, Serialize};

use super::buffer::{Buffer, Side};
use super::{CAPACITY, Method};
use crate::Error;
use crate::watch::{POLL, all_sleep, has_pending_signal, is_asleep};

/// The items that the producer puts: more than the buffer has room for.
const ITEMS: u32 = 3 * CAPACITY;

/// A run takes milliseconds; a machine may be busy.
const MAX_TIME: Duration = Duration::from_secs(30);

/// What came of a number of runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Construction {
    /// How the processes sleep and are woken.
    pub method: Method,
    /// The number of runs.
    pub runs: u32,
    /// The runs after which both processes sleep forever.
    pub lost: u32,
    /// What the kernel shows in the last of these.
    pub proof: Option<Proof>,
}

/// What shows that a wake-up was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The items in the buffer.
    pub count: u32,
    /// The number for which there is room.
    pub capacity: u32,
    /// Whether the kernel reports the consumer as sleeping.
    pub consumer_sleeps: bool,
    /// Whether the kernel reports the producer as sleeping.
    pub producer_sleeps: bool,
    /// Whether a signal is pending for one of them.
    pub is_signal_pending: bool,
}

/// Runs a producer and a consumer that is stopped between its test and its sleep.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, fails, or takes half a minute.
pub fn construct(method: Method, runs: u32) -> Result<Construction, Error> {
    let mut construction = Construction { method, runs, lost: 0, proof: None };
    for _ in 0..runs {
        if let Some(proof) = construct_once(method)? {
            construction.lost += 1;
            construction.proof = Some(proof);
        }
    }
    Ok(construction)
}

/// Returns a proof if both processes sleep forever.
fn construct_once(method: Method) -> Result<Option<Proof>, Error> {
    let buffer = Buffer::new(method, CAPACITY)?;
    let consumer = Child::try_start(|| consume(&buffer))?;
    if !consumer.wait_stopped() {
        return Err(Error::Failed(nix::Error::ECHILD));
    }
    // The consumer has found the buffer empty. Now the producer wakes a process that is awake.
    let producer =
        Child::try_start(|| buffer.play(Side::Producer, |end| (0..ITEMS).try_for_each(|_| end.put())))?;
    while buffer.place().put.load(SeqCst) == 0
        && !producer.has_ended()
        && !waits_for_mutex(&producer, &buffer)
    {
        sleep(POLL / 10);
    }
    kill(consumer.pid(), Signal::SIGCONT)?;
    fate(&buffer, &consumer, &producer)
}

fn consume(buffer: &Buffer) {
    let mut is_stopped = false;
    buffer.play(Side::Consumer, |end| {
        (0..ITEMS).try_for_each(|_| {
            end.take(&mut || {
                if !std::mem::replace(&mut is_stopped, true) {
                    // The kernel permits a process to stop itself.
                    let _ = raise(Signal::SIGSTOP);
                }
            })
        })
    });
}

/// The consumer was stopped with the mutex, so the producer cannot put anything yet.
fn waits_for_mutex(producer: &Child, buffer: &Buffer) -> bool {
    all_sleep(&[producer], || progress(buffer))
}

fn progress(buffer: &Buffer) -> u64 {
    let place = buffer.place();
    u64::from(place.put.load(SeqCst)) << 32 | u64::from(place.taken.load(SeqCst))
}

/// Waits until both processes have ended, or sleep forever.
fn fate(buffer: &Buffer, consumer: &Child, producer: &Child) -> Result<Option<Proof>, Error> {
    let start = Instant::now();
    while start.elapsed() < MAX_TIME {
        let ended = [consumer, producer].map(Child::has_ended);
        if ended == [true; 2] {
            buffer.result()?;
            return Ok(None);
        }
        if ended == [false; 2] && all_sleep(&[consumer, producer], || progress(buffer)) {
            return Ok(Some(proof(buffer, consumer, producer)));
        }
        sleep(POLL / 10);
    }
    Err(Error::Failed(nix::Error::ETIME))
}

fn proof(buffer: &Buffer, consumer: &Child, producer: &Child) -> Proof {
    Proof {
        count: buffer.place().count.load(SeqCst),
        capacity: CAPACITY,
        consumer_sleeps: is_asleep(consumer),
        producer_sleeps: is_asleep(producer),
        is_signal_pending: has_pending_signal(consumer) || has_pending_signal(producer),
    }
}
