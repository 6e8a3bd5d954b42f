//! What has been measured so far for one row.

use hdrhistogram::Histogram;

use super::interval;
use super::statistics::{LaunchTimes, median};
use crate::results::{Launch, LaunchFigures, Percentiles};
use crate::workload::{Report, Usage};

/// The percentiles that are kept of every distribution.
const LADDER: &[f64] = &[
    0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0, 70.0, 75.0,
    80.0, 85.0, 90.0, 92.5, 95.0, 96.0, 97.0, 98.0, 98.5, 99.0, 99.3, 99.5, 99.7, 99.8, 99.9, 99.95, 99.97,
    99.99, 99.995, 99.999, 100.0,
];

/// A day, so that no sample leaves the range of a histogram.
const MAX_PICOSECONDS: u64 = 86_400 * 1_000_000_000_000;

/// The samples of one implementation in one scenario.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    batched: Histogram<u64>,
    single: Histogram<u64>,
    times: LaunchTimes,
    /// As many as there are launches in `times`.
    origins: Vec<Origin>,
    usage: Usage,
    messages: u64,
    pub(crate) batch: u64,
}

/// Where the slices of a launch come from.
#[derive(Clone, Debug)]
struct Origin {
    launch: usize,
    setup_us: f64,
    hand_over_ns: Option<f64>,
    /// Known once later samples are added, since the histograms hold one launch until then.
    figures: Option<LaunchFigures>,
}

impl Samples {
    pub(crate) fn new() -> Samples {
        Samples {
            batched: histogram(),
            single: histogram(),
            times: LaunchTimes::default(),
            origins: Vec::new(),
            usage: Usage::default(),
            messages: 0,
            batch: 1,
        }
    }

    /// Starts a new launch; later slices belong to it.
    pub(crate) fn begin_launch(&mut self, launch: usize, setup_us: f64) {
        self.times.begin_launch();
        self.origins.push(Origin { launch, setup_us, hand_over_ns: None, figures: None });
    }

    /// Sets the time of a cache line there and back beside the launches so far.
    pub(crate) fn set_hand_over(&mut self, ns: Option<f64>) {
        self.origins.iter_mut().for_each(|origin| origin.hand_over_ns = ns);
    }

    /// Adds the launches of later samples.
    pub(crate) fn append(&mut self, mut later: Samples) {
        self.close_launch();
        later.close_launch();
        merge(&mut self.batched, &later.batched);
        merge(&mut self.single, &later.single);
        self.times.append(later.times);
        self.origins.extend(later.origins);
        self.usage += later.usage;
        self.messages += later.messages;
        self.batch = later.batch;
    }

    /// Keeps the figures of the only launch.
    fn close_launch(&mut self) {
        let figures = self.figures();
        if let [origin] = &mut self.origins[..] {
            origin.figures.get_or_insert(figures);
        }
    }

    /// Returns the figures over all samples.
    fn figures(&self) -> LaunchFigures {
        let percentiles = self.percentiles();
        LaunchFigures {
            p50_ns: percentiles.map(|found| found.p50_ns),
            p90_ns: percentiles.map(|found| found.p90_ns),
            p99_ns: percentiles.map(|found| found.p99_ns),
            p999_ns: percentiles.map(|found| found.p999_ns),
            cpu_ns_per_message: (!self.is_empty()).then(|| self.per_message(|usage| usage.cpu_ns)),
        }
    }

    /// Adds a slice.
    pub(crate) fn record(&mut self, report: &Report, messages: u64, batch: u64) {
        self.times.record(time_per_message(report, messages, batch));
        add(&mut self.batched, &report.samples, batch);
        add(&mut self.single, &report.singles, 1);
        self.usage += report.usage;
        self.messages += messages;
        self.batch = batch;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// The time per message of each slice.
    pub(crate) fn times(&self) -> &LaunchTimes {
        &self.times
    }

    pub(crate) fn setup_us(&self) -> Option<f64> {
        median(self.origins.iter().map(|origin| origin.setup_us))
    }

    pub(crate) fn per_message(&self, total: impl Fn(&Usage) -> u64) -> f64 {
        total(&self.usage) as f64 / self.messages as f64
    }

    /// Returns the percentiles over all samples; `None` for a stream.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        percentiles(&self.batched)
    }

