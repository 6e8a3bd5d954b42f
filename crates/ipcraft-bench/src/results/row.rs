//! The figures of one mechanism under one set of conditions.

use serde::{Deserialize, Serialize};

use super::environment::Distance;
use crate::mechanism::{Implementation, Waiting};
use crate::placement::Placement;
use crate::workload::Workload;

/// Percentiles of single samples, beside a row whose samples are batches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are self-explanatory")]
pub struct Percentiles {
    pub samples: u64,
    pub p50_ns: f64,
    pub p90_ns: f64,
    pub p99_ns: f64,
    pub p999_ns: f64,
    pub max_ns: f64,
}

/// A figure with the interval in which another run under the same conditions finds it in nine of
/// ten cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The best guess.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Estimate {
    /// An interval with a larger ratio of its ends is wide. On the machines that were measured, it
    /// is 1.1 to 1.3 without disturbances.
    const MAX_RATIO: f64 = 1.5;

    /// Returns whether the interval is so wide that the figure should not be ranked.
    pub fn is_wide(&self) -> bool {
        self.high > self.low * Estimate::MAX_RATIO
    }

    /// Returns whether the intervals of two figures have a point in common.
    pub fn overlaps(&self, other: &Estimate) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// What one launch contributed to a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// The number of the launch, from 0.
    pub launch: usize,
    /// The lower quartile of the time per message over its slices.
    pub time_ns: f64,
    /// The number of its slices.
    pub slices: usize,
    /// The time to build both endpoints.
    pub setup_us: Option<f64>,
    /// The time of a cache line there and back, measured before and after the launch.
    pub hand_over_ns: Option<f64>,
    /// The percentiles over the samples of this launch, and its CPU time.
    #[serde(flatten)]
    pub figures: LaunchFigures,
}

/// Figures of one launch, from which the intervals of the same figures of the row follow. All are
/// null in files of older versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LaunchFigures {
    /// The median sample; null in a stream, as the other percentiles are.
    pub p50_ns: Option<f64>,
    /// The 90th percentile.
    pub p90_ns: Option<f64>,
    /// The 99th percentile.
    pub p99_ns: Option<f64>,
    /// The 99.9th percentile.
    pub p999_ns: Option<f64>,
    /// CPU time of both processes together.
    pub cpu_ns_per_message: Option<f64>,
}

/// The figures of one mechanism under one set of conditions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Id of the mechanism or limit.
    pub mechanism: String,
    /// The code under measurement.
    pub implementation: Implementation,
    /// The workload.
    pub workload: Workload,
    /// What distinguishes rows that are otherwise alike, such as the slots of a channel. Null where
    /// nothing needs to be distinguished.
    pub variant: Option<String>,
    /// Bytes in a message; zero for limits that only hand over the turn.
    pub size: usize,
    /// How the receiver waits.
    pub waiting: Waiting,
    /// Where the processes ran; null for workloads of a single process.
    pub placement: Option<Placement>,
    /// How far apart the two cores were. Launches of different distances are in different rows.
    /// Null unless the processes ran on two cores.
    pub distance: Option<Distance>,
    /// The number of samples behind the percentiles; in a stream the number of slices.
    pub samples: u64,
    /// The time per message, by which rows are ranked: the lower quartile over the launches.
    pub time_ns: Option<Estimate>,
    /// The median sample. This and the other percentiles are over the samples of all launches.
    pub p50_ns: Option<f64>,
    /// The 90th percentile.
    pub p90_ns: Option<f64>,
    /// The 99th percentile.
    pub p99_ns: Option<f64>,
    /// The 99.9th percentile.
    pub p999_ns: Option<f64>,
    /// The longest sample.
    pub max_ns: Option<f64>,
    /// The whole distribution, in about 40 steps: pairs of a percentile and its nanoseconds. Empty
    /// in a stream.
    pub percentiles: Vec<(f64, f64)>,
    /// Messages per second, from `time_ns`; a round trip counts as one message.
    pub messages_per_s: Option<f64>,
    /// The same in bytes, one way.
    pub bytes_per_s: Option<f64>,
    /// CPU time of both processes together.
    pub cpu_ns_per_message: Option<f64>,
    /// Context switches, voluntary and involuntary, of both processes together.
    pub switches_per_message: Option<f64>,
    /// The time to build both endpoints, median over the launches.
    pub setup_us: Option<f64>,
    /// This row's time relative to the baseline's: the median over the launches of the ratio of
    /// both lower quartiles. Null except for the library.
    pub ratio_to_baseline: Option<Estimate>,
    /// Whether the baseline gives the same guarantees. False for channels, whose baseline is a
    /// naive ring, which neither checks nor recovers; null except for the library.
    pub equal_baseline: Option<bool>,
    /// For locks: this row's time relative to that of a process-shared, non-robust pthread mutex,
    /// over pairs of neighbouring slices. Null for that mutex itself.
    pub ratio_to_plain: Option<Estimate>,
    /// For other crates: this row's time relative to the library's, over slices of the same round.
    pub ratio_to_library: Option<Estimate>,
    /// The time per message relative to that of the fitting limit.
    pub ratio_to_limit: Option<f64>,
    /// The number of slice pairs behind `ratio_to_baseline`.
    pub ratio_pairs: usize,
    /// The part of the CPU time that was spent in the kernel.
    pub system_ns_per_message: Option<f64>,
    /// System calls of both processes together, counted under `ptrace(2)` in processes in which
    /// nothing is timed. Null if that is refused or fails, which a note explains. The figure is
    /// exact if every message takes the same calls. Where the calls depend on timing it is an
    /// example, since tracing slows processes down. In `rate` one of them is the sender's sleep
    /// until the message is due.
    pub syscalls_per_message: Option<f64>,
    /// How many bytes the kernel may hold for the connection, summed over the descriptors that
    /// building it added. A pipe or FIFO counts with its capacity (`F_GETPIPE_SZ`), a socket with
    /// both buffers (`SO_SNDBUF` and `SO_RCVBUF`). A file in memory (tmpfs or hugetlbfs) counts
    /// with its length (`st_size`). Each inode counts once. Null if no such descriptor was added; a
    /// mapping whose descriptor is closed does not count.
    pub memory_bytes: Option<u64>,
    /// Messages per sample.
    pub batch: u64,
    /// Single samples, if `batch` is more than one.
    pub single: Option<Percentiles>,
    /// The launches one by one, in order.
    pub launches: Vec<Launch>,
    /// Whether the interval of `time_ns` is so wide that the row should not be ranked: its ends
    /// differ by more than 50 %.
    pub noisy: bool,
    /// Messages per second of the schedule.
    pub rate_per_s: Option<f64>,
    /// In `peer_death`: how long a blocked call was watched that did not return; its row has no
    /// time. Null if every call returned.
    pub timeout_ns: Option<f64>,
}

impl Row {
    /// Returns the id of this row, such as `channel/round_trip/64`. The benches use the same ids.
    ///
    /// Rows of different placements and distances share an id.
    pub fn id(&self) -> String {
        let suffix = self.implementation.suffix();
        format!("{}{suffix}/{}/{}", self.mechanism, self.workload.name(), self.size)
    }
}

/// A row that could not be measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// Id of the mechanism or limit.
    pub mechanism: String,
    /// The code under measurement.
    pub implementation: Implementation,
    /// The workload.
    pub workload: Workload,
    /// Bytes in a message.
    pub size: usize,
    /// Where the processes ran.
    pub placement: Option<Placement>,
    /// The reason.
    pub message: String,
}
