//! Store buffering: what a CPU does that no order of instructions explains.
//!
//! Process A stores to `x` and then loads `y`; process B stores to `y` and then loads `x`. In every
//! order of these four instructions at least one of the loads sees the other store. A CPU that
//! keeps stores in a buffer may let both loads come first.
//!
//! The form here is perpetual: the processes do not meet before each round. A stores 1, 2, 3, … to
//! `x`, B to `y`, and each keeps what it loaded. If A saw, in round i, less than j, then it loaded
//! before B's j-th store, and A's i-th store was before that load. If B saw less than i in its
//! round j, the same holds the other way round. Both together are possible in no order.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU64, fence};
use std::time::Duration;

use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft_bench::Placement;
use ipcraft_step::Shared;
use serde::{Deserialize, Serialize};

use crate::variables::Layout;
use crate::worker::{self, Team};
use crate::{Error, Skipped};

/// The rounds of each process.
pub const ROUNDS: usize = 1 << 20;
/// The bytes of what one process has seen.
const RESULT: usize = ROUNDS * size_of::<u64>();
const MAX_TIME: Duration = Duration::from_secs(60);

/// How a process stores and loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// A plain store and a plain load.
    Relaxed,
    /// A release store and an acquire load.
    AcquireRelease,
    /// A plain store, a fence, and a plain load.
    Fence,
    /// A sequentially consistent store and load.
    SequentiallyConsistent,
}

impl Access {
    /// All of them.
    pub const ALL: [Access; 4] =
        [Access::Relaxed, Access::AcquireRelease, Access::Fence, Access::SequentiallyConsistent];

    /// Returns the name in results.
    pub fn name(self) -> &'static str {
        match self {
            Access::Relaxed => "relaxed",
            Access::AcquireRelease => "acquire-release",
            Access::Fence => "fence",
            Access::SequentiallyConsistent => "sequentially consistent",
        }
    }

    /// Whether the language forbids that both loads come first.
    pub fn forbids_reordering(self) -> bool {
        matches!(self, Access::Fence | Access::SequentiallyConsistent)
    }

    #[inline(always)]
    fn store_then_load(self, mine: &AtomicU64, other: &AtomicU64, value: u64) -> u64 {
        match self {
            Access::Relaxed => {
                mine.store(value, Relaxed);
                other.load(Relaxed)
            }
            Access::AcquireRelease => {
                mine.store(value, Release);
                other.load(Acquire)
            }
            Access::Fence => {
                mine.store(value, Relaxed);
                fence(SeqCst);
                other.load(Relaxed)
            }
            Access::SequentiallyConsistent => {
                mine.store(value, SeqCst);
                other.load(SeqCst)
            }
        }
    }
}

/// How often both loads came first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Litmus {
    /// How the processes stored and loaded.
    pub access: Access,
    /// Where they ran.
    pub placement: Placement,
    /// Where the two variables were.
    pub layout: Layout,
    /// The rounds of each process.
    pub rounds: usize,
    /// The rounds of A for which a round of B shows that both loads came first.
    pub reordered: usize,
}

/// Runs every access at every placement that this machine has.
///
/// # Errors
///
/// [`Error::Failed`] if processes cannot be started.
pub fn litmus() -> Result<(Vec<Litmus>, Vec<Skipped>), Error> {
    let (mut results, mut skipped) = (Vec::new(), Vec::new());
    for &placement in Placement::ALL {
        if worker::cpus(placement).is_none() {
            skipped.push(Skipped::new(format!("store buffering on {}", placement.name()), "a second core"));
            continue;
        }
        for access in Access::ALL {
            results.push(run(access, placement, Layout::OwnLines)?);
        }
    }
    Ok((results, skipped))
}

/// Runs the two processes once.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or takes a minute.
pub fn run(access: Access, placement: Placement, layout: Layout) -> Result<Litmus, Error> {
    let cpus = worker::cpus(placement).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let shared = Shared::new()?;
    let results = Memfd::create("ipcraft-lab", 2 * RESULT).and_then(|file| file.map())?;
    let team = Team::start(&shared, cpus, &[0, 1], &|me, desk| {
        let mut seen = vec![0; ROUNDS];
        let words = shared.words();
        let stride = if layout == Layout::OneLine { 1 } else { 16 };
        let (mine, other) = (&words[me * stride], &words[(1 - me) * stride]);
        for (round, seen) in seen.iter_mut().enumerate() {
            *seen = access.store_then_load(mine, other, round as u64 + 1);
        }
        let bytes: Vec<u8> = seen.into_iter().flat_map(u64::to_ne_bytes).collect();
        desk.report(0, u64::from(results.write_at(me * RESULT, &bytes).is_ok()));
    })?;
    if !team.ends_within(MAX_TIME) {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    if (0..2).any(|me| team.desk(me).figure(0) == 0) {
        return Err(Error::Failed(nix::Error::ECHILD));
    }
    let [a, b] = [0, 1].map(|me| read(&results, me));
    Ok(Litmus { access, placement, layout, rounds: ROUNDS, reordered: reordered(&a?, &b?) })
}

/// Returns what a process has seen.
fn read(results: &Mapping, me: usize) -> Result<Vec<u64>, Error> {
    let mut bytes = vec![0; RESULT];
    results.read_at(me * RESULT, &mut bytes)?;
    Ok(bytes.as_chunks().0.iter().map(|&chunk| u64::from_ne_bytes(chunk)).collect())
}

/// Returns how many rounds of A have a round of B so that each loaded before the other's store.
///
/// Round i of A stores i and saw `a[i - 1]`; so for B. A round j of B fits if `a` saw less than j,
/// and B saw less than i in it. What B sees never shrinks, so the first candidate decides.
fn reordered(a: &[u64], b: &[u64]) -> usize {
    let fits = |(index, &seen): (usize, &u64)| {
        let (i, j) = (index as u64 + 1, seen as usize + 1);
        b.get(j - 1).is_some_and(|&saw| saw < i)
    };
    a.iter().enumerate().filter(|&entry| fits(entry)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reordered_is_zero_for_every_order_of_instructions() {
        // All of A, then all of B.
        assert_eq!(reordered(&[0, 0, 0], &[3, 3, 3]), 0);
        // Alternating rounds: A1 B1 A2 B2.
        assert_eq!(reordered(&[0, 1], &[1, 2]), 0);
    }

    #[test]
    fn reordered_counts_rounds_in_which_both_loads_came_first() {
        assert_eq!(reordered(&[0], &[0]), 1);
        // In round 2 of both, neither sees the second store of the other.
        assert_eq!(reordered(&[0, 1], &[1, 1]), 1);
    }
}
