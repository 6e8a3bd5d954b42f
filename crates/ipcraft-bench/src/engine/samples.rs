//! What has been measured so far for one row.

use hdrhistogram::Histogram;

use super::statistics::{LaunchTimes, median};
use crate::results::Percentiles;
use crate::workload::{Report, Usage};

/// The samples of one implementation in one scenario.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    batched: Histogram<u64>,
    single: Histogram<u64>,
    times: LaunchTimes,
    setups_us: Vec<f64>,
    usage: Usage,
    messages: u64,
    pub(crate) batch: u64,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) syscalls_per_message: Option<f64>,
    /// Why the measurement ended.
    pub(crate) error: Option<String>,
}

impl Samples {
    pub(crate) fn new() -> Samples {
        Samples {
            batched: histogram(),
            single: histogram(),
            times: LaunchTimes::default(),
            setups_us: Vec::new(),
            usage: Usage::default(),
            messages: 0,
            batch: 1,
            memory_bytes: None,
            syscalls_per_message: None,
            error: None,
        }
    }

    /// Starts a new launch; later slices belong to it.
    pub(crate) fn begin_launch(&mut self, setup_us: f64) {
        self.times.begin_launch();
        self.setups_us.push(setup_us);
    }

    /// Adds a slice. Returns its time per message in nanoseconds.
    pub(crate) fn record(&mut self, report: &Report, messages: u64, batch: u64) -> f64 {
        let time = time_per_message(report, messages, batch);
        self.times.record(time);
        add(&mut self.batched, &report.samples, batch);
        add(&mut self.single, &report.singles, 1);
        self.usage += report.usage;
        self.messages += messages;
        self.batch = batch;
        time
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// The time per message of each slice.
    pub(crate) fn times(&self) -> &LaunchTimes {
        &self.times
    }

    pub(crate) fn setup_us(&self) -> Option<f64> {
        median(self.setups_us.iter().copied())
    }

    pub(crate) fn per_message(&self, total: impl Fn(&Usage) -> u64) -> f64 {
        total(&self.usage) as f64 / self.messages as f64
    }

    /// Returns the percentiles over all samples; `None` for a stream.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        percentiles(&self.batched)
    }

    /// Returns the percentiles of the single samples beside batches.
    pub(crate) fn single_percentiles(&self) -> Option<Percentiles> {
        percentiles(&self.single)
    }
}

/// Returns the median sample, or the mean of a slice without samples.
fn time_per_message(report: &Report, messages: u64, batch: u64) -> f64 {
    let samples = report.samples.iter().map(|&sample| sample as f64 / batch as f64);
    median(samples).unwrap_or(report.elapsed_ns as f64 / messages as f64)
}

/// Returns a histogram with three significant digits, whose range grows as needed.
fn histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new(3).expect("three digits are within the limits of a histogram");
    histogram.auto(true);
    histogram
}

/// Adds the time per message of each batch, rounded to the nearest nanosecond.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(report: &Report, messages: u64, batch: u64) -> (Samples, f64) {
        let mut samples = Samples::new();
        samples.begin_launch(10.0);
        let time = samples.record(report, messages, batch);
        (samples, time)
    }

    fn slice(nanoseconds: u64) -> Report {
        Report {
            samples: vec![nanoseconds; 3],
            elapsed_ns: 3 * nanoseconds,
            usage: Usage { cpu_ns: 300, system_ns: 150, switches: 6 },
            ..Report::default()
        }
    }

    #[test]
    fn usage_is_divided_by_messages() {
        let (mut samples, _) = samples(&slice(20), 3, 1);
        samples.record(&slice(40), 3, 1);
        assert_eq!(samples.per_message(|usage| usage.cpu_ns), 100.0);
        assert_eq!(samples.per_message(|usage| usage.switches), 2.0);
        assert_eq!(samples.percentiles().unwrap().max_ns, 40);
    }

    #[test]
    fn percentiles_keep_three_digits_of_any_time() {
        for time in [0, 1, 999, 123_456_789_000] {
            let p50 = samples(&slice(time), 3, 1).0.percentiles().unwrap().p50_ns;
            assert!(p50.abs_diff(time) <= time / 1000, "{p50} for {time}");
        }
    }

    #[test]
    fn stream_has_a_time_but_no_percentiles() {
        let report = Report { elapsed_ns: 1000, ..Report::default() };
        let (samples, time) = samples(&report, 10, 1);
        assert_eq!(time, 100.0);
        assert_eq!(samples.percentiles(), None);
    }

    #[test]
    fn batches_keep_fractions_of_a_nanosecond() {
        let report = Report { samples: vec![360, 370, 380], ..Report::default() };
        let (samples, time) = samples(&report, 300, 100);
        assert_eq!(time, 3.7);
        assert_eq!(samples.percentiles().unwrap().p50_ns, 4);
    }
}
