//! The results of a run, as they are written to JSON. A figure that does not apply is null.

use ipcraft_bench::{Environment, Placement, median, spread};
use serde::Serialize;

use crate::comparison::{Comparison, Entry};
use crate::work::Task;

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) environment: Environment,
    /// The versions of the competitors.
    pub(crate) versions: &'static [(&'static str, &'static str)],
    pub(crate) rows: Vec<Table>,
    /// False when the run was stopped before its end.
    pub(crate) complete: bool,
}

/// The versions in the manifest.
pub(crate) const VERSIONS: &[(&str, &str)] = &[
    ("ipcraft", env!("CARGO_PKG_VERSION")),
    ("iceoryx2", "0.10.0"),
    ("ringfire", "0.5.2"),
    ("ipc-channel", "0.23.1"),
    ("interprocess", "2.4.7"),
    ("rtrb", "0.4.1"),
];

/// One scenario: a table.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    #[serde(skip)]
    pub(crate) task: Task,
    pub(crate) size: usize,
    pub(crate) placement: Placement,
    pub(crate) lines: Vec<Line>,
}

/// One competitor in one scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) competitor: &'static str,
    /// Median over the slices: of the median sample, or of the whole slice in a stream.
    pub(crate) ns_per_message: Option<f64>,
    /// Percentiles over samples, each of which is the mean of `batch` messages.
    pub(crate) p50_ns: Option<f64>,
    pub(crate) p90_ns: Option<f64>,
    pub(crate) p99_ns: Option<f64>,
    pub(crate) samples: u64,
    pub(crate) batch: u64,
    pub(crate) messages_per_s: Option<f64>,
    /// One way.
    pub(crate) bytes_per_s: Option<f64>,
    /// Of both processes together, user and system.
    pub(crate) cpu_ns_per_message: Option<f64>,
    pub(crate) system_ns_per_message: Option<f64>,
    /// Voluntary and involuntary.
    pub(crate) switches_per_message: Option<f64>,
    /// Time per message relative to the first competitor in the same round, median over rounds.
    pub(crate) ratio: Option<f64>,
    /// The interquartile range of those ratios.
    pub(crate) ratio_spread: Option<f64>,
    pub(crate) ratios: usize,
    pub(crate) launch_medians_ns: Vec<f64>,
    /// Whether the medians of the launches differ by more than 50 %.
    pub(crate) noisy: bool,
    /// Why the measurement ended early.
    pub(crate) error: Option<String>,
}

impl Table {
    pub(crate) fn of(comparison: &Comparison) -> Table {
        let scenario = comparison.scenario;
        Table {
            id: scenario.id,
            title: scenario.title,
            task: scenario.task,
            size: scenario.size,
            placement: scenario.placement,
            lines: comparison.entries.iter().map(|entry| Line::of(entry, scenario.size)).collect(),
        }
    }
}

impl Line {
    fn of(entry: &Entry, size: usize) -> Line {
        let samples = &entry.samples;
        let ns_per_message = samples.times().median();
        let messages_per_s = ns_per_message.map(|time| 1e9 / time);
        Line {
            competitor: entry.competitor.id,
            ns_per_message,
            p50_ns: samples.quantile(0.5),
            p90_ns: samples.quantile(0.9),
            p99_ns: samples.quantile(0.99),
            samples: samples.count(),
            batch: samples.batch,
            messages_per_s,
            bytes_per_s: messages_per_s.map(|rate| rate * size as f64),
            cpu_ns_per_message: samples.per_message(|usage| usage.cpu_ns),
            system_ns_per_message: samples.per_message(|usage| usage.system_ns),
            switches_per_message: samples.per_message(|usage| usage.switches),
            ratio: median(entry.ratios.iter().copied()),
            ratio_spread: spread(entry.ratios.iter().copied()),
            ratios: entry.ratios.len(),
            launch_medians_ns: samples.times().launch_medians(),
            noisy: samples.times().noisy(),
            error: entry.error.clone(),
        }
    }
}
