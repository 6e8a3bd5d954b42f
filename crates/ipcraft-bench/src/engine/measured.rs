//! What has been measured of one scenario at one distance.

use super::samples::Samples;
use super::statistics::LaunchTimes;
use crate::mechanism::{Implementation, Mechanism};

/// The samples of all implementations, and their ratios.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// In the order of the mechanism's implementations.
    pub(crate) samples: Vec<Samples>,
    /// Time of the library relative to that of the baseline beside it, one figure in each launch.
    pub(crate) ratios: LaunchTimes,
    /// Time of each implementation relative to that of the plain lock beside it.
    pub(crate) ratios_to_plain: Vec<LaunchTimes>,
}

impl Measured {
    pub(crate) fn new(implementations: usize) -> Measured {
        Measured {
            samples: vec![Samples::new(); implementations],
            ratios: LaunchTimes::default(),
            ratios_to_plain: vec![LaunchTimes::default(); implementations],
        }
    }

    /// Starts a new launch; the next ratio belongs to it.
    pub(super) fn begin_launch(&mut self) {
        self.ratios.begin_launch();
        self.ratios_to_plain.iter_mut().for_each(LaunchTimes::begin_launch);
    }

    /// Records the ratios of a finished launch.
    ///
    /// They are ratios of lower quartiles. The slices alternate within a few milliseconds, so both
    /// sides meet the same machine, and a disturbed slice on either side does not count.
    pub(super) fn end_launch(&mut self, mechanism: &Mechanism) {
        let time = |samples: &Samples| samples.times().time().map(|time| time.value);
        let times: Vec<_> = self.samples.iter().map(time).collect();
        self.compare(mechanism, &times);
    }

    /// Records the ratios, given the time of each implementation.
    fn compare(&mut self, mechanism: &Mechanism, times: &[Option<f64>]) {
        let library = time_of(mechanism, Implementation::Ipcraft, times);
        let baseline = time_of(mechanism, Implementation::Baseline, times);
        if let Some(ratio) = ratio(library, baseline) {
            self.ratios.record(ratio);
        }
        let plain = time_of(mechanism, Implementation::Plain, times);
        for (ratios, time) in self.ratios_to_plain.iter_mut().zip(times) {
            if let Some(ratio) = ratio(*time, plain) {
                ratios.record(ratio);
            }
        }
    }

    /// Records the time of a cache line there and back beside every launch.
    pub(super) fn set_hand_over(&mut self, ns: Option<f64>) {
        self.samples.iter_mut().for_each(|samples| samples.set_hand_over(ns));
    }

    /// Adds later launches.
    pub(super) fn append(&mut self, later: Measured) {
        for (samples, later) in self.samples.iter_mut().zip(later.samples) {
            samples.append(later);
        }
        self.ratios.append(later.ratios);
        for (ratios, later) in self.ratios_to_plain.iter_mut().zip(later.ratios_to_plain) {
            ratios.append(later);
        }
    }
}

/// Returns the time of one implementation, given those of all.
fn time_of(mechanism: &Mechanism, implementation: Implementation, times: &[Option<f64>]) -> Option<f64> {
    let index = mechanism.implementations.iter().position(|(known, _)| *known == implementation)?;
    times[index]
}

fn ratio(time: Option<f64>, reference: Option<f64>) -> Option<f64> {
    Some(time? / reference?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn compare_needs_both_times() {
        let compare = |mechanism: &Mechanism, times: &[Option<f64>]| {
            let mut measured = Measured::new(times.len());
            measured.begin_launch();
            measured.compare(mechanism, times);
            let to_plain = measured.ratios_to_plain.iter().filter_map(LaunchTimes::median);
            (measured.ratios.median(), to_plain.collect::<Vec<_>>())
        };
        let udp = catalog::find("udp").unwrap();
        assert_eq!(compare(udp, &[Some(3.0), Some(2.0)]).0, Some(1.5));
        assert_eq!(compare(udp, &[Some(3.0), None]).0, None);
        assert_eq!(compare(catalog::limits()[0], &[Some(3.0)]).0, None);
        let mutex = catalog::find("sync_mutex").unwrap();
        assert_eq!(compare(mutex, &[Some(3.0), Some(2.0), Some(1.0)]), (Some(1.5), vec![3.0, 2.0, 1.0]));
    }

    #[test]
    fn append_keeps_launches_apart() {
        let launch = |ratio| {
            let mut measured = Measured::new(2);
            measured.begin_launch();
            measured.ratios.record(ratio);
            measured
        };
        let mut all = launch(1.0);
        all.append(launch(3.0));
        assert_eq!(all.ratios.launch_medians(), [1.0, 3.0]);
    }
}
