//! Two processes that enter and leave as fast as they can.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use ipcraft_step::Shared;
use serde::{Deserialize, Serialize};

use super::Speed;
use super::entrance::{Entrance, Locks};
use crate::Error;
use crate::algorithm::Algorithm;
use crate::instruction::Width;
use crate::variables::{Layout, Variables};
use crate::worker::{self, Desk, Team};

/// The steps of the histogram of bypasses: 0, 1, 2 to 3, 4 to 7, and so on.
pub(crate) const BYPASS_STEPS: usize = 24;

/// If no process enters for this long, although both use CPU time, they never will.
const STUCK_AFTER: Duration = Duration::from_secs(1);
/// The CPU time that both must have used meanwhile.
const STUCK_CPU_NS: u64 = 50_000_000;
/// The slow process changes after this many stops, of a hundredth of a second each.
const TURNS: usize = 10;
/// How long processes get to see that they are to end.
const MAX_END: Duration = Duration::from_secs(10);

/// Where a report has which figure.
const ENTRIES: usize = 0;
const VIOLATIONS: usize = 1;
const FIRST_VIOLATION: usize = 2;
const MAX_BYPASS: usize = 3;
const HISTOGRAM: usize = 4;

/// When a measurement ends.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The entries of both processes together.
    pub entries: u64,
    /// The violations after which enough is known.
    pub violations: u64,
    /// The time.
    pub time: Duration,
}

/// Why a measurement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The processes have entered often enough.
    Entries,
    /// Enough violations were seen.
    Violations,
    /// The time was over.
    Time,
    /// Both processes waited, and neither could enter.
    Stuck,
}

/// How an algorithm kept two processes apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contention {
    /// How the processes shared the machine.
    pub speed: Speed,
    /// Where its variables were.
    pub layout: Layout,
    /// Why the measurement ended.
    pub ending: Ending,
    /// The entries of each process.
    pub entries: [u64; 2],
    /// How often a process found another one inside.
    pub violations: u64,
    /// The entry at which the first was found, counted in its own process.
    pub first_violation: Option<u64>,
    /// Additions inside that were lost. Each is a violation that may have gone unseen.
    pub lost_updates: u64,
    /// The most entries of the other process while one waited.
    pub max_bypass: u64,
    /// How often a process was bypassed 0, 1, 2 to 3, 4 to 7, … times before it entered.
    pub bypasses: Vec<u64>,
    /// The CPU time of both processes per entry.
    pub cpu_ns_per_entry: f64,
    /// The time per entry.
    pub ns_per_entry: f64,
    /// Whether both processes were bound to their cores.
    pub pinned: bool,
}

impl Contention {
    /// Returns the number of entries.
    pub fn total(&self) -> u64 {
        self.entries[0] + self.entries[1]
    }

    /// Returns whether two processes were inside.
    pub fn is_violated(&self) -> bool {
        self.violations > 0 || self.lost_updates > 0
    }

    /// Returns the violations in a million entries. A lost update counts as one.
    pub fn per_million(&self) -> f64 {
        self.violations.max(self.lost_updates) as f64 * 1e6 / self.total().max(1) as f64
    }
}

/// Lets two processes enter and leave as fast as they can.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started or ended.
pub fn contend(
    algorithm: &'static Algorithm,
    speed: Speed,
    layout: Layout,
    bounds: Bounds,
) -> Result<Contention, Error> {
    let cpus = worker::cpus(speed.placement()).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let shared = Shared::new()?;
    let variables = Variables::new(&shared, layout);
    let locks = Locks::of(algorithm)?;
    let work = |me: usize, desk: Desk<'_>| {
        let variables = Variables::new(&shared, layout);
        compete(Entrance::new(algorithm, variables, me, &locks), variables, me, desk);
    };
    let team = Team::start(&shared, cpus, &[0, 1], &work)?;
    let mut watch = Watch::new(variables, bounds);
    match speed {
        Speed::OneSlow => team.slow_down(|_| 1, |team| watch.is_over(team)),
        Speed::SlowInTurns => team.slow_down(|turn| turn / TURNS % 2, |team| watch.is_over(team)),
        Speed::TwoCores | Speed::OneCore => team.wait(|team| watch.is_over(team)),
    }
    let elapsed = team.elapsed();
    variables.stop().store(1, Relaxed);
    if !team.ends_within(MAX_END) {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    Ok(summary(&team, variables, speed, layout, watch.ending, elapsed))
}

/// Decides when a measurement is over.
struct Watch<'a> {
    variables: Variables<'a>,
    bounds: Bounds,
    ending: Ending,
    /// When the number of entries last grew, the number, and the CPU time used by then.
    progress: (Instant, u64, Vec<u64>),
}

