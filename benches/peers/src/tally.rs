//! What has been measured so far of one contestant in one row.

use hdrhistogram::Histogram;
use ipcraft_bench::{Usage, median};

use crate::control::{Report, Slice};
use crate::rows::Task;

/// Launches whose medians are further apart than this factor disagree.
const DISAGREEMENT: f64 = 1.5;

/// The slices of one contestant.
pub(crate) struct Tally {
    /// Picoseconds a message, of each sample: in a stream a message takes a few nanoseconds.
    samples: Histogram<u64>,
    /// Nanoseconds per message of each slice, by launch.
    launches: Vec<Vec<f64>>,
    usage: Usage,
    messages: u64,
    pub(crate) batch: u64,
}

impl Tally {
    pub(crate) fn new() -> Tally {
        let mut samples = Histogram::new(3).expect("three digits are within what a histogram allows");
        samples.auto(true);
        Tally { samples, launches: Vec::new(), usage: Usage::default(), messages: 0, batch: 1 }
    }

    /// What comes now is of fresh processes.
    pub(crate) fn begin_launch(&mut self) {
        self.launches.push(Vec::new());
    }

    /// Adds a slice, and tells its time per message.
    pub(crate) fn record(&mut self, task: Task, slice: &Slice, report: &Report) -> f64 {
        for sample in &report.samples {
            let picoseconds = (sample * 1000 + slice.batch / 2) / slice.batch;
            self.samples.record(picoseconds).expect("a growing histogram takes every value");
        }
        self.usage += report.usage;
        self.messages += slice.messages;
        self.batch = slice.batch;
        let time = time_per_message(task, slice, report);
        if let Some(launch) = self.launches.last_mut() {
            launch.push(time);
        }
        time
    }

    /// Median over all slices.
    pub(crate) fn time_per_message(&self) -> Option<f64> {
        median(self.launches.iter().flatten().copied())
    }

    /// The same for each launch that measured anything.
    pub(crate) fn launch_medians(&self) -> Vec<f64> {
        self.launches.iter().filter_map(|slices| median(slices.iter().copied())).collect()
    }

    /// Whether the launches disagree.
    pub(crate) fn disturbed(&self) -> bool {
        let medians = self.launch_medians();
        let least = medians.iter().copied().fold(f64::INFINITY, f64::min);
        medians.iter().any(|&time| time > least * DISAGREEMENT)
    }

    /// Nanoseconds a message that this fraction of the samples did not exceed.
    pub(crate) fn quantile(&self, fraction: f64) -> Option<f64> {
        (!self.samples.is_empty()).then(|| self.samples.value_at_quantile(fraction) as f64 / 1000.0)
    }

    /// The number of samples.
    pub(crate) fn samples(&self) -> u64 {
        self.samples.len()
    }

    /// Of both processes together; none before anything was measured.
    pub(crate) fn per_message(&self, of: impl Fn(&Usage) -> u64) -> Option<f64> {
        (self.messages > 0).then(|| of(&self.usage) as f64 / self.messages as f64)
    }
}

/// A stream's rate is over the whole slice, since its messages come in bursts; of the others it is the median sample.
fn time_per_message(task: Task, slice: &Slice, report: &Report) -> f64 {
    let mean = report.elapsed_ns as f64 / slice.messages as f64;
    if task == Task::Stream {
        return mean;
    }
    median(report.samples.iter().map(|&sample| sample as f64 / slice.batch as f64)).unwrap_or(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE: Slice = Slice { first: 0, warm_up: 0, messages: 4, batch: 2 };

    fn report(samples: [u64; 2]) -> Report {
        Report { samples: samples.into(), elapsed_ns: samples.iter().sum(), ..Report::default() }
    }

    #[test]
    fn a_stream_counts_all_its_time_and_the_others_the_median() {
        let mut tally = Tally::new();
        tally.begin_launch();
        assert_eq!(tally.record(Task::Stream, &SLICE, &report([3, 9])), 3.0);
        assert_eq!(tally.record(Task::RoundTrip, &SLICE, &report([3, 4])), 1.75);
        assert_eq!(tally.time_per_message(), Some(2.375));
        assert_eq!(tally.quantile(0.0), Some(1.5));
        assert_eq!(tally.samples(), 4);
    }

    #[test]
    fn launches_that_disagree_are_marked() {
        let mut tally = Tally::new();
        for time in [10, 14, 16] {
            tally.begin_launch();
            tally.record(Task::Stream, &SLICE, &report([time, time]));
            assert_eq!(tally.disturbed(), time == 16);
        }
        assert_eq!(tally.launch_medians(), [5.0, 7.0, 8.0]);
    }
}
