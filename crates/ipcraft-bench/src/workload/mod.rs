//! The work of one slice, on either side.

mod call;
mod checked_link;
mod contended;
mod payload;
mod rate;
mod round_trip;
mod stream;
mod usage;
mod windowed;

use std::io;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::link::{Link, Role};

pub use usage::Usage;

/// What the two processes do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// The client sends, the server replies with as many bytes; the client times every round trip.
    RoundTrip,
    /// The client sends as fast as the server receives; timed at the receiver, within a longer
    /// stream.
    Stream,
    /// The client sends on a schedule; the receiver times each message from when it was due.
    Rate,
    /// One process repeats one operation; only limits do so.
    Call,
    /// One process repeatedly locks and unlocks, without contention.
    Uncontended,
    /// Two processes repeatedly lock and unlock the same lock.
    Contended,
    /// One process builds a connection and sends the first message; only comparisons with other
    /// crates do so.
    SetUp,
    /// A process is killed while its peer is blocked; the time until the blocked call returns. Only
    /// comparisons with other crates do so.
    PeerDeath,
}

impl Workload {
    /// The workloads that can be requested. [`Workload::Call`] belongs to the limits;
    /// [`Workload::SetUp`] and [`Workload::PeerDeath`] to comparisons with other crates.
    pub const ALL: &'static [Workload] =
        &[Workload::RoundTrip, Workload::Stream, Workload::Rate, Workload::Uncontended, Workload::Contended];

    /// The workloads of a mechanism that carries messages.
    pub const MESSAGES: &'static [Workload] = &[Workload::RoundTrip, Workload::Stream, Workload::Rate];

    /// The workloads of a lock.
    pub const LOCKS: &'static [Workload] = &[Workload::Uncontended, Workload::Contended];

    /// Returns the name used in results and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Workload::RoundTrip => "round_trip",
            Workload::Stream => "stream",
            Workload::Rate => "rate",
            Workload::Call => "call",
            Workload::Uncontended => "uncontended",
            Workload::Contended => "contended",
            Workload::SetUp => "set_up",
            Workload::PeerDeath => "peer_death",
        }
    }

    /// Returns whether the client does all the work.
    pub(crate) fn is_single(self) -> bool {
        matches!(self, Workload::Call | Workload::Uncontended)
    }

    /// Returns whether both sides know when it begins and how long it lasts.
    pub(crate) fn is_scheduled(self) -> bool {
        matches!(self, Workload::Rate | Workload::Contended)
    }
}

/// A short piece of one measurement, requested from both peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// The workload.
    pub workload: Workload,
    /// Bytes in a message.
    pub size: usize,
    /// Untimed messages at the start, the first of which are checked in every byte.
    pub warm_up: u64,
    /// Counted messages, a multiple of `batch`.
    pub messages: u64,
    /// Messages per sample: more than one if a message takes little longer than reading the clock.
    pub batch: u64,
    /// Round trips that are timed one by one beside the batches.
    pub singles: u64,
    /// Messages per acknowledgement, if the mechanism needs flow control.
    pub window: Option<u64>,
    /// For [`Workload::Rate`]: when the first message is due, on the monotonic clock. For
    /// [`Workload::Contended`]: when both sides begin. Set by [`Pair::run`](crate::Pair::run).
    pub start_ns: u64,
    /// For [`Workload::Rate`]: the time between messages. [`Workload::Contended`] lasts `messages`
    /// times this long.
    pub interval_ns: u64,
}

impl Slice {
    /// Returns a slice of `messages` messages with a short warm-up, in which each message is a
    /// sample.
    pub fn new(workload: Workload, size: usize, messages: u64) -> Slice {
        Slice {
            workload,
            size,
            warm_up: 2,
            messages,
            batch: 1,
            singles: 0,
            window: None,
            start_ns: 0,
            interval_ns: 0,
        }
    }

    /// Returns the slice with a start time that is after both peers have received the request.
    pub(crate) fn scheduled(&self) -> Slice {
        const MAX_DELIVERY_NS: u64 = 2_000_000;
        Slice { start_ns: clock::now() + MAX_DELIVERY_NS, ..self.clone() }
    }
}

/// The report of one peer on one slice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Nanoseconds of each batch; empty in a stream and on the side that measures no time.
    pub samples: Vec<u64>,
    /// Nanoseconds of the messages that were timed one by one.
    pub singles: Vec<u64>,
    /// The time of all counted messages; zero on the side that measures no time.
    pub elapsed_ns: u64,
    /// What the peer's process used in that time.
    pub usage: Usage,
    /// The number of operations, if the slice only determines the time.
    pub done: Option<u64>,
}

impl Report {
    /// Joins the reports of both sides.
    pub(crate) fn merge(mut self, other: Report) -> Report {
        self.samples.extend(other.samples);
        self.singles.extend(other.singles);
        self.elapsed_ns = self.elapsed_ns.max(other.elapsed_ns);
        self.usage += other.usage;
        self.done = self.done.map(|done| done + other.done.unwrap_or(0));
        self
    }

    /// Returns the number of counted messages.
    pub(crate) fn messages(&self, slice: &Slice) -> u64 {
        self.done.unwrap_or(slice.messages)
    }
}

/// Runs one side of a slice.
pub(crate) fn run(role: Role, link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    match (slice.workload, role) {
        (Workload::RoundTrip, Role::Client) => round_trip::ask(link, slice),
        (Workload::RoundTrip, Role::Server) => round_trip::answer(link, slice),
        (Workload::Stream, Role::Client) => stream::send(link, slice),
        (Workload::Stream, Role::Server) => stream::recv(link, slice),
        (Workload::Rate, Role::Client) => rate::send(link, slice),
        (Workload::Rate, Role::Server) => rate::recv(link, slice),
        (Workload::Call | Workload::Uncontended, Role::Client) => call::repeat(link, slice),
        (Workload::Call | Workload::Uncontended, Role::Server) => Ok(Report::default()),
        (Workload::Contended, Role::Client | Role::Server) => contended::compete(link, slice),
        (Workload::SetUp | Workload::PeerDeath, _) => {
            let name = slice.workload.name();
            Err(io::Error::other(format!("the engine has no workload {name}; it belongs to comparisons")))
        }
    }
}
