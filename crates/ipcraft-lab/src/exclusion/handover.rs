//! How the critical section passes from one process to the other.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft_bench::Placement;
use ipcraft_step::Shared;
use serde::{Deserialize, Serialize};

use super::entrance::{Entrance, Locks};
use crate::Error;
use crate::algorithm::Algorithm;
use crate::schedule::record::monotonic_ns;
use crate::variables::{Layout, Variables};
use crate::worker::{self, Desk, Team};

/// The longest measurement on one placement.
const MAX_TIME: Duration = Duration::from_millis(300);
/// How long processes get to see that they are to end.
const MAX_END: Duration = Duration::from_secs(10);
/// The time inside, and the time outside. The other process waits meanwhile.
const WORK_NS: u64 = 2_000;
/// The hand-overs of one process whose times are kept.
const MAX_SAMPLES: usize = 10_000;
const WORD: usize = size_of::<u64>();

/// Where a report has which figure.
const ENTRIES: usize = 0;
const SAMPLES: usize = 1;

/// Hand-overs between two processes, of which each is inside and outside for 2 us in turns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handover {
    /// Where the processes ran.
    pub placement: Placement,
    /// The median time from the moment in which one process leaves until the other, which waited
    /// already, has entered. `None` if there was none.
    pub median_ns: Option<u64>,
    /// How many hand-overs there were.
    pub count: usize,
    /// The entries of both processes.
    pub entries: u64,
    /// The CPU time of both processes per entry, with the 4 us of work.
    pub cpu_ns_per_entry: f64,
}

/// Measures each placement that this machine has.
pub(super) fn handovers(algorithm: &'static Algorithm, time: Duration) -> Result<Vec<Handover>, Error> {
    let placements = Placement::ALL.iter().filter(|&&placement| worker::cpus(placement).is_some());
    placements.map(|&placement| handover(algorithm, placement, time.min(MAX_TIME))).collect()
}

fn handover(algorithm: &'static Algorithm, placement: Placement, time: Duration) -> Result<Handover, Error> {
    let cpus = worker::cpus(placement).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let shared = Shared::new()?;
    let samples = Memfd::create("ipcraft-lab", (1 + 2 * MAX_SAMPLES) * WORD).and_then(|file| file.map())?;
    let locks = Locks::of(algorithm)?;
    let team = Team::start(&shared, cpus, &[0, 1], &|me, desk| {
        let variables = Variables::new(&shared, Layout::OwnLines);
        let entrance = Entrance::new(algorithm, variables, me, &locks);
        take_turns(entrance, variables, &samples, me, desk);
    })?;
    team.wait(|team| team.elapsed() > time);
    Variables::new(&shared, Layout::OwnLines).stop().store(1, Relaxed);
    if !team.ends_within(MAX_END) {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    let figures = |position: usize| [0, 1].map(|me| team.desk(me).figure(position));
    let entries: u64 = figures(ENTRIES).iter().sum();
    let cpu: u64 = (0..2).map(|me| team.usage(me).0).sum();
    let counts = figures(SAMPLES).map(|count| count as usize);
    let mut times: Vec<u64> = (0..2)
        .flat_map(|me| (0..counts[me]).map(move |index| (me, index)))
        .map(|(me, index)| sample(&samples, me, index).load(Relaxed))
        .collect();
    times.sort_unstable();
    Ok(Handover {
        placement,
        median_ns: times.get(times.len() / 2).copied(),
        count: times.len(),
        entries,
        cpu_ns_per_entry: cpu as f64 / entries.max(1) as f64,
    })
}

/// The time at which a process last left.
fn left_at(samples: &Mapping) -> &AtomicU64 {
    samples.atomic_u64(0).expect("the memory has this word")
}

fn sample(samples: &Mapping, me: usize, index: usize) -> &AtomicU64 {
    let position = 1 + me * MAX_SAMPLES + index.min(MAX_SAMPLES - 1);
    samples.atomic_u64(position * WORD).expect("the memory has this word")
}

fn take_turns(
    mut entrance: Entrance<'_>,
    variables: Variables<'_>,
    samples: &Mapping,
    me: usize,
    desk: Desk<'_>,
) {
    let (name, other) = (me as u64 + 1, 2 - me as u64);
    let (mut entries, mut count) = (0, 0);
    while variables.stop().load(Relaxed) == 0 {
        let announced = monotonic_ns();
        entrance.announce();
        if !entrance.enter(u64::MAX) {
            break;
        }
        let entered = monotonic_ns();
        let left = left_at(samples).load(Relaxed);
        let was_waiting = announced < left && left < entered;
        if variables.owner().load(Relaxed) == other && was_waiting && count < MAX_SAMPLES {
            sample(samples, me, count).store(entered - left, Relaxed);
            count += 1;
        }
        variables.owner().store(name, Relaxed);
        work_until(entered + WORK_NS);
        entries += 1;
        let now = monotonic_ns();
        left_at(samples).store(now, Relaxed);
        entrance.leave();
        work_until(now + WORK_NS);
    }
    desk.report(ENTRIES, entries);
    desk.report(SAMPLES, count as u64);
}

fn work_until(end: u64) {
    while monotonic_ns() < end {
        std::hint::spin_loop();
    }
}