impl<'a> Watch<'a> {
    fn new(variables: Variables<'a>, bounds: Bounds) -> Watch<'a> {
        Watch { variables, bounds, ending: Ending::Time, progress: (Instant::now(), 0, vec![0, 0]) }
    }

    fn is_over(&mut self, team: &Team) -> bool {
        let entries: u64 = (0..2).map(|me| self.variables.entries(me).load(Relaxed)).sum();
        let violations: u64 = (0..2).map(|me| team.desk(me).figure(VIOLATIONS)).sum();
        let ending = if violations >= self.bounds.violations {
            Some(Ending::Violations)
        } else if entries >= self.bounds.entries {
            Some(Ending::Entries)
        } else if self.is_stuck(team, entries) {
            Some(Ending::Stuck)
        } else {
            (team.elapsed() > self.bounds.time).then_some(Ending::Time)
        };
        self.ending = ending.unwrap_or(self.ending);
        ending.is_some()
    }

    fn is_stuck(&mut self, team: &Team, entries: u64) -> bool {
        let (since, before, used) = &self.progress;
        if entries > *before {
            self.progress = (Instant::now(), entries, team.cpu_ns());
            return false;
        }
        let spinning = || team.cpu_ns().iter().zip(used).all(|(now, then)| now - then > STUCK_CPU_NS);
        since.elapsed() > STUCK_AFTER && spinning()
    }
}

/// What one process does until the measurement stops it.
///
/// Inside, it does what a second process inside would disturb: it writes its name, adds to a
/// counter in three instructions, and checks the name. No instruction there is locked, since that
/// would empty the store buffer and hide the faults of the algorithm.
fn compete(mut entrance: Entrance<'_>, variables: Variables<'_>, me: usize, desk: Desk<'_>) {
    let name = me as u64 + 1;
    let (mut entered, mut violations, mut first, mut most) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut histogram = [0_u64; BYPASS_STEPS];
    while variables.stop().load(Relaxed) == 0 {
        entrance.announce();
        let others = variables.entries(1 - me).load(Relaxed);
        if !entrance.enter(u64::MAX) {
            break;
        }
        variables.owner().store(name, Relaxed);
        Width::Three.add(variables.counter());
        let alone = variables.owner().load(Relaxed) == name;
        let bypassed = variables.entries(1 - me).load(Relaxed) - others;
        entered += 1;
        variables.entries(me).store(entered, Relaxed);
        entrance.leave();

        histogram[step(bypassed)] += 1;
        most = most.max(bypassed);
        if !alone {
            violations += 1;
            first = if first == 0 { entered } else { first };
            desk.report(VIOLATIONS, violations);
        }
    }
    desk.report(ENTRIES, entered);
    desk.report(FIRST_VIOLATION, first);
    desk.report(MAX_BYPASS, most);
    for (index, count) in histogram.into_iter().enumerate() {
        desk.report(HISTOGRAM + index, count);
    }
}

/// Returns the step of the histogram for a number of bypasses.
fn step(bypassed: u64) -> usize {
    (u64::BITS - bypassed.leading_zeros()).min(BYPASS_STEPS as u32 - 1) as usize
}

fn summary(
    team: &Team,
    variables: Variables<'_>,
    speed: Speed,
    layout: Layout,
    ending: Ending,
    elapsed: Duration,
) -> Contention {
    let figures = |position: usize| [0, 1].map(|me| team.desk(me).figure(position));
    let entries = figures(ENTRIES);
    let total = entries[0] + entries[1];
    let cpu: u64 = (0..2).map(|me| team.usage(me).0).sum();
    let per_entry = |ns: f64| ns / total.max(1) as f64;
    Contention {
        speed,
        layout,
        ending,
        entries,
        violations: figures(VIOLATIONS).iter().sum(),
        first_violation: figures(FIRST_VIOLATION).into_iter().filter(|&first| first > 0).min(),
        lost_updates: total.saturating_sub(variables.counter().load(Relaxed)),
        max_bypass: figures(MAX_BYPASS).into_iter().max().unwrap_or(0),
        bypasses: (0..BYPASS_STEPS).map(|index| figures(HISTOGRAM + index).iter().sum()).collect(),
        cpu_ns_per_entry: per_entry(cpu as f64),
        ns_per_entry: per_entry(elapsed.as_nanos() as f64),
        pinned: team.pinned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bypasses_are_counted_by_powers_of_two() {
        assert_eq!([0, 1, 2, 3, 4, 7, 8].map(step), [0, 1, 2, 2, 3, 3, 4]);
        assert_eq!(step(u64::MAX), BYPASS_STEPS - 1);
    }
}
