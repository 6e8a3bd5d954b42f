//! The list of everything that can be measured.

use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::link::Ends;
use crate::placement::Placement;
use crate::workload::Workload;

/// Builds both ends of a connection. Names in the file system go into the given directory and are unlinked before
/// the call returns.
pub type Connect = fn(&Path) -> io::Result<Ends>;

/// Who wrote the code under measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Implementation {
    /// The library (for TCP and UDP, which it leaves to std: std).
    Ipcraft,
    /// The same thing written straight on libc: what hand-written C costs with equal guarantees.
    Raw,
    /// The plain mutex of the C library between processes, which survives nobody's death: what every lock is held against.
    Plain,
    /// No mechanism but a limit that the machine sets to all of them.
    Floor,
}

/// How a receiver waits for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// It sleeps in the kernel.
    Block,
    /// It looks again and again.
    Spin,
    /// It looks for a while where the sender has a core of its own, and sleeps otherwise.
    Adaptive,
}

/// One way for two processes to talk, or a floor.
#[derive(Debug)]
pub struct Mechanism {
    /// The name in results, on command lines and in bench ids.
    pub id: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// How its receivers wait.
    pub waiting: Waiting,
    /// What can be asked of it.
    pub workloads: &'static [Workload],
    /// Where it can be measured with sense.
    pub placements: &'static [Placement],
    /// The message sizes that it carries on this machine.
    pub sizes: fn() -> RangeInclusive<usize>,
    /// Bytes that may be under way without an acknowledgement, the kernel's bookkeeping included, where something has to
    /// hold the sender back: because the kernel would drop what finds no room, or because it has room for megabytes and a
    /// slice would measure the filling and emptying of buffers.
    pub in_flight: Option<usize>,
    /// True when an idle-priority spinner has to keep every core awake meanwhile.
    pub awake: bool,
    /// Who implements it, and how a connection is built.
    pub implementations: &'static [(Implementation, Connect)],
}

impl Mechanism {
    /// What most mechanisms have in common; a new one states only how it differs.
    pub(crate) const BLOCKING: Mechanism = Mechanism {
        id: "",
        summary: "",
        waiting: Waiting::Block,
        workloads: Workload::MESSAGES,
        placements: Placement::ALL,
        sizes: any_size,
        in_flight: None,
        awake: false,
        implementations: &[],
    };

    /// What most locks have in common.
    pub(crate) const LOCK: Mechanism =
        Mechanism { workloads: Workload::LOCKS, sizes: || 0..=0, ..Mechanism::BLOCKING };

    /// The constructor of one implementation.
    pub fn connect(&self, implementation: Implementation) -> Option<Connect> {
        let found = self.implementations.iter().find(|(who, _)| *who == implementation);
        found.map(|(_, connect)| *connect)
    }

    /// How many messages of a size share an acknowledgement; two such windows may be under way. That is a small part of
    /// what a slice moves, and large enough for the acknowledgements not to show.
    pub fn window(&self, size: usize) -> Option<u64> {
        const BOOKKEEPING: usize = 1 << 10;
        const MOST: usize = 64;
        let window = |bytes: usize| (bytes / 2 / (size + BOOKKEEPING)).clamp(1, MOST) as u64;
        self.in_flight.map(window)
    }

    /// The size that this mechanism can carry and that is closest to `size`.
    pub fn nearest_size(&self, size: usize) -> usize {
        let sizes = (self.sizes)();
        size.clamp(*sizes.start(), *sizes.end())
    }
}

/// A byte stream cuts messages as it likes; a gibibyte is only a bound against mistakes.
fn any_size() -> RangeInclusive<usize> {
    1..=1 << 30
}

/// All mechanisms, in the order in which they are explained.
pub fn mechanisms() -> &'static [&'static Mechanism] {
    crate::mechanisms::ALL
}

/// All floors.
pub fn floors() -> &'static [&'static Mechanism] {
    crate::floors::ALL
}

/// The mechanism with this id.
pub fn find(id: &str) -> Option<&'static Mechanism> {
    mechanisms().iter().copied().find(|mechanism| mechanism.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_these() {
        let ids: Vec<_> = mechanisms().iter().map(|mechanism| mechanism.id).collect();
        let expected = [
            "pipe",
            "fifo",
            "socketpair_stream",
            "socketpair_datagram",
            "socketpair_seqpacket",
            "unix_stream",
            "unix_datagram",
            "unix_seqpacket",
            "eventfd",
            "shm_futex",
            "shm_posix_semaphore",
            "shm_sysv_semaphore",
            "channel",
            "channel_block",
            "channel_spin",
            "channel_mpmc",
            "channel_broadcast",
            "channel_latest",
            "channel_request",
            "posix_queue",
            "sysv_queue",
            "realtime_signal",
            "signalfd",
            "sync_barrier",
            "sync_condvar",
            "sync_mutex",
            "sync_rwlock_read",
            "sync_rwlock_write",
            "sync_semaphore",
            "tcp",
            "udp",
        ];
        assert_eq!(ids, expected);
    }

    #[test]
    fn no_id_stands_for_two_things() {
        let all = mechanisms().iter().chain(floors());
        let mut ids: Vec<_> = all.map(|mechanism| mechanism.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn every_mechanism_has_a_raw_twin_and_every_floor_is_one() {
        let twins = [Implementation::Ipcraft, Implementation::Raw];
        assert!(mechanisms().iter().all(|m| twins.iter().all(|&who| m.connect(who).is_some())));
        assert!(floors().iter().all(|floor| floor.connect(Implementation::Floor).is_some()));
    }

    #[test]
    fn every_lock_is_held_against_the_plain_one() {
        let locks = mechanisms().iter().filter(|mechanism| mechanism.workloads == Workload::LOCKS);
        let mut locks = locks.peekable();
        assert!(locks.peek().is_some());
        assert!(locks.all(|lock| lock.connect(Implementation::Plain).is_some()));
    }

    #[test]
    fn sizes_are_brought_into_range() {
        let udp = find("udp").unwrap();
        assert_eq!(udp.nearest_size(0), 1);
        assert_eq!(udp.nearest_size(64), 64);
        assert_eq!(udp.nearest_size(1 << 20), 65_507);
    }

    #[test]
    fn what_has_to_be_held_back_is() {
        let windows: Vec<_> = mechanisms().iter().filter(|m| m.window(64).is_some()).map(|m| m.id).collect();
        assert_eq!(windows, ["tcp", "udp"]);
        assert_eq!(find("udp").unwrap().window(65_507), Some(1));
    }
}
