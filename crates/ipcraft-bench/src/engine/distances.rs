//! The distance of the two cores, measured before and after each launch on both of them.

use super::sample::Stopped;
use crate::placement::CpuPair;
use crate::probe::Probe;
use crate::process::{CancelToken, Failure};
use crate::results::{Distance, HandOver};

/// The hand-overs of a run, and the processes that measure them.
#[derive(Default)]
pub(super) struct Distances {
    /// Started when first needed.
    probe: Option<Probe>,
    pub(super) hand_overs: Vec<HandOver>,
    /// Launches whose distance changed while they ran, twice in a row.
    dropped: usize,
    /// Why there is no distance.
    failure: Option<String>,
}

/// What is known of the distance during one launch.
pub(super) enum During {
    /// The distance was the same before and after; `None` if it cannot be measured.
    Constant(Option<HandOver>),
    /// It changed meanwhile.
    Changed,
}

impl Distances {
    /// Measures the time of a cache line there and back. `None` if that failed before.
    pub(super) fn measure(&mut self, cpus: CpuPair, cancel: CancelToken<'_>) -> Result<Option<f64>, Stopped> {
        if self.failure.is_some() {
            return Ok(None);
        }
        match self.try_measure(cpus, cancel) {
            Ok(ns) => Ok(Some(ns)),
            Err(Failure::Stopped) => Err(Stopped),
            Err(Failure::Failed(reason)) => {
                (self.probe, self.failure) = (None, Some(reason));
                Ok(None)
            }
        }
    }

    fn try_measure(&mut self, cpus: CpuPair, cancel: CancelToken<'_>) -> Result<f64, Failure> {
        let mut probe = match self.probe.take() {
            Some(probe) => probe,
            None => Probe::of_hand_over(cpus, cancel)?,
        };
        let ns = probe.measure(cancel)?;
        self.probe = Some(probe);
        Ok(ns)
    }

    /// Compares the hand-overs before and after a launch, and records them.
    pub(super) fn compare(
        &mut self,
        launch: usize,
        cpus: CpuPair,
        before: Option<f64>,
        after: Option<f64>,
    ) -> During {
        let (Some(before), Some(after), CpuPair { client: Some(client), server: Some(server) }) =
            (before, after, cpus)
        else {
            return During::Constant(None);
        };
        let hand_over =
            |ns| HandOver { launch, cores: [client, server], ns, distance: Distance::of_hand_over(ns) };
        let ends = [before, after].map(hand_over);
        if ends[0].distance != ends[1].distance {
            self.hand_overs.extend(ends);
            return During::Changed;
        }
        let mean = hand_over((before + after) / 2.0);
        self.hand_overs.push(mean);
        During::Constant(Some(mean))
    }

    /// Counts a launch whose samples belong to neither distance.
    pub(super) fn count_dropped(&mut self) {
        self.dropped += 1;
    }

    /// Returns what a reader of the results has to know.
    pub(super) fn notes(&self) -> Vec<String> {
        let failure = self.failure.iter().map(|reason| format!("distance of the cores unknown: {reason}"));
        let dropped = (self.dropped > 0).then(|| {
            format!("launches dropped because the distance of the cores changed meanwhile: {}", self.dropped)
        });
        failure.chain(dropped).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPUS: CpuPair = CpuPair { client: Some(0), server: Some(1) };

    fn hand_over(during: &During) -> Option<(f64, Distance)> {
        match during {
            During::Constant(hand_over) => hand_over.map(|found| (found.ns, found.distance)),
            During::Changed => None,
        }
    }

    #[test]
    fn compare_of_equal_distances_records_their_mean() {
        let mut distances = Distances::default();
        let during = distances.compare(3, CPUS, Some(120.0), Some(140.0));
        assert_eq!(hand_over(&during), Some((130.0, Distance::Near)));
        assert_eq!((distances.hand_overs.len(), distances.hand_overs[0].launch), (1, 3));
    }

    #[test]
    fn compare_of_different_distances_records_both() {
        let mut distances = Distances::default();
        assert!(matches!(distances.compare(0, CPUS, Some(120.0), Some(530.0)), During::Changed));
        let recorded: Vec<_> = distances.hand_overs.iter().map(|found| found.distance).collect();
        assert_eq!(recorded, [Distance::Near, Distance::Apart]);
    }

    #[test]
    fn compare_without_a_measurement_is_constant_and_unknown() {
        let mut distances = Distances::default();
        let during = distances.compare(0, CPUS, Some(120.0), None);
        assert!(matches!(during, During::Constant(None)));
        assert!(distances.hand_overs.is_empty());
    }

    #[test]
    fn notes_count_dropped_launches() {
        let mut distances = Distances::default();
        assert!(distances.notes().is_empty());
        distances.count_dropped();
        distances.count_dropped();
        assert!(distances.notes()[0].ends_with("meanwhile: 2"));
    }
}
