//! What the two processes do: the work of one slice, on either side.

mod call;
mod contended;
mod exchange;
mod flow;
mod rate;
mod round_trip;
mod stream;
mod usage;

use std::io;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::link::Link;
use crate::peer::Role;

pub use usage::Usage;

/// What is done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// The client sends, the server answers with as much, and so on; the client times every round trip.
    RoundTrip,
    /// The client sends as fast as the server takes; timed at the receiver, in the middle of a longer flow.
    Stream,
    /// The client sends on a schedule; the receiver times each message from when it was due, not from when it was sent.
    Rate,
    /// One process repeats one operation; only floors do that.
    Call,
    /// One process takes a lock and gives it back, again and again, and nobody else wants it.
    Uncontended,
    /// Two processes do so with the same lock.
    Contended,
}

impl Workload {
    /// What can be asked for; [`Workload::Call`] belongs to the floors.
    pub const ALL: &'static [Workload] =
        &[Workload::RoundTrip, Workload::Stream, Workload::Rate, Workload::Uncontended, Workload::Contended];

    /// What can be asked of something that carries messages.
    pub const MESSAGES: &'static [Workload] = &[Workload::RoundTrip, Workload::Stream, Workload::Rate];

    /// What can be asked of a lock.
    pub const LOCKS: &'static [Workload] = &[Workload::Uncontended, Workload::Contended];

    /// The name used in results and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Workload::RoundTrip => "round_trip",
            Workload::Stream => "stream",
            Workload::Rate => "rate",
            Workload::Call => "call",
            Workload::Uncontended => "uncontended",
            Workload::Contended => "contended",
        }
    }

    /// Whether one process does it, and the other one nothing.
    pub(crate) fn is_alone(self) -> bool {
        matches!(self, Workload::Call | Workload::Uncontended)
    }

    /// Whether it begins at a time that both sides know, and lasts as long as they were told.
    pub(crate) fn is_scheduled(self) -> bool {
        matches!(self, Workload::Rate | Workload::Contended)
    }
}

/// A short piece of one measurement: what the supervisor tells both peers to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// What to do.
    pub workload: Workload,
    /// Bytes in a message.
    pub size: usize,
    /// Untimed messages at the start; the first of them are checked in every byte.
    pub warm_up: u64,
    /// Messages that count, a multiple of `batch`.
    pub messages: u64,
    /// Messages per sample: more than one when a message takes not much longer than reading the clock.
    pub batch: u64,
    /// Round trips to time one by one beside the batches.
    pub singles: u64,
    /// Messages per acknowledgement, where something has to hold the sender back.
    pub window: Option<u64>,
    /// For [`Workload::Rate`]: when the first message is due, on the monotonic clock; for [`Workload::Contended`]: when both
    /// begin. Set by [`Pair::run`](crate::Pair::run).
    pub start_ns: u64,
    /// For [`Workload::Rate`]: the time from one message to the next; for [`Workload::Contended`], which lasts as long as
    /// `messages` of these, no matter how much is done.
    pub interval_ns: u64,
}

impl Slice {
    /// A slice of `messages` messages with a short warm-up, each a sample of its own.
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

    /// With a beginning of which both peers have surely heard by then.
    pub(crate) fn scheduled(&self) -> Slice {
        const NOTICE_NS: u64 = 2_000_000;
        Slice { start_ns: clock::now() + NOTICE_NS, ..self.clone() }
    }
}

/// What one peer found in one slice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Nanoseconds for each batch of messages; empty on the side that does not time and in a stream.
    pub samples: Vec<u64>,
    /// Nanoseconds of the messages that were timed one by one.
    pub singles: Vec<u64>,
    /// Time for all the messages that count; zero on the side that does not time.
    pub elapsed_ns: u64,
    /// What the peer's process used meanwhile.
    pub usage: Usage,
    /// How often it was done, where the slice only says for how long.
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

    /// How many messages count.
    pub(crate) fn messages(&self, slice: &Slice) -> u64 {
        self.done.unwrap_or(slice.messages)
    }
}

/// Does one side of a slice.
pub(crate) fn run(role: Role, link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    match (slice.workload, role) {
        (Workload::RoundTrip, Role::Client) => round_trip::ask(link, slice),
        (Workload::RoundTrip, Role::Server) => round_trip::answer(link, slice),
        (Workload::Stream, Role::Client) => stream::send(link, slice),
        (Workload::Stream, Role::Server) => stream::receive(link, slice),
        (Workload::Rate, Role::Client) => rate::send(link, slice),
        (Workload::Rate, Role::Server) => rate::receive(link, slice),
        (Workload::Call | Workload::Uncontended, Role::Client) => call::repeat(link, slice),
        (Workload::Call | Workload::Uncontended, Role::Server) => Ok(Report::default()),
        (Workload::Contended, Role::Client | Role::Server) => contended::compete(link, slice),
    }
}
