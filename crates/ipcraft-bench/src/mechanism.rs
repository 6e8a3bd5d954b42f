//! What describes a mechanism: its name, its abilities and its implementations.

use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::link::Endpoints;
use crate::placement::Placement;
use crate::results::Description;
use crate::workload::Workload;

/// Builds both endpoints of a connection. Names in the file system are created in the given
/// directory and unlinked before the call returns.
pub type Connect = fn(&Path) -> io::Result<Endpoints>;

/// The code under measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Implementation {
    /// The library. TCP and UDP are not in the library, so there it is the standard library.
    Ipcraft,
    /// The same program written directly on libc, with equal guarantees.
    Baseline,
    /// A process-shared, non-robust pthread mutex: the cheapest lock, to which each lock is
    /// compared.
    Plain,
    /// A limit of the machine, which bounds all mechanisms.
    Limit,
    /// Another crate, in comparisons with the library.
    Peer,
}

impl Implementation {
    /// Returns what distinguishes the implementation in ids: `pipe_baseline` is the baseline of
    /// `pipe`.
    pub fn suffix(self) -> &'static str {
        match self {
            Implementation::Baseline => "_baseline",
            Implementation::Plain => "_plain",
            Implementation::Ipcraft | Implementation::Limit | Implementation::Peer => "",
        }
    }
}

/// How a receiver waits for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// Blocks in the kernel.
    Block,
    /// Busy-waits.
    Spin,
    /// Spins briefly if the sender has its own core, then blocks.
    Adaptive,
}

/// What a mechanism promises about delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// Every message is delivered, in order.
    EveryMessage,
    /// A new value replaces one that is not yet received.
    NewestValue,
    /// A message may be lost.
    BestEffort,
}

/// One way to communicate between two processes, or a limit.
#[derive(Debug)]
pub struct Mechanism {
    /// The name in results, on command lines and in bench ids.
    pub id: &'static str,
    /// A description of one line.
    pub summary: &'static str,
    /// The group in charts, such as `socket`.
    pub family: &'static str,
    /// How the receivers wait.
    pub waiting: Waiting,
    /// The workloads that the mechanism supports.
    pub workloads: &'static [Workload],
    /// The placements in which a measurement is meaningful.
    pub placements: &'static [Placement],
    /// The message sizes that the mechanism carries on this machine.
    pub sizes: fn() -> RangeInclusive<usize>,
    /// The bytes that may be in flight without an acknowledgement, the kernel's bookkeeping
    /// included. Set where the kernel drops messages that do not fit, and where it buffers
    /// megabytes: there a slice would measure the filling and draining of buffers.
    pub in_flight: Option<usize>,
    /// What the mechanism promises about delivery.
    pub promise: Promise,
    /// Whether the receiver has a descriptor for poll(2).
    pub pollable: bool,
    /// What the choice of this mechanism gives up, as a phrase; empty if nothing worth naming.
    pub gives_up: &'static str,
    /// Whether an idle-priority spinner keeps every core awake during the measurement.
    pub keep_cores_awake: bool,
    /// Whether the baseline gives the same guarantees, so that the ratio to it is the price of the
    /// library. The baseline of a channel is a naive ring, which neither checks nor recovers.
    pub equal_baseline: bool,
    /// The implementations, and how each builds a connection.
    pub implementations: &'static [(Implementation, Connect)],
}

impl Mechanism {
    /// What most mechanisms have in common; a registration states only the differences.
    pub(crate) const BLOCKING: Mechanism = Mechanism {
        id: "",
        summary: "",
        family: "",
        waiting: Waiting::Block,
        workloads: Workload::MESSAGES,
        placements: Placement::ALL,
        sizes: any_size,
        in_flight: None,
        promise: Promise::EveryMessage,
        pollable: false,
        gives_up: "",
        keep_cores_awake: false,
        equal_baseline: true,
        implementations: &[],
    };

    /// What most locks have in common.
    pub(crate) const LOCK: Mechanism =
        Mechanism { family: "lock", workloads: Workload::LOCKS, sizes: || 0..=0, ..Mechanism::BLOCKING };

    /// What the limits have in common.
    pub(crate) const LIMIT: Mechanism = Mechanism { family: "limit", ..Mechanism::BLOCKING };

    /// Describes the mechanism for readers of the results.
    pub fn description(&self) -> Description {
        Description {
            id: self.id.into(),
            summary: self.summary.into(),
            family: self.family.into(),
            waiting: self.waiting,
            promise: self.promise,
            pollable: self.pollable,
            gives_up: self.gives_up.into(),
        }
    }

    /// Returns the constructor of one implementation.
    pub fn connect(&self, implementation: Implementation) -> Option<Connect> {
        let found = self.implementations.iter().find(|(known, _)| *known == implementation);
        found.map(|(_, connect)| *connect)
    }

    /// Returns the number of messages that share an acknowledgement. Two such windows may be in
    /// flight. A window is a small part of a slice, yet large enough that acknowledgements cost
    /// little.
    pub fn window(&self, size: usize) -> Option<u64> {
        const BOOKKEEPING_BYTES: usize = 1 << 10;
        const MAX_MESSAGES: usize = 64;
        let window = |bytes: usize| (bytes / 2 / (size + BOOKKEEPING_BYTES)).clamp(1, MAX_MESSAGES) as u64;
        self.in_flight.map(window)
    }

    /// Returns the size closest to `size` that the mechanism carries.
    pub fn nearest_size(&self, size: usize) -> usize {
        let sizes = (self.sizes)();
        size.clamp(*sizes.start(), *sizes.end())
    }
}

/// A byte stream splits messages anywhere; the gibibyte only guards against mistakes.
fn any_size() -> RangeInclusive<usize> {
    1..=1 << 30
}
