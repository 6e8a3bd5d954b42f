//! The results of a run, as they are written to JSON. A figure that does not apply is null.

use serde::{Deserialize, Serialize};

use crate::mechanism::{Implementation, Waiting};
use crate::placement::Placement;
use crate::workload::Workload;

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Version of ipcraft.
    pub ipcraft: String,
    /// The conditions.
    pub environment: Environment,
    /// One row per mechanism, implementation, workload, size and placement, and the limits.
    pub results: Vec<Row>,
    /// What could not be measured, and why.
    pub errors: Vec<RowError>,
    /// False when the run was stopped before its end.
    pub complete: bool,
}

/// The machine and its state during the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Start of the run, UTC, ISO 8601.
    pub date: String,
    /// Kernel name and release.
    pub kernel: String,
    /// CPU architecture.
    pub architecture: String,
    /// CPU model.
    pub cpu: String,
    /// CPUs online.
    pub cores_online: usize,
    /// CPUs that this process may use.
    pub cores_allowed: usize,
    /// The cores of client and server; shorter if there is only one or none is known.
    pub cores_used: Vec<usize>,
    /// Whether this is a virtual machine; null if unknown.
    pub virtualised: Option<bool>,
    /// Whether every process was bound to its core.
    pub pinned: bool,
    /// The frequency governor, if there is one.
    pub governor: Option<String>,
    /// The cost of reading the clock once; every sample contains one reading.
    pub clock_cost_ns: f64,
    /// Load average over one minute at the start.
    pub load_average: Option<f64>,
    /// Time that the hypervisor did not run this machine during the run.
    pub steal_ms: Option<u64>,
    /// Wall-clock time of the run.
    pub duration_s: f64,
    /// Further conditions that affect the figures.
    pub notes: Vec<String>,
}

/// Percentiles of single samples, beside a row whose samples are batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are self-explanatory")]
pub struct Percentiles {
    pub samples: u64,
    pub p50_ns: u64,
    pub p90_ns: u64,
    pub p99_ns: u64,
    pub p999_ns: u64,
    pub max_ns: u64,
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
    /// Bytes in a message; zero for limits that only hand over the turn.
    pub size: usize,
    /// How the receiver waits.
    pub waiting: Waiting,
    /// Where the processes ran; null for workloads of a single process.
    pub placement: Option<Placement>,
    /// The number of samples behind the percentiles; in a stream the number of slices.
    pub samples: u64,
    /// The median sample.
    pub p50_ns: Option<u64>,
    /// The 90th percentile.
    pub p90_ns: Option<u64>,
    /// The 99th percentile.
    pub p99_ns: Option<u64>,
    /// The 99.9th percentile.
    pub p999_ns: Option<u64>,
    /// The longest sample.
    pub max_ns: Option<u64>,
    /// Messages per second in the median slice; a round trip counts as one message.
    pub messages_per_s: Option<f64>,
    /// The same in bytes, one way.
    pub bytes_per_s: Option<f64>,
    /// CPU time of both processes together.
    pub cpu_ns_per_message: Option<f64>,
    /// Context switches, voluntary and involuntary, of both processes together.
    pub switches_per_message: Option<f64>,
    /// The time to build both endpoints, median over the launches.
    pub setup_us: Option<f64>,
    /// This row's time relative to the baseline's: median over pairs of neighbouring slices. Null
    /// except for the library.
    pub ratio_to_baseline: Option<f64>,
    /// The interquartile range of those ratios.
    pub ratio_to_baseline_spread: Option<f64>,
    /// Whether the baseline gives the same guarantees. False for channels, whose baseline is a
    /// naive ring, which neither checks nor recovers; null except for the library.
    pub equal_baseline: Option<bool>,
    /// For locks: this row's time relative to that of a process-shared, non-robust pthread mutex,
    /// median over neighbouring slices. Null for that mutex itself.
    pub ratio_to_plain: Option<f64>,
    /// The interquartile range of those ratios.
    pub ratio_to_plain_spread: Option<f64>,
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
    /// The median time per message of each launch.
    pub launch_medians_ns: Vec<f64>,
    /// Whether the medians of the launches differ by more than 50 %.
    pub noisy: bool,
    /// Messages per second of the schedule.
    pub rate_per_s: Option<f64>,
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
