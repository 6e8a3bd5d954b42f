//! Whether an exchange locks the bus.
//!
//! Textbooks state that test and set locks the memory bus, so that no other CPU can access memory.
//! Today a core locks the cache line only. One process adds to a word while a process on another
//! core does exchanges, on another cache line or on the same one.

use std::hint::spin_loop;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::time::{Duration, Instant};

use ipcraft_bench::{Placement, median};
use ipcraft_step::Shared;
use serde::{Deserialize, Serialize};

use crate::instruction::Width;
use crate::worker::{self, Team};
use crate::{Error, Skipped};

const ADDITIONS: u64 = 2_000_000;
/// The measurements of each neighbour, in turns.
const ROUNDS: usize = 7;
const MAX_TIME: Duration = Duration::from_secs(30);

/// The word that is measured, one beside it, one on another cache line, and the end.
const MEASURED: usize = 0;
const SAME_LINE: usize = 1;
const OTHER_LINE: usize = 64;
const STOP: usize = 128;

/// What the process on the other core does meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Neighbour {
    /// It accesses no memory but the word that ends it.
    Waits,
    /// It exchanges a word of another cache line.
    OtherLine,
    /// It exchanges another word of the same cache line.
    SameLine,
}

impl Neighbour {
    /// All of them.
    pub const ALL: [Neighbour; 3] = [Neighbour::Waits, Neighbour::OtherLine, Neighbour::SameLine];
}

/// The time of an addition beside a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// What the other process did.
    pub neighbour: Neighbour,
    /// Nanoseconds to load, add and store: the median of several measurements.
    pub ns: f64,
}

/// Measures the additions beside every neighbour.
///
/// # Errors
///
/// [`Error::Failed`] if processes cannot be started.
pub fn beside_exchanges() -> Result<(Vec<Beside>, Option<Skipped>), Error> {
    if worker::cpus(Placement::TwoCores).is_none() {
        let skipped = Skipped::new("additions beside exchanges", "a second core");
        return Ok((Vec::new(), Some(skipped)));
    }
    let mut times = Neighbour::ALL.map(|neighbour| (neighbour, Vec::new()));
    for _ in 0..ROUNDS {
        for (neighbour, times) in &mut times {
            times.push(addition_ns(*neighbour)?);
        }
    }
    let beside = times.map(|(neighbour, times)| Beside { neighbour, ns: median(times).unwrap_or(0.0) });
    Ok((beside.into(), None))
}

fn addition_ns(neighbour: Neighbour) -> Result<f64, Error> {
    let cpus = worker::cpus(Placement::TwoCores).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let shared = Shared::new()?;
    let team = Team::start(&shared, cpus, &[0, 1], &|me, desk| {
        let words = shared.words();
        if me == 1 {
            return disturb(neighbour, words);
        }
        let start = Instant::now();
        for _ in 0..ADDITIONS {
            Width::Three.add(&words[MEASURED]);
        }
        desk.report(0, start.elapsed().as_nanos() as u64);
        words[STOP].store(1, Relaxed);
    })?;
    if !team.ends_within(MAX_TIME) {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    Ok(team.desk(0).figure(0) as f64 / ADDITIONS as f64)
}

fn disturb(neighbour: Neighbour, words: &[AtomicU64; Shared::LEN]) {
    while words[STOP].load(Relaxed) == 0 {
        match neighbour {
            Neighbour::Waits => spin_loop(),
            Neighbour::OtherLine => {
                words[OTHER_LINE].swap(1, AcqRel);
            }
            Neighbour::SameLine => {
                words[SAME_LINE].swap(1, AcqRel);
            }
        }
    }
}
