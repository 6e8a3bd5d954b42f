//! The conditions of a run.

use serde::{Deserialize, Serialize};

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
    /// Conditions that make the figures worse or less certain, the most important first.
    pub warnings: Vec<String>,
    /// What was left out, and other conditions that affect the figures.
    pub notes: Vec<String>,
}

/// How far apart the cores of the two processes were, measured in the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Topology {
    /// The hand-overs of a cache line that were measured beside the launches, in order. One entry
    /// is the mean of those before and after one mechanism. If these two have different distances,
    /// there is an entry for each.
    pub hand_overs: Vec<HandOver>,
    /// Figures of every pair of cores; empty unless they were requested.
    pub heat_maps: Vec<HeatMap>,
}

/// One measurement of a cache line that travels between two cores and back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandOver {
    /// The launch beside which it was measured, from 0.
    pub launch: usize,
    /// The cores of client and server.
    pub cores: [usize; 2],
    /// The time there and back, in nanoseconds: the lower quartile of short batches.
    pub ns: f64,
    /// The distance that follows from the time.
    pub distance: Distance,
}

/// How far apart two cores are, by the time that a cache line takes there and back.
///
/// On a virtual machine the same two cores may be near in one launch and apart in the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// Hardware threads of one core, or cores that share a cache.
    Near,
    /// Cores that share no cache.
    Apart,
}

impl Distance {
    /// Returns the name used in results.
    pub fn name(self) -> &'static str {
        match self {
            Distance::Near => "near",
            Distance::Apart => "apart",
        }
    }
}

/// One figure for every pair of cores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatMap {
    /// Id of the mechanism or limit; its figure is the median round trip.
    pub mechanism: String,
    /// The cores, in the order of rows and columns.
    pub cores: Vec<usize>,
    /// The nanoseconds by client and server. Null on the diagonal, and where the measurement
    /// failed.
    pub ns: Vec<Vec<Option<f64>>>,
}