    /// Returns the whole distribution in steps; empty for a stream.
    pub(crate) fn ladder(&self) -> Vec<(f64, f64)> {
        ladder(&self.batched)
    }

    /// Returns the launches that have a slice.
    pub(crate) fn launches(&self) -> Vec<Launch> {
        let launch = |(slices, origin): (&Vec<f64>, &Origin)| {
            let time_ns = interval::time(std::slice::from_ref(slices))?.value;
            let &Origin { launch, setup_us, hand_over_ns, figures } = origin;
            let only = (self.origins.len() == 1).then(|| self.figures());
            let figures = figures.or(only).unwrap_or_default();
            let (slices, setup_us) = (slices.len(), Some(setup_us));
            Some(Launch { launch, time_ns, slices, setup_us, hand_over_ns, figures })
        };
        self.times.launches().iter().zip(&self.origins).filter_map(launch).collect()
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

/// Adds the time per message of each batch, in picoseconds: a message may take a few nanoseconds.
fn add(histogram: &mut Histogram<u64>, samples: &[u64], batch: u64) {
    for &sample in samples {
        let picoseconds = (u128::from(sample) * 1000 / u128::from(batch)).min(MAX_PICOSECONDS.into());
        histogram.record(picoseconds as u64).expect("a growing histogram takes every value");
    }
}

fn merge(histogram: &mut Histogram<u64>, later: &Histogram<u64>) {
    histogram.add(later).expect("a growing histogram takes every value");
}

fn percentiles(histogram: &Histogram<u64>) -> Option<Percentiles> {
    (!histogram.is_empty()).then(|| Percentiles {
        samples: histogram.len(),
        p50_ns: quantile(histogram, 0.5),
        p90_ns: quantile(histogram, 0.9),
        p99_ns: quantile(histogram, 0.99),
        p999_ns: quantile(histogram, 0.999),
        max_ns: quantile(histogram, 1.0),
    })
}

/// Returns the nanoseconds at a quantile.
fn quantile(histogram: &Histogram<u64>, fraction: f64) -> f64 {
    histogram.value_at_quantile(fraction) as f64 / 1000.0
}

/// Returns pairs of a percentile and its nanoseconds. The steps become finer towards 100.
fn ladder(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    if histogram.is_empty() {
        return Vec::new();
    }
    LADDER.iter().map(|&percentile| (percentile, quantile(histogram, percentile / 100.0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(report: &Report, messages: u64, batch: u64) -> (Samples, f64) {
        let mut samples = Samples::new();
        samples.begin_launch(0, 10.0);
        samples.record(report, messages, batch);
        let time = samples.times().median().unwrap();
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
        assert_eq!(samples.percentiles().unwrap().max_ns.round(), 40.0);
    }

    #[test]
    fn append_keeps_every_launch_with_its_origin() {
        let (mut all, _) = samples(&slice(20), 3, 1);
        let mut later = Samples::new();
        later.begin_launch(4, 30.0);
        later.record(&slice(40), 3, 1);
        later.set_hand_over(Some(120.0));
        all.append(later);
        let launches: Vec<_> =
            all.launches().iter().map(|one| (one.launch, one.time_ns, one.hand_over_ns)).collect();
        assert_eq!(launches, [(0, 20.0, None), (4, 40.0, Some(120.0))]);
        let figures: Vec<_> = all.launches().iter().map(|launch| launch.figures).collect();
        let rounded = |figure: Option<f64>| figure.map(f64::round);
        assert_eq!(
            figures.iter().map(|one| rounded(one.p99_ns)).collect::<Vec<_>>(),
            [Some(20.0), Some(40.0)]
        );
        assert_eq!(figures[1].cpu_ns_per_message, Some(100.0));
        assert_eq!(all.setup_us(), Some(20.0));
        assert_eq!(all.percentiles().unwrap().samples, 6);
    }

    #[test]
    fn percentiles_keep_three_digits_of_any_time() {
        for time in [0_u64, 1, 999, 123_456_789_000] {
            let p50 = samples(&slice(time), 3, 1).0.percentiles().unwrap().p50_ns;
            assert!((p50 - time as f64).abs() <= time as f64 / 1000.0, "{p50} for {time}");
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
        assert!((samples.percentiles().unwrap().p50_ns - 3.7).abs() < 0.01);
    }
}
