//! Robust statistics.

use super::interval;
use crate::results::Estimate;

/// A figure of each slice, by launch: its time per message, or its ratio to the slice beside it.
#[derive(Clone, Debug, Default)]
pub struct LaunchTimes {
    launches: Vec<Vec<f64>>,
}

impl LaunchTimes {
    /// Starts a new launch; later slices belong to it.
    pub fn begin_launch(&mut self) {
        self.launches.push(Vec::new());
    }

    /// Adds the figure of one slice.
    pub fn record(&mut self, figure: f64) {
        if let Some(launch) = self.launches.last_mut() {
            launch.push(figure);
        }
    }

    /// Adds the launches of another run of the same work.
    pub(crate) fn append(&mut self, mut later: LaunchTimes) {
        self.launches.append(&mut later.launches);
    }

    /// Returns the time per message that survives disturbances: the lower quartile over the
    /// launches of their lower quartiles. `None` without slices.
    pub fn time(&self) -> Option<Estimate> {
        interval::time(&self.launches)
    }

    /// Returns the median over the launches of their medians, for ratios. `None` without slices.
    pub fn ratio(&self) -> Option<Estimate> {
        interval::ratio(&self.launches)
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

    /// Returns whether the interval of the time is too wide to rank it.
    pub fn noisy(&self) -> bool {
        self.time().is_some_and(|time| time.is_wide())
    }
}

/// Returns the median of a figure that each launch has once, with its interval. `None` without
/// figures.
pub fn median_over_launches(figures: impl IntoIterator<Item = f64>) -> Option<Estimate> {
    let launches: Vec<_> = figures.into_iter().map(|figure| vec![figure]).collect();
    interval::ratio(&launches)
}

/// Returns the middle value, or the mean of the two in the middle. `None` without values.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(values, 0.5)
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
        let launches = |step: f64| {
            let slices: Vec<[f64; 1]> = (0..9).map(|launch| [10.0 + step * f64::from(launch)]).collect();
            let slices: Vec<&[f64]> = slices.iter().map(|slice| &slice[..]).collect();
            times(&slices)
        };
        assert!(!launches(0.1).noisy());
        assert!(launches(2.0).noisy());
    }

    #[test]
    fn quantiles_interpolate_between_neighbours() {
        assert_eq!(median([3.0, 1.0]), Some(2.0));
        assert_eq!(median([]), None);
    }
}
