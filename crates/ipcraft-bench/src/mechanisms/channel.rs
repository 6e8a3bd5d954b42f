//! Channels of one sender and one receiver: records of any length in a ring, each way.

use std::io;
use std::path::Path;

use ipcraft::channel::WaitStrategy;
use ipcraft::channel::spsc::bytes::{self, Receiver, Sender};

use crate::link::{Ends, Link, exact_length};
use crate::raw::ring::{self, CAPACITY, FOREVER};
use crate::registry::{Implementation, Mechanism, Waiting};

/// The registration of the usual one.
pub(super) static ADAPTIVE: Mechanism = Mechanism {
    id: "channel",
    summary: "a channel in shared memory each way; who waits looks for a while, and sleeps then",
    waiting: Waiting::Adaptive,
    sizes: || 1..=LARGEST,
    implementations: &[
        (Implementation::Ipcraft, |scratch| ipcraft(scratch, WaitStrategy::Adaptive)),
        (Implementation::Raw, |_| ring::connect(LOOKS)),
    ],
    ..Mechanism::BLOCKING
};

/// The registration of one whose ends sleep.
pub(super) static BLOCK: Mechanism = Mechanism {
    id: "channel_block",
    summary: "a channel in shared memory each way; who waits sleeps",
    sizes: || 1..=LARGEST,
    implementations: &[
        (Implementation::Ipcraft, |scratch| ipcraft(scratch, WaitStrategy::Block)),
        (Implementation::Raw, |_| ring::connect(0)),
    ],
    ..Mechanism::BLOCKING
};

/// The registration of one whose ends never sleep.
pub(super) static SPIN: Mechanism = Mechanism {
    id: "channel_spin",
    summary: "a channel in shared memory each way; who waits takes a core for it",
    waiting: Waiting::Spin,
    placements: &[crate::placement::Placement::TwoCores],
    sizes: || 1..=LARGEST,
    implementations: &[
        (Implementation::Ipcraft, |scratch| ipcraft(scratch, WaitStrategy::Spin)),
        (Implementation::Raw, |_| ring::connect(FOREVER)),
    ],
    ..Mechanism::BLOCKING
};

/// What a record can have of a ring.
const LARGEST: usize = CAPACITY / 2 - 64;

/// How often the twin looks before it sleeps: for about as long as the library does.
const LOOKS: u32 = 1000;

fn ipcraft(_scratch: &Path, waiting: WaitStrategy) -> io::Result<Ends> {
    let ((mut requests, mut incoming), (mut answers, mut returning)) =
        (bytes::channel(CAPACITY)?, bytes::channel(CAPACITY)?);
    requests.set_wait_strategy(waiting);
    answers.set_wait_strategy(waiting);
    incoming.set_wait_strategy(waiting);
    returning.set_wait_strategy(waiting);
    let client = End { outgoing: requests, incoming: returning };
    let server = End { outgoing: answers, incoming };
    Ok(Ends::new(client, server))
}

struct End {
    outgoing: Sender,
    incoming: Receiver,
}

impl Link for End {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Ok(self.outgoing.send(message)?)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let length = self.incoming.recv_into(buffer)?;
        exact_length(length, buffer.len())
    }
}
