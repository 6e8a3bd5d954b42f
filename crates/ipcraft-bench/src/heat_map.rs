//! The time of a round trip between every pair of cores.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::catalog;
use crate::engine::{Progress, median};
use crate::limits::{cacheline, futex};
use crate::mechanism::{Connect, Implementation, Mechanism};
use crate::placement::{CpuPair, Placement};
use crate::probe::Probe;
use crate::process::{CancelToken, Failure};
use crate::results::{HeatMap, RowError};
use crate::workload::Workload;

/// The cores of one map. It has a figure for 496 pairs then, and is still readable.
const MAX_CORES: usize = 32;
/// How often each pair is measured if the time allows.
const MAX_PASSES: usize = 5;
/// A pair that is silent for longer has failed.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Measures a round trip between every pair of cores, for a cache line, a spinning channel and a
/// futex.
///
/// A cell is the median over up to five measurements in fresh processes. The client and the server
/// change cores in every second one, so the maps are symmetric. Of more than 32 cores, 32 are
/// measured that are evenly distributed over the list. When the time is up or `stop` is set, cells
/// without a measurement stay null. A pair that fails is null, too, with an error.
pub fn heat_maps(
    cores: &[usize],
    budget: Duration,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&Progress),
) -> (Vec<HeatMap>, Vec<RowError>) {
    let cores = sampled(cores);
    let end = Instant::now() + budget;
    let cancel = CancelToken { timeout: TIMEOUT, stop };
    let pairs = pairs(cores.len());
    let mut maps = Maps::new(cores);
    let total = pairs.len() * MAX_PASSES;
    for pass in 0..MAX_PASSES {
        for (index, &pair) in pairs.iter().enumerate() {
            let now = Instant::now();
            if now >= end {
                return maps.finish();
            }
            progress(&Progress {
                done: pass * pairs.len() + index,
                total,
                label: maps.label(pair),
                remaining: end - now,
            });
            if maps.measure(pair, pass % 2 == 1, cancel).is_err() {
                return maps.finish();
            }
        }
    }
    maps.finish()
}

/// Returns all cores, or evenly distributed ones if there are too many.
fn sampled(cores: &[usize]) -> Vec<usize> {
    let count = cores.len().min(MAX_CORES);
    (0..count).map(|index| cores[index * cores.len() / count]).collect()
}

/// Returns every pair of indices once. Pairs of distant indices alternate with pairs of close ones,
/// so that a map that ends early shows both.
fn pairs(count: usize) -> Vec<(usize, usize)> {
    let mut distances: Vec<usize> = Vec::new();
    let (mut low, mut high) = (1, count.saturating_sub(1));
    while low <= high && high > 0 {
        distances.push(low);
        if high != low {
            distances.push(high);
        }
        (low, high) = (low + 1, high - 1);
    }
    distances
        .iter()
        .flat_map(|&distance| (0..count - distance).map(move |first| (first, first + distance)))
        .collect()
}

/// One mechanism and its figures so far.
struct Map {
    mechanism: &'static Mechanism,
    implementation: Implementation,
    connect: Connect,
    /// The measurements by index of the pair's cores, the lower one first.
    times: Vec<Vec<Vec<f64>>>,
}

struct Maps {
    cores: Vec<usize>,
    maps: Vec<Map>,
    errors: Vec<RowError>,
}

/// The run was cancelled.
struct Stopped;

