//! What waiting costs: a consumer that spins, and one that sleeps, beside a slow producer.

use std::hint::spin_loop;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::{Result, futex};
use ipcraft_step::Child;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::sys::cpu_clock::CpuClock;

/// The items that the producer makes, and the time that it takes for each.
const ITEMS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(1);

/// The measurement takes a quarter of a second; a machine may be busy.
const MAX_TIME: Duration = Duration::from_secs(30);

/// The CPU time of a consumer that waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spinning {
    /// Whether it polled all the time, instead of sleeping.
    pub spins: bool,
    /// The time that it waited and consumed.
    pub elapsed_ns: u64,
    /// The CPU time that it used meanwhile.
    pub cpu_ns: u64,
}

impl Spinning {
    /// Returns the CPU time as a share of the elapsed time.
    pub fn share(&self) -> f64 {
        self.cpu_ns as f64 / self.elapsed_ns.max(1) as f64
    }
}

ipcraft::shared_struct! {
    struct Counter {
        items: AtomicU32,
        cpu_us: AtomicU32,
        elapsed_us: AtomicU32,
    }
}

/// Measures a consumer that spins, or sleeps.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or takes half a minute.
pub fn spinning(spins: bool) -> std::result::Result<Spinning, Error> {
    let memory = Memfd::create("ipcraft-lab", Shared::<Counter>::SIZE)?;
    let counter = Shared::initialize(memory.map()?, |_: &Counter| Ok(()))?;
    let consumer = Child::try_start(|| consume(&counter, spins).unwrap_or(()))?;
    let _producer = Child::try_start(|| produce(&counter).unwrap_or(()))?;
    let start = Instant::now();
    while !consumer.has_ended() {
        if start.elapsed() > MAX_TIME {
            return Err(Error::Failed(nix::Error::ETIME));
        }
        sleep(PAUSE);
    }
    let ns = |us: &AtomicU32| u64::from(us.load(SeqCst)) * 1000;
    Ok(Spinning { spins, elapsed_ns: ns(&counter.elapsed_us), cpu_ns: ns(&counter.cpu_us) })
}

fn produce(counter: &Counter) -> Result<()> {
    for _ in 0..ITEMS {
        sleep(PAUSE);
        counter.items.fetch_add(1, SeqCst);
        futex::wake(&counter.items, 1)?;
    }
    Ok(())
}

fn consume(counter: &Counter, spins: bool) -> Result<()> {
    let (start, cpu) = (Instant::now(), CpuClock::OWN.ns().unwrap_or(0));
    for taken in 0..ITEMS {
        while counter.items.load(SeqCst) <= taken {
            if spins {
                spin_loop();
            } else {
                futex::wait(&counter.items, taken)?;
            }
        }
    }
    let us = |ns: u64| u32::try_from(ns / 1000).unwrap_or(u32::MAX);
    counter.cpu_us.store(us(CpuClock::OWN.ns().unwrap_or(0) - cpu), SeqCst);
    counter.elapsed_us.store(us(start.elapsed().as_nanos() as u64), SeqCst);
    Ok(())
}
