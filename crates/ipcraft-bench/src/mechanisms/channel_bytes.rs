//! Channels of one sender and one receiver: records of any length in a ring, each way.

use std::io;
use std::path::Path;

use ipcraft::channel::WaitStrategy;
use ipcraft::channel::spsc::bytes::{self, Receiver, Sender};

use crate::baseline::ring::{self, CAPACITY, DEFAULT_SPINS, UNBOUNDED};
use crate::link::{Endpoints, Link, exact_length};
use crate::mechanism::{Implementation, Mechanism, Waiting};

/// Endpoints that wait by the default strategy.
pub(crate) static ADAPTIVE: Mechanism = Mechanism {
    id: "channel",
    summary: "a channel in shared memory each way; adaptive: spin, then block",
    family: "channel",
    gives_up: "poll(2) needs inotify",
    waiting: Waiting::Adaptive,
    sizes: || 1..=MAX_RECORD,
    equal_baseline: false,
    implementations: &[
        (Implementation::Ipcraft, |scratch| ipcraft(scratch, WaitStrategy::Adaptive)),
        (Implementation::Baseline, |_| ring::connect(DEFAULT_SPINS)),
    ],
    ..Mechanism::BLOCKING
};

/// Endpoints that block.
pub(crate) static BLOCK: Mechanism = Mechanism {
    id: "channel_block",
    summary: "a channel in shared memory each way; a waiting endpoint blocks",
    family: "channel",
    gives_up: "poll(2) needs inotify",
    sizes: || 1..=MAX_RECORD,
    equal_baseline: false,
    implementations: &[
        (Implementation::Ipcraft, |scratch| ipcraft(scratch, WaitStrategy::Block)),
        (Implementation::Baseline, |_| ring::connect(0)),
    ],
    ..Mechanism::BLOCKING
};

/// Endpoints that busy-wait.
pub(crate) static SPIN: Mechanism = Mechanism {
    id: "channel_spin",
    summary: "a channel in shared memory each way; a waiting endpoint spins",
    family: "channel",
    gives_up: "a waiting endpoint occupies its core; poll(2) needs inotify",
    waiting: Waiting::Spin,
    placements: &[crate::placement::Placement::TwoCores],
    sizes: || 1..=MAX_RECORD,
    equal_baseline: false,
    implementations: &[
        (Implementation::Ipcraft, |scratch| ipcraft(scratch, WaitStrategy::Spin)),
        (Implementation::Baseline, |_| ring::connect(UNBOUNDED)),
    ],
    ..Mechanism::BLOCKING
};

/// The bytes of the largest record that fits into a ring.
const MAX_RECORD: usize = CAPACITY / 2 - 64;

fn ipcraft(_scratch: &Path, waiting: WaitStrategy) -> io::Result<Endpoints> {
    let ((mut requests, mut incoming), (mut replies, mut incoming_replies)) =
        (bytes::channel(CAPACITY)?, bytes::channel(CAPACITY)?);
    requests.set_wait_strategy(waiting);
    replies.set_wait_strategy(waiting);
    incoming.set_wait_strategy(waiting);
    incoming_replies.set_wait_strategy(waiting);
    let client = Endpoint { outgoing: requests, incoming: incoming_replies };
    let server = Endpoint { outgoing: replies, incoming };
    Ok(Endpoints::new(client, server))
}

struct Endpoint {
    outgoing: Sender,
    incoming: Receiver,
}

impl Link for Endpoint {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Ok(self.outgoing.send(message)?)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let length = self.incoming.recv_into(buffer)?;
        exact_length(length, buffer.len())
    }
}
