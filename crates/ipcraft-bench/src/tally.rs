//! What has been measured so far for one row.

use hdrhistogram::Histogram;

use crate::results::Percentiles;
use crate::workload::{Report, Usage};

/// Launches whose medians are further apart than this factor disagree.
const DISAGREEMENT: f64 = 1.5;

/// The slices of one row.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    samples: Histogram<u64>,
    singles: Histogram<u64>,
    /// Nanoseconds per message of each slice, by launch.
    launches: Vec<Vec<f64>>,
    setups_us: Vec<f64>,
    usage: Usage,
    messages: u64,
    pub(crate) batch: u64,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) syscalls_per_message: Option<f64>,
    /// Why nothing more is measured.
    pub(crate) error: Option<String>,
}

impl Tally {
    pub(crate) fn new() -> Tally {
        Tally {
            samples: histogram(),
            singles: histogram(),
            launches: Vec::new(),
            setups_us: Vec::new(),
            usage: Usage::default(),
            messages: 0,
            batch: 1,
            memory_bytes: None,
            syscalls_per_message: None,
            error: None,
        }
    }

    /// Slices recorded from here on belong to a new launch.
    pub(crate) fn begin_launch(&mut self, setup_us: f64) {
        self.launches.push(Vec::new());
        self.setups_us.push(setup_us);
    }

    /// Adds a slice; gives its time per message.
    pub(crate) fn record(&mut self, report: &Report, messages: u64, batch: u64) -> f64 {
        let figure = time_per_message(report, messages, batch);
        if let Some(launch) = self.launches.last_mut() {
            launch.push(figure);
        }
        add(&mut self.samples, &report.samples, batch);
        add(&mut self.singles, &report.singles, 1);
        self.usage += report.usage;
        self.messages += messages;
        self.batch = batch;
        figure
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Number of slices.
    pub(crate) fn slices(&self) -> usize {
        self.launches.iter().map(Vec::len).sum()
    }

    /// Median time per message over all slices, in nanoseconds.
    pub(crate) fn time_per_message(&self) -> Option<f64> {
        median(self.launches.iter().flatten().copied())
    }

    /// The same for each launch that measured anything.
    pub(crate) fn launch_medians(&self) -> Vec<f64> {
        self.launches.iter().filter_map(|slices| median(slices.iter().copied())).collect()
    }

    pub(crate) fn disturbed(&self) -> bool {
        let medians = self.launch_medians();
        let least = medians.iter().copied().fold(f64::INFINITY, f64::min);
        medians.iter().any(|&time| time > least * DISAGREEMENT)
    }

    pub(crate) fn setup_us(&self) -> Option<f64> {
        median(self.setups_us.iter().copied())
    }

    pub(crate) fn cpu_ns_per_message(&self) -> f64 {
        self.usage.cpu_ns as f64 / self.messages as f64
    }

    pub(crate) fn system_ns_per_message(&self) -> f64 {
        self.usage.system_ns as f64 / self.messages as f64
    }

    pub(crate) fn switches_per_message(&self) -> f64 {
        self.usage.switches as f64 / self.messages as f64
    }

    /// Percentiles over all samples; none for a stream.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        percentiles(&self.samples)
    }

    /// Percentiles of the single samples beside batches.
    pub(crate) fn single_percentiles(&self) -> Option<Percentiles> {
        percentiles(&self.singles)
    }
}

/// That of the median sample, or where there are none the mean.
fn time_per_message(report: &Report, messages: u64, batch: u64) -> f64 {
    let samples = report.samples.iter().map(|&sample| sample as f64 / batch as f64);
    median(samples).unwrap_or(report.elapsed_ns as f64 / messages as f64)
}

/// Three significant digits, over a range that grows as needed: most rows need little of it.
fn histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new(3).expect("three digits are within what a histogram allows");
    histogram.auto(true);
    histogram
}

/// Adds the time per message of each batch, to the nearest nanosecond.
fn add(histogram: &mut Histogram<u64>, samples: &[u64], batch: u64) {
    for &sample in samples {
        histogram.record((sample + batch / 2) / batch).expect("a growing histogram takes every value");
    }
}

fn percentiles(histogram: &Histogram<u64>) -> Option<Percentiles> {
    (!histogram.is_empty()).then(|| Percentiles {
        samples: histogram.len(),
        p50_ns: histogram.value_at_quantile(0.5),
        p90_ns: histogram.value_at_quantile(0.9),
        p99_ns: histogram.value_at_quantile(0.99),
        p999_ns: histogram.value_at_quantile(0.999),
        max_ns: histogram.max(),
    })
}

/// The middle of the values, or the mean of the two in the middle; none of no values.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(values, 0.5)
}

/// Distance between the quartiles; none of no values.
pub fn spread(values: impl IntoIterator<Item = f64> + Clone) -> Option<f64> {
    Some(quantile(values.clone(), 0.75)? - quantile(values, 0.25)?)
}

/// The value below which this fraction of them lies, interpolated between neighbours; none of no values.
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

    fn slice(nanoseconds: u64) -> Report {
        Report {
            samples: vec![nanoseconds; 3],
            elapsed_ns: 3 * nanoseconds,
            usage: Usage { cpu_ns: 300, system_ns: 150, switches: 6 },
            ..Report::default()
        }
    }

    fn tally(launches: &[&[u64]]) -> Tally {
        let mut tally = Tally::new();
        for slices in launches {
            tally.begin_launch(10.0);
            for &time in *slices {
                tally.record(&slice(time), 3, 1);
            }
        }
        tally
    }

    #[test]
    fn medians_are_over_slices_and_launches() {
        let tally = tally(&[&[10, 20, 30], &[20, 40]]);
        assert_eq!(tally.time_per_message(), Some(20.0));
        assert_eq!(tally.launch_medians(), [20.0, 30.0]);
        assert_eq!(tally.cpu_ns_per_message(), 100.0);
        assert_eq!(tally.switches_per_message(), 2.0);
        assert_eq!(tally.percentiles().unwrap().p50_ns, 20);
        assert_eq!(tally.percentiles().unwrap().max_ns, 40);
    }

    #[test]
    fn percentiles_keep_three_digits_of_any_time() {
        for time in [0, 1, 999, 123_456_789_000] {
            let p50 = tally(&[&[time]]).percentiles().unwrap().p50_ns;
            assert!(p50.abs_diff(time) <= time / 1000, "{p50} for {time}");
        }
    }

    #[test]
    fn launches_that_disagree_are_marked() {
        assert!(!tally(&[&[10], &[14]]).disturbed());
        assert!(tally(&[&[10], &[16]]).disturbed());
    }

    #[test]
    fn a_stream_has_a_time_but_no_percentiles() {
        let mut tally = Tally::new();
        tally.begin_launch(1.0);
        let report = Report { elapsed_ns: 1000, ..Report::default() };
        assert_eq!(tally.record(&report, 10, 1), 100.0);
        assert_eq!(tally.percentiles(), None);
    }

    #[test]
    fn batches_keep_fractions_of_a_nanosecond() {
        let mut tally = Tally::new();
        tally.begin_launch(1.0);
        let report = Report { samples: vec![360, 370, 380], ..Report::default() };
        assert_eq!(tally.record(&report, 300, 100), 3.7);
        assert_eq!(tally.percentiles().unwrap().p50_ns, 4);
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(median([3.0, 1.0]), Some(2.0));
        assert_eq!(median([]), None);
        assert_eq!(spread([1.0, 2.0, 3.0, 4.0, 5.0]), Some(2.0));
    }
}
