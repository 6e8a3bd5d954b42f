//! What describes a scenario and its competitors.

use ipcraft_bench::{Placement, Role};

use crate::harness::Harness;
use crate::message::Result;
use crate::work::Task;

/// The variant of a scenario with messages of varying size.
pub(crate) const VARYING: &str = "records of 1 to 64 B";

/// One table.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// The name on command lines.
    pub(crate) id: &'static str,
    /// The heading of its table.
    pub(crate) title: &'static str,
    pub(crate) task: Task,
    /// Bytes in a message.
    pub(crate) size: usize,
    pub(crate) placement: Placement,
    /// What distinguishes its rows from those of other scenarios of the same task and size.
    pub(crate) variant: Option<&'static str>,
    /// The first one is the reference of all ratios.
    pub(crate) competitors: &'static [Competitor],
}

impl Scenario {
    /// Returns whether every message has the same size, which is not zero.
    pub(crate) fn has_bandwidth(&self) -> bool {
        self.size > 0 && self.variant != Some(VARYING)
    }
}

/// One implementation that is measured in a scenario.
#[derive(Debug)]
pub(crate) struct Competitor {
    /// The mechanism's id in results. [`mechanisms`](crate::mechanisms) describes it.
    pub(crate) id: &'static str,
    /// How it is used here, if the scenario contains several uses.
    pub(crate) variant: Option<&'static str>,
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
        Competitor { id, variant: None, layout: Layout::Processes, run }
    }

    pub(crate) const fn threads(id: &'static str, run: Run) -> Competitor {
        Competitor { id, variant: None, layout: Layout::Threads, run }
    }

    pub(crate) const fn single(id: &'static str, run: Run) -> Competitor {
        Competitor { id, variant: None, layout: Layout::Single, run }
    }

    /// Returns the competitor in another use.
    pub(crate) const fn variant(self, variant: &'static str) -> Competitor {
        Competitor { variant: Some(variant), ..self }
    }

    /// Returns the name in tables and on command lines, unique in a scenario.
    pub(crate) fn label(&self) -> String {
        self.variant.map_or_else(|| self.id.to_owned(), |variant| format!("{}, {variant}", self.id))
    }
}

/// The endpoints of one side.
pub(crate) enum Side<S, R> {
    /// The client's: it created the object.
    Sender(S),
    /// The server's: it opened the object.
    Receiver(R),
}

impl Harness {
    /// Creates the object and its sending endpoint on the client's side, and opens the receiving
    /// one on the server's.
    pub(crate) fn connect<S, R>(
        &mut self,
        create: impl FnOnce(&mut Harness) -> Result<S>,
        open: impl FnOnce(&mut Harness) -> Result<R>,
    ) -> Result<Side<S, R>> {
        match self.role() {
            Role::Client => {
                let sender = create(self)?;
                self.exchange("created")?;
                self.exchange("")?;
                Ok(Side::Sender(sender))
            }
            Role::Server => {
                self.exchange("")?;
                let receiver = open(self)?;
                self.exchange("opened")?;
                Ok(Side::Receiver(receiver))
            }
        }
    }

    /// Creates one object on each side and opens that of the other side.
    pub(crate) fn connect_both<S, R>(
        &mut self,
        create: impl FnOnce(&mut Harness, &str) -> Result<S>,
        open: impl FnOnce(&mut Harness, &str) -> Result<R>,
    ) -> Result<(S, R)> {
        let (mine, theirs) = match self.role() {
            Role::Client => ("there", "back"),
            Role::Server => ("back", "there"),
        };
        let out = create(self, mine)?;
        self.exchange("created")?;
        let back = open(self, theirs)?;
        self.exchange("connected")?;
        Ok((out, back))
    }

    /// Kills the sender while the receiver is blocked in a call.
    pub(crate) fn receiver_outlives<S, R>(
        &mut self,
        side: Side<S, R>,
        mut blocking: impl FnMut(&mut R) -> Result<()>,
    ) -> Result<()> {
        match side {
            Side::Sender(sender) => self.be_killed(sender),
            Side::Receiver(mut receiver) => self.outlive(|| blocking(&mut receiver)),
        }
    }

    /// Kills the receiver while the sender is blocked in a call, since the channel is full.
    pub(crate) fn sender_outlives<S, R>(
        &mut self,
        side: Side<S, R>,
        mut blocking: impl FnMut(&mut S) -> Result<()>,
    ) -> Result<()> {
        match side {
            Side::Sender(mut sender) => self.outlive(|| blocking(&mut sender)),
            Side::Receiver(receiver) => self.be_killed(receiver),
        }
    }
}
