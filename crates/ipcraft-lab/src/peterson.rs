//! Peterson's algorithm by memory ordering, placement and layout.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::exclusion::{Bounds, Contention, Speed, contend};
use crate::variables::Layout;
use crate::{Algorithm, Error, Skipped, algorithm, worker};

/// One variant under one set of conditions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// The id of the algorithm.
    pub algorithm: String,
    /// Whether nothing keeps a core from executing its loads before its stores.
    pub may_be_wrong: bool,
    /// What was measured.
    pub contention: Contention,
}

/// Returns the variants of the algorithm whose two stores are in the right order.
pub fn variants() -> impl Iterator<Item = &'static Algorithm> {
    algorithm::all()
        .iter()
        .filter(|algorithm| algorithm.id.starts_with("peterson") && algorithm.id != "peterson-turn-first")
}

/// Runs every variant at every placement and layout that this machine has, each until some
/// violations are seen or the time is over.
///
/// # Errors
///
/// [`Error::Failed`] if processes cannot be started.
pub fn matrix(time: Duration) -> Result<(Vec<Variant>, Vec<Skipped>), Error> {
    const ENOUGH_VIOLATIONS: u64 = 10;
    let bounds = Bounds { entries: u64::MAX, violations: ENOUGH_VIOLATIONS, time };
    let (mut variants_found, mut skipped) = (Vec::new(), Vec::new());
    for speed in [Speed::TwoCores, Speed::OneCore] {
        if worker::cpus(speed.placement()).is_none() {
            skipped.push(Skipped::new("Peterson's algorithm on two cores", "a second core"));
            continue;
        }
        for algorithm in variants() {
            for layout in Layout::ALL {
                variants_found.push(Variant {
                    algorithm: algorithm.id.into(),
                    may_be_wrong: algorithm.unfenced,
                    contention: contend(algorithm, speed, layout, bounds)?,
                });
            }
        }
    }
    Ok((variants_found, skipped))
}