impl Maps {
    fn new(cores: Vec<usize>) -> Maps {
        let channel = catalog::find("channel_spin");
        let mechanisms = [&cacheline::STORE].into_iter().chain(channel).chain([&futex::FUTEX]);
        let map = |mechanism: &'static Mechanism| {
            let &(implementation, connect) = mechanism.implementations.first()?;
            let times = vec![vec![Vec::new(); cores.len()]; cores.len()];
            Some(Map { mechanism, implementation, connect, times })
        };
        let maps = mechanisms.filter_map(map).collect();
        Maps { cores, maps, errors: Vec::new() }
    }

    fn label(&self, (low, high): (usize, usize)) -> String {
        format!("cores {} and {}", self.cores[low], self.cores[high])
    }

    /// Measures all mechanisms between two cores. A mechanism that failed there is left out later.
    fn measure(
        &mut self,
        (low, high): (usize, usize),
        reversed: bool,
        cancel: CancelToken<'_>,
    ) -> Result<(), Stopped> {
        let (client, server) = if reversed { (high, low) } else { (low, high) };
        let cpus = CpuPair { client: Some(self.cores[client]), server: Some(self.cores[server]) };
        for map in &mut self.maps {
            let place = format!("cores {} and {}: ", self.cores[low], self.cores[high]);
            let failed =
                |error: &RowError| error.mechanism == map.mechanism.id && error.message.starts_with(&place);
            if self.errors.iter().any(failed) {
                continue;
            }
            let time = Probe::start(map.mechanism, map.connect, cpus, cancel)
                .and_then(|mut probe| probe.measure(cancel));
            match time {
                Ok(time) => map.times[low][high].push(time),
                Err(Failure::Stopped) => return Err(Stopped),
                Err(Failure::Failed(reason)) => self.errors.push(map.error(format!("{place}{reason}"))),
            }
        }
        Ok(())
    }

    fn finish(self) -> (Vec<HeatMap>, Vec<RowError>) {
        let cores = self.cores;
        let maps = self.maps.into_iter().map(|map| HeatMap {
            mechanism: map.mechanism.id.into(),
            ns: map.cells(),
            cores: cores.clone(),
        });
        (maps.collect(), self.errors)
    }
}

impl Map {
    fn error(&self, message: String) -> RowError {
        RowError {
            mechanism: self.mechanism.id.into(),
            implementation: self.implementation,
            workload: Workload::RoundTrip,
            size: self.mechanism.nearest_size(64),
            placement: Some(Placement::TwoCores),
            message,
        }
    }

    fn cells(&self) -> Vec<Vec<Option<f64>>> {
        let cell =
            |row: usize, column: usize| median(self.times[row.min(column)][row.max(column)].iter().copied());
        let row = |row| (0..self.times.len()).map(|column| cell(row, column)).collect();
        (0..self.times.len()).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alone::alone;
    use crate::placement::Cores;

    #[test]
    fn pairs_contain_each_pair_once() {
        for count in 0..10 {
            let mut pairs = pairs(count);
            assert!(pairs.iter().all(|(low, high)| low < high && *high < count));
            pairs.sort_unstable();
            pairs.dedup();
            assert_eq!(pairs.len(), count * count.saturating_sub(1) / 2);
        }
    }

    #[test]
    fn sampled_takes_at_most_32_cores_of_the_whole_list() {
        assert_eq!(sampled(&[3, 5]), [3, 5]);
        assert!(sampled(&[]).is_empty());
        let many = sampled(&(0..128).collect::<Vec<_>>());
        assert_eq!((many.len(), many[0], many[31]), (MAX_CORES, 0, 124));
    }

    #[test]
    fn heat_maps_are_symmetric_with_an_empty_diagonal() {
        let _alone = alone();
        let cores = Cores::of_this_process();
        let budget = Duration::from_secs(600);
        let (maps, errors) = heat_maps(cores.allowed(), budget, &AtomicBool::new(false), &mut |_| {});
        assert_eq!(errors, []);
        let ids: Vec<_> = maps.iter().map(|map| map.mechanism.as_str()).collect();
        assert_eq!(ids, ["cacheline_store", "channel_spin", "futex"]);
        for map in &maps {
            for (row, cells) in map.ns.iter().enumerate() {
                for (column, cell) in cells.iter().enumerate() {
                    assert_eq!(cell.is_some(), row != column);
                    assert_eq!(*cell, map.ns[column][row]);
                }
            }
        }
    }

    #[test]
    fn heat_maps_when_stopped_have_empty_cells_and_no_error() {
        let (maps, errors) =
            heat_maps(&[0, 1], Duration::from_secs(600), &AtomicBool::new(true), &mut |_| {});
        assert_eq!(errors, []);
        assert!(maps.iter().all(|map| map.ns.iter().flatten().all(Option::is_none)));
    }
}
