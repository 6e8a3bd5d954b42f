//! A quick measurement of one round trip between two cores.

use std::time::Duration;

use crate::limits::cacheline;
use crate::mechanism::{Connect, Mechanism, Waiting};
use crate::placement::CpuPair;
use crate::process::{CancelToken, Failure, Pair};
use crate::results::Distance;
use crate::workload::{Report, Slice, Workload};

/// Round trips of one measurement that spins: 0.2 to 1 ms.
const SPINNING_MESSAGES: u64 = 2000;
/// A sample of spinning round trips is long compared with the reading of the clock, and short
/// compared with the time between two disturbances.
const SPINNING_BATCH: u64 = 20;
/// Round trips of one measurement that blocks: 1 to 10 ms.
const BLOCKING_MESSAGES: u64 = 100;
/// If the first batches take longer, they are the measurement. Otherwise two virtual cores that
/// share one real core could take a second.
const MAX_FIRST_TIME: Duration = Duration::from_millis(4);
/// Most disturbances lengthen a sample, so the lower quartile is closer to the undisturbed time
/// than the median.
const QUANTILE: f64 = 0.25;
/// A line that takes longer there and back connects cores that are apart, in nanoseconds.
///
/// Measured there and back: 120 to 150 between threads of one core, 240 to 300 between cores with a
/// common cache, 520 to 530 between virtual CPUs that share none.
const MAX_NEAR_NS: f64 = 400.0;

/// Two processes that wait for measurements.
#[derive(Debug)]
pub struct Probe {
    pair: Pair,
    size: usize,
    waiting: Waiting,
}

impl Probe {
    /// Starts both processes.
    pub(crate) fn start(
        mechanism: &Mechanism,
        connect: Connect,
        cpus: CpuPair,
        cancel: CancelToken<'_>,
    ) -> Result<Probe, Failure> {
        let size = mechanism.nearest_size(64);
        Ok(Probe { pair: Pair::launch(connect, cpus, cancel)?, size, waiting: mechanism.waiting })
    }

    /// Starts two processes that hand over a cache line.
    ///
    /// # Errors
    /// If a process cannot be started or fails, or if cancelled.
    pub fn of_hand_over(cpus: CpuPair, cancel: CancelToken<'_>) -> Result<Probe, Failure> {
        let (_, connect) = cacheline::STORE.implementations[0];
        Probe::start(&cacheline::STORE, connect, cpus, cancel)
    }

    /// Returns the nanoseconds of a round trip.
    ///
    /// # Errors
    /// If a process fails, or if cancelled.
    pub fn measure(&mut self, cancel: CancelToken<'_>) -> Result<f64, Failure> {
        let (messages, batch) = match self.waiting {
            Waiting::Spin => (SPINNING_MESSAGES, SPINNING_BATCH),
            Waiting::Block | Waiting::Adaptive => (BLOCKING_MESSAGES, 1),
        };
        let first = self.run(2 * batch, batch, cancel)?;
        let report = match Duration::from_nanos(first.elapsed_ns) > MAX_FIRST_TIME {
            true => first,
            false => self.run(messages, batch, cancel)?,
        };
        let samples = report.samples.iter().map(|&sample| sample as f64 / batch as f64);
        crate::engine::quantile(samples, QUANTILE)
            .ok_or_else(|| Failure::Failed("no round trip was measured".into()))
    }

    fn run(&mut self, messages: u64, batch: u64, cancel: CancelToken<'_>) -> Result<Report, Failure> {
        let slice = Slice { batch, ..Slice::new(Workload::RoundTrip, self.size, messages) };
        self.pair.run(&slice, cancel)
    }
}

impl Distance {
    /// Returns the distance of two cores that hand over a line there and back in this time.
    pub fn of_hand_over(ns: f64) -> Distance {
        if ns > MAX_NEAR_NS { Distance::Apart } else { Distance::Near }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::alone::alone;
    use crate::placement::{Cores, Placement};

    #[test]
    fn distance_follows_the_known_figures() {
        for near in [60.0, 120.0, 150.0, 300.0] {
            assert_eq!(Distance::of_hand_over(near), Distance::Near);
        }
        for apart in [520.0, 530.0, 900.0] {
            assert_eq!(Distance::of_hand_over(apart), Distance::Apart);
        }
    }

    #[test]
    fn hand_over_between_two_cores_takes_time() {
        let _alone = alone();
        let Some(cpus) = Cores::of_this_process().cpu_pair(Placement::TwoCores) else {
            return;
        };
        let stop = AtomicBool::new(false);
        let cancel = CancelToken { timeout: Duration::from_secs(600), stop: &stop };
        let mut probe = Probe::of_hand_over(cpus, cancel).unwrap();
        assert!(probe.measure(cancel).unwrap() > 1.0);
        assert!(probe.measure(cancel).unwrap() > 1.0);
    }
}
