//! The lost wake-up by chance: two processes run until both sleep.
//!
//! A signal takes a few microseconds to another core. A consumer that calls pause(2) right after
//! its test is there before the signal, and is woken. So the loss needs a consumer that is delayed
//! between both: by the scheduler, or by what a program does there.

use std::hint::spin_loop;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft_bench::{CpuPair, Placement, pin};
use ipcraft_step::Child;
use serde::{Deserialize, Serialize};

use super::Method;
use super::buffer::{Buffer, Side};
use crate::watch::{POLL, all_sleep};
use crate::{Error, worker};

/// What happened in several runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chance {
    /// Where the processes ran.
    pub placement: Placement,
    /// The microseconds that the consumer spends between its test and its sleep.
    pub gap_us: u64,
    /// The number of runs.
    pub runs: u32,
    /// The runs in which both processes slept forever.
    pub lost: u32,
    /// The items that were taken until then: the median of all runs. `None` if half of the runs or
    /// more reached the limit of time.
    pub median_items: Option<u64>,
    /// The items of all runs together.
    pub items: u64,
}

/// Lets a producer and a consumer sleep and wake by signals, for at most `limit` in each run. The
/// consumer spends `gap` between its test and its sleep.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or the machine lacks the cores.
pub fn by_chance(placement: Placement, gap: Duration, runs: u32, limit: Duration) -> Result<Chance, Error> {
    let cpus = worker::cpus(placement).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let mut chance =
        Chance { placement, gap_us: gap.as_micros() as u64, runs, lost: 0, median_items: None, items: 0 };
    let mut until_lost = Vec::new();
    for _ in 0..runs {
        let (items, is_lost) = run(cpus, gap, limit)?;
        chance.items += items;
        chance.lost += u32::from(is_lost);
        // A run that reached the limit would have needed more.
        until_lost.push(if is_lost { items } else { u64::MAX });
    }
    until_lost.sort_unstable();
    chance.median_items = until_lost.get(until_lost.len() / 2).copied().filter(|&items| items != u64::MAX);
    Ok(chance)
}

/// The room of the buffer. In the time that a wake-up takes, a process must not empty or fill it.
/// Otherwise both take turns, and never meet at the critical moment.
const CAPACITY: u32 = 100;

/// What making and using an item takes: about a microsecond, another time for each item. Using is
/// faster, so that the buffer is empty often.
const MAKING_SPINS: u64 = 64;
const USING_SPINS: u64 = 48;

/// The source of the times.
struct Work(u64);

impl Work {
    fn do_some(&mut self, max_spins: u64) {
        // Xorshift: a different number each time.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (0..self.0 % max_spins).for_each(|_| spin_loop());
    }
}

fn spend(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        spin_loop();
    }
}

/// Returns how many items were taken, and whether both processes sleep forever.
fn run(cpus: CpuPair, gap: Duration, limit: Duration) -> Result<(u64, bool), Error> {
    let buffer = Buffer::new(Method::Signal, CAPACITY)?;
    let place = buffer.place();
    let consumer = Child::try_start(|| {
        cpus.client.map(pin);
        let mut work = Work(1);
        buffer.play(Side::Consumer, |end| {
            loop {
                end.take(&mut || spend(gap))?;
                work.do_some(USING_SPINS);
            }
        });
    })?;
    let producer = Child::try_start(|| {
        cpus.server.map(pin);
        let mut work = Work(2);
        buffer.play(Side::Producer, |end| {
            loop {
                work.do_some(MAKING_SPINS);
                end.put()?;
            }
        });
    })?;
    let taken = || u64::from(place.taken.load(SeqCst));
    let (start, mut is_lost) = (Instant::now(), false);
    while !is_lost && start.elapsed() < limit {
        sleep(POLL);
        if consumer.has_ended() || producer.has_ended() {
            return Err(Error::Failed(nix::Error::ECHILD));
        }
        is_lost = taken() > 0 && all_sleep(&[&consumer, &producer], taken);
    }
    Ok((taken(), is_lost))
}
