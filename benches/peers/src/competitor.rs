//! What describes a scenario and its competitors.

use ipcraft_bench::Placement;

use crate::harness::Harness;
use crate::message::Result;
use crate::work::Task;

/// One table.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// The name on command lines and in JSON.
    pub(crate) id: &'static str,
    /// The heading of its table.
    pub(crate) title: &'static str,
    pub(crate) task: Task,
    /// Bytes in a message.
    pub(crate) size: usize,
    pub(crate) placement: Placement,
    /// The first one is the reference of all ratios.
    pub(crate) competitors: &'static [Competitor],
}

/// One implementation that is measured in a scenario.
#[derive(Debug)]
pub(crate) struct Competitor {
    /// Unique in its scenario.
    pub(crate) id: &'static str,
    pub(crate) layout: Layout,
    pub(crate) run: Run,
}

/// Creates the endpoints and runs slices until the supervisor ends the session.
pub(crate) type Run = fn(&mut Harness) -> Result<()>;

/// How the two sides are distributed over processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// A process for each side.
    Processes,
    /// A thread for each side, in one process.
    Threads,
    /// One process that does everything.
    Single,
}

impl Competitor {
    pub(crate) const fn processes(id: &'static str, run: Run) -> Competitor {
        Competitor { id, layout: Layout::Processes, run }
    }

    pub(crate) const fn threads(id: &'static str, run: Run) -> Competitor {
        Competitor { id, layout: Layout::Threads, run }
    }

    pub(crate) const fn single(id: &'static str, run: Run) -> Competitor {
        Competitor { id, layout: Layout::Single, run }
    }
}
