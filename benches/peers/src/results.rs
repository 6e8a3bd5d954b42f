//! What a run found, as it is written to JSON. A figure that does not apply is null.

use ipcraft_bench::{Environment, Placement, median, spread};
use serde::Serialize;

use crate::contest::{Contest, Entry};
use crate::rows::Task;

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) environment: Environment,
    /// The rivals' versions.
    pub(crate) versions: &'static [(&'static str, &'static str)],
    pub(crate) rows: Vec<Table>,
    /// False when the run was stopped before its end.
    pub(crate) complete: bool,
}

/// The versions that the manifest asks for.
pub(crate) const VERSIONS: &[(&str, &str)] = &[
    ("ipcraft", env!("CARGO_PKG_VERSION")),
    ("iceoryx2", "0.10.0"),
    ("ringfire", "0.5.2"),
    ("ipc-channel", "0.23.1"),
    ("interprocess", "2.4.7"),
    ("rtrb", "0.4.1"),
];

/// One row of the run: a table.
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

/// One contestant in one row.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) contestant: &'static str,
    /// Median over the slices; of a round trip the median sample of each, of a stream the whole slice.
    pub(crate) ns_per_message: Option<f64>,
    /// Percentiles over samples, each the mean of `batch` messages.
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
    /// Median over rounds of the time per message to that of the first contestant in the same round.
    pub(crate) ratio: Option<f64>,
    /// Distance between the quartiles of those ratios.
    pub(crate) ratio_spread: Option<f64>,
    pub(crate) ratios: usize,
    pub(crate) launch_medians_ns: Vec<f64>,
    /// True when the launches differ by more than half.
    pub(crate) disturbed: bool,
    /// Why it was measured no more, or not at all.
    pub(crate) error: Option<String>,
}

impl Table {
    pub(crate) fn of(contest: &Contest) -> Table {
        let row = contest.row;
        Table {
            id: row.id,
            title: row.title,
            task: row.task,
            size: row.size,
            placement: row.placement,
            lines: contest.entries.iter().map(|entry| Line::of(entry, row.size)).collect(),
        }
    }
}

impl Line {
    fn of(entry: &Entry, size: usize) -> Line {
        let tally = &entry.tally;
        let ns_per_message = tally.time_per_message();
        let messages_per_s = ns_per_message.map(|time| 1e9 / time);
        Line {
            contestant: entry.contestant.id,
            ns_per_message,
            p50_ns: tally.quantile(0.5),
            p90_ns: tally.quantile(0.9),
            p99_ns: tally.quantile(0.99),
            samples: tally.samples(),
            batch: tally.batch,
            messages_per_s,
            bytes_per_s: messages_per_s.map(|rate| rate * size as f64),
            cpu_ns_per_message: tally.per_message(|usage| usage.cpu_ns),
            system_ns_per_message: tally.per_message(|usage| usage.system_ns),
            switches_per_message: tally.per_message(|usage| usage.switches),
            ratio: median(entry.ratios.iter().copied()),
            ratio_spread: spread(entry.ratios.iter().copied()),
            ratios: entry.ratios.len(),
            launch_medians_ns: tally.launch_medians(),
            disturbed: tally.disturbed(),
            error: entry.error.clone(),
        }
    }
}
