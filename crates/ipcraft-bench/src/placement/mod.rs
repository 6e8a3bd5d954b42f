//! The core that each of the two processes runs on.

mod cores;
mod list;
mod topology;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

pub use cores::Cores;

/// Where the two processes of a connection run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Each on its own core.
    TwoCores,
    /// Both on one core.
    SameCore,
}

impl Placement {
    /// All placements.
    pub const ALL: &'static [Placement] = &[Placement::TwoCores, Placement::SameCore];

    /// Returns the name used in results and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Placement::TwoCores => "two_cores",
            Placement::SameCore => "same_core",
        }
    }
}

/// The cores of the two processes of one connection. `None` leaves the choice to the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuPair {
    /// Core of the client.
    pub client: Option<usize>,
    /// Core of the server.
    pub server: Option<usize>,
}

/// Binds the calling thread to a core (`sched_setaffinity(2)`). Returns false if the kernel
/// refuses.
pub fn pin(core: usize) -> bool {
    let mut set = CpuSet::new();
    set.set(core).is_ok() && sched_setaffinity(Pid::from_raw(0), &set).is_ok()
}
