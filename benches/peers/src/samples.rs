//! What has been measured so far of one competitor in one scenario.

use hdrhistogram::Histogram;
use ipcraft_bench::{Launch, LaunchFigures, LaunchTimes, Usage, median};

use crate::work::{Report, Slice, Task};

/// The samples of one competitor.
pub(crate) struct Samples {
    /// Picoseconds per message of each sample: in a stream a message takes a few nanoseconds.
    histogram: Histogram<u64>,
    /// The same of the last launch only, with its usage and messages.
    open: (Histogram<u64>, Usage, u64),
    times: LaunchTimes,
    /// The launches, and how many slices each has.
    launches: Vec<Launch>,
    usage: Usage,
    messages: u64,
    pub(crate) batch: u64,
}

impl Samples {
    pub(crate) fn new() -> Samples {
        Samples {
            histogram: new_histogram(),
            open: (new_histogram(), Usage::default(), 0),
            times: LaunchTimes::default(),
            launches: Vec::new(),
            usage: Usage::default(),
            messages: 0,
            batch: 1,
        }
    }

    /// Starts a launch with this number; later slices belong to it.
    pub(crate) fn begin_launch(&mut self, launch: usize, hand_over_ns: Option<f64>) {
        self.close_launch();
        self.times.begin_launch();
        let figures = LaunchFigures::default();
        self.launches.push(Launch { launch, time_ns: 0.0, slices: 0, setup_us: None, hand_over_ns, figures });
    }

    /// Keeps the figures of the last launch.
    fn close_launch(&mut self) {
        let figures = self.open_figures();
        if let Some(launch) = self.launches.last_mut() {
            launch.figures = figures;
        }
        self.open.0.reset();
        (self.open.1, self.open.2) = (Usage::default(), 0);
    }

    /// Returns the figures of the last launch.
    fn open_figures(&self) -> LaunchFigures {
        let (histogram, usage, messages) = &self.open;
        let at = |fraction: f64| quantile(histogram, fraction);
        LaunchFigures {
            p50_ns: at(0.5),
            p90_ns: at(0.9),
            p99_ns: at(0.99),
            p999_ns: at(0.999),
            cpu_ns_per_message: (*messages > 0).then(|| usage.cpu_ns as f64 / *messages as f64),
        }
    }

    /// Adds a slice. Returns its time per message.
    pub(crate) fn record(&mut self, task: Task, slice: &Slice, report: &Report) -> f64 {
        for sample in &report.samples {
            let picoseconds = (sample * 1000 + slice.batch / 2) / slice.batch;
            for histogram in [&mut self.histogram, &mut self.open.0] {
                histogram.record(picoseconds).expect("a growing histogram takes every value");
            }
        }
        self.usage += report.usage;
        self.messages += slice.messages;
        self.open.1 += report.usage;
        self.open.2 += slice.messages;
        self.batch = slice.batch;
        let time = time_per_message(task, slice, report);
        self.times.record(time);
        if let Some(launch) = self.launches.last_mut() {
            launch.slices += 1;
        }
        time
    }

    /// The time per message of each slice.
    pub(crate) fn times(&self) -> &LaunchTimes {
        &self.times
    }

    /// Returns the quantile of the samples, in nanoseconds per message.
    pub(crate) fn quantile(&self, fraction: f64) -> Option<f64> {
        quantile(&self.histogram, fraction)
    }

    /// Returns the launches that have a slice.
    pub(crate) fn launches(&self) -> Vec<Launch> {
        let mut launches = self.launches.clone();
        if let Some(last) = launches.last_mut() {
            last.figures = self.open_figures();
        }
        let measured = launches.iter().filter(|launch| launch.slices > 0);
        let medians = measured.zip(self.times.launch_medians());
        medians.map(|(launch, time_ns)| Launch { time_ns, ..launch.clone() }).collect()
    }

    /// Returns the distribution of the samples: pairs of a percentile and its nanoseconds.
    pub(crate) fn ladder(&self) -> Vec<(f64, f64)> {
        let percents = (0..20).map(|step| f64::from(step) * 5.0);
        let percents = percents.chain([96.0, 97.0, 98.0, 99.0, 99.5, 99.9, 99.99, 100.0]);
        percents.filter_map(|percent| Some((percent, self.quantile(percent / 100.0)?))).collect()
    }

    /// Returns the number of samples.
    pub(crate) fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Returns a usage of both processes per message. `None` before the first slice.
    pub(crate) fn per_message(&self, of: impl Fn(&Usage) -> u64) -> Option<f64> {
        (self.messages > 0).then(|| of(&self.usage) as f64 / self.messages as f64)
    }
}

fn new_histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new(3).expect("three digits are within the limits of a histogram");
    histogram.auto(true);
    histogram
}

fn quantile(histogram: &Histogram<u64>, fraction: f64) -> Option<f64> {
    (!histogram.is_empty()).then(|| histogram.value_at_quantile(fraction) as f64 / 1000.0)
}

/// Returns the mean over the whole slice for a stream, whose messages arrive in bursts, and
/// otherwise the median sample.
fn time_per_message(task: Task, slice: &Slice, report: &Report) -> f64 {
    let mean = report.elapsed_ns as f64 / slice.messages as f64;
    if matches!(task, Task::Stream | Task::Contended) {
        return mean;
    }
    median(report.samples.iter().map(|&sample| sample as f64 / slice.batch as f64)).unwrap_or(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE: Slice = Slice { first: 0, warm_up: 0, messages: 4, batch: 2 };

    fn report(times: [u64; 2]) -> Report {
        Report { samples: times.into(), elapsed_ns: times.iter().sum(), ..Report::default() }
    }

    #[test]
    fn record_uses_the_mean_of_a_stream_and_the_median_sample_otherwise() {
        let mut samples = Samples::new();
        samples.begin_launch(0, None);
        assert_eq!(samples.record(Task::Stream, &SLICE, &report([3, 9])), 3.0);
        assert_eq!(samples.record(Task::RoundTrip, &SLICE, &report([3, 4])), 1.75);
        assert_eq!(samples.times().median(), Some(2.375));
        assert_eq!(samples.quantile(0.0), Some(1.5));
        assert_eq!(samples.count(), 4);
    }
}
