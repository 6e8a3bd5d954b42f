//! Robust statistics, and the rule by which launches count as noisy.

use crate::results::Estimate;

/// Launches whose medians differ by more than this factor make a row noisy.
const MAX_LAUNCH_RATIO: f64 = 1.5;

/// The time per message of each slice, by launch.
#[derive(Clone, Debug, Default)]
pub struct LaunchTimes {
    launches: Vec<Vec<f64>>,
}

impl LaunchTimes {
    /// Starts a new launch; later slices belong to it.
    pub fn begin_launch(&mut self) {
        self.launches.push(Vec::new());
    }

    /// Adds the time per message of one slice.
    pub fn record(&mut self, time_per_message: f64) {
        if let Some(launch) = self.launches.last_mut() {
            launch.push(time_per_message);
        }
    }

    /// The slices of each launch.
    pub(crate) fn launches(&self) -> &[Vec<f64>] {
        &self.launches
    }

    /// Returns the number of slices.
    pub fn slices(&self) -> usize {
        self.launches.iter().map(Vec::len).sum()
    }

    /// Returns the median over all slices.
    pub fn median(&self) -> Option<f64> {
        median(self.launches.iter().flatten().copied())
    }

    /// Returns the median of each launch that has a slice.
    pub fn launch_medians(&self) -> Vec<f64> {
        self.launches.iter().filter_map(|slices| median(slices.iter().copied())).collect()
    }

    /// Returns whether the medians of the launches differ by more than 50 %.
    pub fn noisy(&self) -> bool {
        let medians = self.launch_medians();
        let least = medians.iter().copied().fold(f64::INFINITY, f64::min);
        medians.iter().any(|&time| time > least * MAX_LAUNCH_RATIO)
    }
}

/// Returns the median and the quartiles around it. `None` without values.
pub(crate) fn estimate(values: impl IntoIterator<Item = f64> + Clone) -> Option<Estimate> {
    let at = |fraction| quantile(values.clone(), fraction);
    Some(Estimate { value: at(0.5)?, low: at(0.25)?, high: at(0.75)? })
}

/// Returns the middle value, or the mean of the two in the middle. `None` without values.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(values, 0.5)
}

/// Returns the interquartile range. `None` without values.
pub fn spread(values: impl IntoIterator<Item = f64> + Clone) -> Option<f64> {
    Some(quantile(values.clone(), 0.75)? - quantile(values, 0.25)?)
}

/// Returns the quantile, interpolated between neighbouring values. `None` without values.
pub fn quantile(values: impl IntoIterator<Item = f64>, fraction: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let position = fraction * sorted.len().checked_sub(1)? as f64;
    let below = sorted[position.floor() as usize];
    let above = sorted[position.ceil() as usize];
    Some(below + (above - below) * position.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(launches: &[&[f64]]) -> LaunchTimes {
        let mut times = LaunchTimes::default();
        for slices in launches {
            times.begin_launch();
            slices.iter().for_each(|&time| times.record(time));
        }
        times
    }

    #[test]
    fn medians_are_over_slices_and_launches() {
        let times = times(&[&[10.0, 20.0, 30.0], &[20.0, 40.0]]);
        assert_eq!(times.median(), Some(20.0));
        assert_eq!(times.launch_medians(), [20.0, 30.0]);
        assert_eq!(times.slices(), 5);
    }

    #[test]
    fn launches_that_differ_by_more_than_half_are_noisy() {
        assert!(!times(&[&[10.0], &[14.0]]).noisy());
        assert!(times(&[&[10.0], &[16.0]]).noisy());
    }

    #[test]
    fn quantiles_interpolate_between_neighbours() {
        assert_eq!(median([3.0, 1.0]), Some(2.0));
        assert_eq!(median([]), None);
        assert_eq!(spread([1.0, 2.0, 3.0, 4.0, 5.0]), Some(2.0));
    }
}
