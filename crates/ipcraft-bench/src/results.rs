//! What a run found, as it is written to JSON. A figure that does not apply is null.

use serde::{Deserialize, Serialize};

use crate::placement::Placement;
use crate::registry::{Implementation, Waiting};
use crate::workload::Workload;

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Version of ipcraft.
    pub ipcraft: String,
    /// The conditions.
    pub environment: Environment,
    /// One row per mechanism, implementation, workload, size and placement, and the floors.
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
    /// Processor architecture.
    pub architecture: String,
    /// Processor model.
    pub cpu: String,
    /// Processors online.
    pub cores_online: usize,
    /// Processors that this process may use.
    pub cores_allowed: usize,
    /// The cores of client and server with two cores; shorter when there is only one or none is known.
    pub cores_used: Vec<usize>,
    /// Whether this is a virtual machine; null when it cannot be told.
    pub virtualised: Option<bool>,
    /// Whether every process was bound to its core.
    pub pinned: bool,
    /// Frequency governor, where there is one.
    pub governor: Option<String>,
    /// What one reading of the clock costs; every sample contains one.
    pub clock_cost_ns: f64,
    /// Load average over one minute at the start.
    pub load_average: Option<f64>,
    /// Time that a hypervisor took away from this machine during the run.
    pub steal_ms: Option<u64>,
    /// Wall-clock time of the run.
    pub duration_s: f64,
    /// What a reader has to know besides.
    pub notes: Vec<String>,
}

/// Percentiles of single samples, beside a row whose samples are batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
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
    /// Id of the mechanism or floor.
    pub mechanism: String,
    /// Who wrote it.
    pub implementation: Implementation,
    /// What was done.
    pub workload: Workload,
    /// Bytes in a message; zero for floors in which nothing but the turn travels.
    pub size: usize,
    /// How the receiver waits.
    pub waiting: Waiting,
    /// Where the processes ran; null for floors of a single process.
    pub placement: Option<Placement>,
    /// Number of samples that the percentiles stand on; in a stream the number of slices.
    pub samples: u64,
    /// Half of the samples took no longer.
    pub p50_ns: Option<u64>,
    /// Nine in ten took no longer.
    pub p90_ns: Option<u64>,
    /// All but one in a hundred took no longer.
    pub p99_ns: Option<u64>,
    /// All but one in a thousand took no longer.
    pub p999_ns: Option<u64>,
    /// The longest of all.
    pub max_ns: Option<u64>,
    /// Messages per second in the median slice; in a round trip both ways count as one message.
    pub messages_per_s: Option<f64>,
    /// The same in bytes, one way.
    pub bytes_per_s: Option<f64>,
    /// CPU time of both processes together.
    pub cpu_ns_per_message: Option<f64>,
    /// Context switches, voluntary and involuntary, of both processes together.
    pub switches_per_message: Option<f64>,
    /// Building both ends, median over the launches.
    pub setup_us: Option<f64>,
    /// Median over pairs of neighbouring slices of this row's time to the raw twin's; null for the twin itself.
    pub ratio_to_raw: Option<f64>,
    /// Distance between the quartiles of those ratios.
    pub ratio_spread: Option<f64>,
    /// Median over slices side by side of this row's time to that of the C library's plain mutex between processes, for locks;
    /// null for that one itself.
    pub ratio_to_plain: Option<f64>,
    /// Distance between the quartiles of those ratios.
    pub ratio_to_plain_spread: Option<f64>,
    /// Time per message to that of the fitting floor.
    pub ratio_to_floor: Option<f64>,
    /// Number of slice pairs behind `ratio_to_raw`.
    pub ratio_pairs: usize,
    /// The part of the CPU time that was spent in the kernel.
    pub system_ns_per_message: Option<f64>,
    /// System calls of both processes together, counted under `ptrace(2)` in processes of their own, which nothing is timed in;
    /// null where that is refused or fails, which the notes say. It slows them down, so the figure is exact where every message
    /// takes the same calls, and an example where that depends on who comes first. In `rate` one of them is the sender's sleep
    /// until the message is due.
    pub syscalls_per_message: Option<f64>,
    /// What the kernel may hold for the connection: over the descriptors that building both ends added, the capacity of each
    /// pipe or FIFO (`F_GETPIPE_SZ`), both buffers of each socket (`SO_SNDBUF` and `SO_RCVBUF`, as the kernel counts them) and the
    /// length of each file in memory (tmpfs or hugetlbfs, `st_size`), each inode once and nothing else. Null when none of
    /// them is among the descriptors: a mapping whose descriptor is closed, for one, does not show.
    pub memory_bytes: Option<u64>,
    /// Messages per sample.
    pub batch: u64,
    /// Single samples, where `batch` is more than one.
    pub single: Option<Percentiles>,
    /// Median time per message of each launch.
    pub launch_medians_ns: Vec<f64>,
    /// True when the launches disagree: believe neither.
    pub disturbed: bool,
    /// Messages per second of the schedule.
    pub rate_per_s: Option<f64>,
}

/// A row that could not be measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// Id of the mechanism or floor.
    pub mechanism: String,
    /// Who wrote it.
    pub implementation: Implementation,
    /// What was being done.
    pub workload: Workload,
    /// Bytes in a message.
    pub size: usize,
    /// Where the processes ran.
    pub placement: Option<Placement>,
    /// What happened.
    pub message: String,
}
