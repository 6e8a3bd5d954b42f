//! The estimators: a value over launches, and the interval in which another run would find it.

use super::statistics::quantile;
use crate::results::Estimate;

/// The quantile of times, first over the slices of a launch and then over the launches.
///
/// Disturbances only lengthen a slice or a launch. As long as a quarter of them is undisturbed, the
/// lower quartile does not move, while the median moves when half of them are disturbed. The
/// minimum would be a single lucky launch.
const TIME_QUANTILE: f64 = 0.25;
/// The quantile of ratios: a disturbance meets either slice of a pair, so ratios are off in both
/// directions.
const RATIO_QUANTILE: f64 = 0.5;
/// The largest probability that another run's value is below an interval, and the same for above.
const MAX_MISS: f64 = 0.05;
/// An interval reaches at least this factor to either side. Runs of an idle machine differ by that
/// even where their launches agree.
const RESOLUTION: f64 = 1.02;
/// From fewer launches, nothing follows for others.
const MIN_LAUNCHES: usize = 3;
/// Then the interval is the range of their slices, extended by this factor to either side. That
/// makes it wide, so the row counts as noisy.
const UNKNOWN: f64 = 1.5;

/// Estimates the time per message from the slices of each launch. `None` without slices.
pub(crate) fn time(launches: &[Vec<f64>]) -> Option<Estimate> {
    estimate(launches, TIME_QUANTILE)
}

/// Estimates a ratio from the ratios in each launch. `None` without ratios.
///
/// Ratios of one launch resemble each other, so only launches count as independent.
pub(crate) fn ratio(launches: &[Vec<f64>]) -> Option<Estimate> {
    estimate(launches, RATIO_QUANTILE)
}

fn estimate(launches: &[Vec<f64>], fraction: f64) -> Option<Estimate> {
    let mut values: Vec<f64> =
        launches.iter().filter_map(|slices| quantile(slices.iter().copied(), fraction)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let value = quantile(values.iter().copied(), fraction)?;
    if values.len() < MIN_LAUNCHES {
        let slices = launches.iter().flatten().copied();
        let (low, high) = (quantile(slices.clone(), 0.0)?, quantile(slices, 1.0)?);
        return Some(Estimate { value, low: low / UNKNOWN, high: high * UNKNOWN });
    }
    let (low, high) = interval(values.len(), fraction);
    let least = low.map_or(values[0] * values[0] / value, |index| values[index]);
    let last = values[values.len() - 1];
    let greatest = high.map_or(last * last / value, |index| values[index]);
    Some(Estimate { value, low: least.min(value / RESOLUTION), high: greatest.max(value * RESOLUTION) })
}

/// Returns the indices of the sorted values between which another run's quantile lies, over as many
/// values of the same distribution, whatever that is. An index is `None` if not even the outermost
/// value is far enough; then the interval extends as far again beyond it.
fn interval(count: usize, fraction: f64) -> (Option<usize>, Option<usize>) {
    let rank = 1 + (fraction * (count - 1) as f64).round() as usize;
    // The probability that the quantile of the other run is below the value with this rank.
    let below = |limit: usize| (rank..=count).map(|others| probability(count, limit, others)).sum::<f64>();
    let low = (1..=rank).rev().find(|&limit| below(limit) <= MAX_MISS);
    let high = (rank..=count).find(|&limit| 1.0 - below(limit) <= MAX_MISS);
    (low.map(|limit| limit - 1), high.map(|limit| limit - 1))
}

/// Returns the probability that exactly `others` values of a second sample are below the value of
/// rank `limit` in the first one. Both samples have `count` values of one distribution.
fn probability(count: usize, limit: usize, others: usize) -> f64 {
    let ways = log_choose(limit - 1 + others, others)
        + log_choose(2 * count - limit - others, count - others)
        - log_choose(2 * count, count);
    ways.exp()
}

/// Returns the logarithm of a binomial coefficient.
fn log_choose(n: usize, k: usize) -> f64 {
    (1..=k).map(|step| ((n - k + step) as f64 / step as f64).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One slice in each launch.
    fn launches(times: &[f64]) -> Vec<Vec<f64>> {
        times.iter().map(|&time| vec![time]).collect()
    }

    #[test]
    fn time_does_not_move_when_most_launches_are_disturbed() {
        let quiet = time(&launches(&[10.0, 10.1, 10.2, 10.1, 10.0, 10.2, 10.1, 10.0, 10.1])).unwrap();
        let loud = time(&launches(&[10.0, 50.0, 10.2, 10.1, 90.0, 30.0, 40.0, 70.0, 10.1])).unwrap();
        assert!((loud.value / quiet.value - 1.0).abs() < 0.02, "{loud:?}");
        assert!(quiet.high < 10.3 && loud.high > 30.0, "{loud:?}");
    }

    #[test]
    fn time_within_a_launch_ignores_disturbed_slices() {
        let slices = vec![vec![10.0, 90.0, 10.0, 80.0, 10.0, 70.0]; 5];
        let time = time(&slices).unwrap();
        assert!(time.value == 10.0 && time.high < 10.5, "{time:?}");
    }

    #[test]
    fn ratio_counts_launches_and_not_their_figures() {
        let mut pairs = vec![vec![1.0; 3]; 4];
        pairs.push(vec![3.0; 1000]);
        let ratio = ratio(&pairs).unwrap();
        assert!(ratio.value == 1.0 && ratio.high >= 3.0, "{ratio:?}");
    }

    #[test]
    fn interval_narrows_with_the_number_of_launches() {
        assert_eq!(interval(3, 0.5), (None, None));
        assert_eq!(interval(7, 0.5), (Some(0), Some(6)));
        assert_eq!(interval(11, 0.5), (Some(1), Some(9)));
    }

    #[test]
    fn interval_of_three_launches_extends_beyond_them() {
        let three = ratio(&launches(&[0.5, 1.0, 2.0])).unwrap();
        assert_eq!((three.value, three.low, three.high), (1.0, 0.25, 4.0));
    }

    #[test]
    fn interval_of_a_single_launch_is_wide() {
        let one = time(&[vec![10.0, 10.1, 10.2, 10.1]]).unwrap();
        assert!(one.is_wide() && one.low < one.value && one.value < one.high, "{one:?}");
    }

    #[test]
    fn interval_holds_another_runs_value_in_nine_of_ten_cases() {
        // Values from a fixed sequence with a long tail upwards.
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / (1_u64 << 31) as f64
        };
        let mut run = || launches(&(0..11).map(|_| 1.0 / (0.05 + random())).collect::<Vec<_>>());
        const CASES: u32 = 2000;
        for estimate in [time, ratio] {
            let held = (0..CASES).filter(|_| {
                let (one, other) = (estimate(&run()).unwrap(), estimate(&run()).unwrap());
                (one.low..=one.high).contains(&other.value)
            });
            let share = held.count() as f64 / f64::from(CASES);
            assert!((0.85..0.99).contains(&share), "{share}");
        }
    }

    #[test]
    fn estimate_without_slices_is_none() {
        assert_eq!(time(&[]), None);
        assert_eq!(ratio(&[Vec::new()]), None);
    }
}
