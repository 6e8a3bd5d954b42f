//! The results of a run, as they are written to JSON. A figure that does not apply is null.

mod environment;
mod row;

use serde::{Deserialize, Serialize};

use crate::mechanism::{Promise, Waiting};

pub use environment::{Distance, Environment, HandOver, HeatMap, Topology};
pub use row::{Estimate, Launch, LaunchFigures, Percentiles, Row, RowError};

/// The version of the format. It changes when a reader of the former one would be wrong.
pub const SCHEMA: u32 = 1;

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The version of the format: [`SCHEMA`].
    pub schema: u32,
    /// Version of ipcraft.
    pub ipcraft: String,
    /// The command line of the run.
    pub command: Vec<String>,
    /// The name that was given to the run.
    pub label: Option<String>,
    /// The conditions.
    pub environment: Environment,
    /// How far apart the cores were.
    pub topology: Topology,
    /// What the mechanisms in the rows are.
    pub mechanisms: Vec<Description>,
    /// One row per mechanism, implementation, workload, size, placement and distance, and the
    /// limits.
    pub results: Vec<Row>,
    /// What could not be measured, and why.
    pub errors: Vec<RowError>,
    /// False when the run was stopped before its end.
    pub complete: bool,
}

/// What a mechanism is and promises, for readers of the results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The id in rows.
    pub id: String,
    /// A description of one line.
    pub summary: String,
    /// The group in charts: `channel`, `pipe`, `socket`, `queue`, `memory`, `signal`, `lock`,
    /// `inet`, `limit`, or the name of another crate.
    pub family: String,
    /// How the receiver waits.
    pub waiting: Waiting,
    /// What is promised about delivery.
    pub promise: Promise,
    /// Whether the receiver has a descriptor for poll(2).
    pub pollable: bool,
    /// What the choice of this mechanism gives up, as a phrase; empty if nothing worth naming.
    pub gives_up: String,
}
