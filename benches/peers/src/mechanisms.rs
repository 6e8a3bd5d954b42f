//! What the competitors are, for readers of the results.

use ipcraft_bench::{Description, Implementation, Promise, Waiting};

use Promise::{BestEffort, EveryMessage, NewestValue};
use Waiting::{Adaptive, Block, Spin};

/// A competitor's description.
struct Mechanism {
    id: &'static str,
    /// The crate, or the group of the bench that a mechanism of the kernel belongs to.
    family: &'static str,
    waiting: Waiting,
    promise: Promise,
    pollable: bool,
    summary: &'static str,
    gives_up: &'static str,
}

impl Mechanism {
    const fn new(
        id: &'static str,
        family: &'static str,
        waiting: Waiting,
        summary: &'static str,
    ) -> Mechanism {
        Mechanism { id, family, waiting, promise: EveryMessage, pollable: false, summary, gives_up: "" }
    }

    const fn gives_up(self, gives_up: &'static str) -> Mechanism {
        Mechanism { gives_up, ..self }
    }

    const fn promise(self, promise: Promise) -> Mechanism {
        Mechanism { promise, ..self }
    }

    const fn pollable(self) -> Mechanism {
        Mechanism { pollable: true, ..self }
    }

    fn describe(&self) -> Description {
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
}

/// The crates that are compared, with the versions in the manifest.
pub(crate) const VERSIONS: &[(&str, &str)] = &[
    ("ipcraft", env!("CARGO_PKG_VERSION")),
    ("iceoryx2", "0.10.0"),
    ("ringfire", "0.5.2"),
    ("ipc-channel", "0.23.1"),
    ("interprocess", "2.4.7"),
    ("posix-sync", "0.2.0"),
    ("rtrb", "0.4.1"),
    ("crossbeam-channel", "0.5.17"),
    ("parking_lot", "0.12.5"),
];

const THREADS: &str = "works within one process only";
const NO_DEATH: &str = "a killed peer is not noticed";

/// All competitors, the library's first.
const MECHANISMS: &[Mechanism] = &[
    Mechanism::new("ipcraft_spin", "channel", Spin, "channel::spsc, both sides spin")
        .gives_up("a waiting endpoint occupies its core"),
    Mechanism::new("ipcraft_block", "channel", Block, "channel::spsc, a waiting side blocks"),
    Mechanism::new("ipcraft_adaptive", "channel", Adaptive, "channel::spsc, spins, then blocks"),
    Mechanism::new(
        "ipcraft_bytes",
        "channel",
        Spin,
        "channel::spsc::bytes, records of any length, both sides spin",
    ),
    Mechanism::new("ipcraft_queue", "channel", Spin, "channel::mpmc, a work queue, both sides spin"),
    Mechanism::new(
        "ipcraft_broadcast",
        "channel",
        Spin,
        "channel::broadcast, a full channel blocks, all sides spin",
    ),
    Mechanism::new("ipcraft_latest", "channel", Spin, "channel::latest, the newest value, the reader spins")
        .promise(NewestValue),
    Mechanism::new("ipcraft_request", "channel", Spin, "channel::request, both sides spin"),
    Mechanism::new("ipcraft_set_up", "channel", Adaptive, "channel::spsc, named"),
    Mechanism::new("ipcraft_mutex", "lock", Block, "sync::Mutex, recovers from the death of its owner"),
    Mechanism::new("ringfire_spin", "ringfire", Spin, "RingProducer and RingConsumer, BusySpin")
        .gives_up(NO_DEATH),
    Mechanism::new(
        "ringfire_adaptive",
        "ringfire",
        Adaptive,
        "RingProducer and RingConsumer, FutexWait::default()",
    )
    .gives_up(NO_DEATH),
    Mechanism::new(
        "ringfire_futex",
        "ringfire",
        Block,
        "RingProducer and RingConsumer, FutexWait without polling",
    )
    .gives_up(NO_DEATH),
    Mechanism::new("ringfire_lossless", "ringfire", Spin, "RingProducer with LosslessBackpressure")
        .gives_up("a killed producer is not noticed"),
    Mechanism::new("ringfire_queue", "ringfire", Spin, "MpmcProducer and MpmcQueueConsumer, BusySpin")
        .promise(BestEffort)
        .gives_up("a full queue loses its oldest messages"),
    Mechanism::new(
        "ringfire_blackboard",
        "ringfire",
        Spin,
        "BlackboardProducer and BlackboardConsumer, polled",
    )
    .promise(NewestValue)
    .gives_up("no wait for a new value"),
    Mechanism::new("ringfire_set_up", "ringfire", Spin, "RingProducer and RingConsumer"),
    Mechanism::new("iceoryx2_polled", "iceoryx2", Spin, "publish-subscribe, polled").gives_up(NO_DEATH),
    Mechanism::new("iceoryx2_events", "iceoryx2", Block, "publish-subscribe with a notifier and a listener")
        .pollable()
        .gives_up(NO_DEATH),
    Mechanism::new("iceoryx2_lossless", "iceoryx2", Spin, "publish-subscribe without overflow, polled")
        .gives_up(NO_DEATH),
    Mechanism::new("iceoryx2_blackboard", "iceoryx2", Spin, "blackboard, polled")
        .promise(NewestValue)
        .gives_up("no wait for a new value without an event service"),
    Mechanism::new("iceoryx2_request", "iceoryx2", Spin, "request-response, polled"),
    Mechanism::new("iceoryx2_set_up", "iceoryx2", Spin, "node, publish-subscribe service and both ports"),
    Mechanism::new("ipc_channel", "ipc-channel", Block, "typed or byte channels over Unix sockets")
        .pollable(),
    Mechanism::new("interprocess", "interprocess", Block, "local sockets, on Linux Unix stream sockets")
        .pollable(),
    Mechanism::new("pipe", "pipe", Block, "std::io::pipe").pollable(),
    Mechanism::new("fifo", "pipe", Block, "a named pipe").pollable(),
    Mechanism::new("unix_stream", "socket", Block, "std::os::unix::net::UnixStream").pollable(),
    Mechanism::new("unix_seqpacket", "socket", Block, "a Unix socket with SOCK_SEQPACKET").pollable(),
    Mechanism::new("glibc_robust", "lock", Block, "a process-shared, robust pthread mutex"),
    Mechanism::new("glibc_plain", "lock", Block, "a process-shared, non-robust pthread mutex")
        .gives_up("the death of its owner locks it forever"),
    Mechanism::new("posix_sync", "posix-sync", Block, "BorrowedMutex<Robust>, process-shared"),
    Mechanism::new("faulty", "faulty", Block, "a competitor that fails, to test a run"),
    Mechanism::new("rtrb_threads", "limit", Spin, "rtrb between two threads").gives_up(THREADS),
    Mechanism::new("crossbeam_threads", "limit", Adaptive, "crossbeam_channel::bounded between two threads")
        .gives_up(THREADS),
    Mechanism::new("parking_lot_threads", "limit", Adaptive, "parking_lot::Mutex between two threads")
        .gives_up(THREADS),
    Mechanism::new(
        "limit_store_load",
        "limit",
        Spin,
        "number and payload in one cache line, one line each way",
    ),
    Mechanism::new(
        "limit_compare_and_swap",
        "limit",
        Spin,
        "one cache line handed over; transfers the turn only",
    ),
    Mechanism::new("limit_futex", "limit", Block, "a futex and 8 bytes each way, a wake for each message"),
    Mechanism::new("limit_memcpy", "limit", Spin, "a copy within one process").gives_up(THREADS),
];

fn find(id: &str) -> Option<&'static Mechanism> {
    MECHANISMS.iter().find(|known| known.id == id)
}

/// Returns the description of a competitor.
pub(crate) fn description(id: &str) -> Option<Description> {
    find(id).map(Mechanism::describe)
}

/// Returns how the receiver of a competitor waits.
pub(crate) fn waiting(id: &str) -> Waiting {
    find(id).map_or(Block, |known| known.waiting)
}

/// Returns what kind of code a competitor is.
pub(crate) fn implementation(id: &str) -> Implementation {
    if id.starts_with("ipcraft_") {
        return Implementation::Ipcraft;
    }
    if find(id).is_some_and(|known| known.family == "limit") {
        Implementation::Limit
    } else {
        Implementation::Peer
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::scenarios::SCENARIOS;

    #[test]
    fn every_competitor_is_described_once_and_every_description_is_used() {
        let used: HashSet<_> =
            SCENARIOS.iter().flat_map(|scenario| scenario.competitors).map(|one| one.id).collect();
        let described: HashSet<_> =
            MECHANISMS.iter().map(|known| known.id).filter(|&id| id != "faulty").collect();
        assert_eq!(used, described);
        assert_eq!(described.len() + 1, MECHANISMS.len());
    }
}
