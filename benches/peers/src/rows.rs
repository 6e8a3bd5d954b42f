//! What is measured: rows, and in each the contestants, the first of which the others are held against.

use ipcraft_bench::Placement;

use crate::contestants::{MANY_SLOTS, SLOTS};
use crate::contestants::{
    channel, channel_bytes, floors, iceoryx2, interprocess, ipc_channel, misbehaviour, pipe, ringfire, rtrb,
    unix_stream,
};
use crate::message::Result;
use crate::stage::Stage;

/// One table.
#[derive(Debug)]
pub(crate) struct Row {
    /// The name on command lines and in JSON.
    pub(crate) id: &'static str,
    /// The heading of its table.
    pub(crate) title: &'static str,
    pub(crate) task: Task,
    /// Bytes in a message.
    pub(crate) size: usize,
    pub(crate) placement: Placement,
    /// The first one is what the others are held against.
    pub(crate) contestants: &'static [Contestant],
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// A message there and one of the same size back.
    RoundTrip,
    /// One way, as fast as the receiver takes, timed there.
    Stream,
    /// A channel with a name, both its ends and the first message, in one process.
    SetUp,
}

/// Somebody who takes part in a row.
#[derive(Debug)]
pub(crate) struct Contestant {
    /// Unique in its row.
    pub(crate) id: &'static str,
    pub(crate) seating: Seating,
    /// Makes the ends and works until nobody wants more.
    pub(crate) play: fn(&mut Stage) -> Result<()>,
}

/// What runs where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seating {
    /// A process for each side.
    Processes,
    /// A thread for each side, in one process.
    Threads,
    /// One process that does everything.
    Alone,
}

type Play = fn(&mut Stage) -> Result<()>;

const fn processes(id: &'static str, play: Play) -> Contestant {
    Contestant { id, seating: Seating::Processes, play }
}

const fn threads(id: &'static str, play: Play) -> Contestant {
    Contestant { id, seating: Seating::Threads, play }
}

const fn alone(id: &'static str, play: Play) -> Contestant {
    Contestant { id, seating: Seating::Alone, play }
}

const KIB_64: usize = 64 << 10;
const MIB: usize = 1 << 20;

/// All rows, in the order in which they are shown.
pub(crate) static ROWS: &[Row] = &[
    Row {
        id: "spin_8",
        title: "ROUND TRIP, 8 B, spinning, two cores",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::TwoCores,
        contestants: SPIN_8,
    },
    Row {
        id: "spin_48",
        title: "ROUND TRIP, 48 B, spinning, two cores",
        task: Task::RoundTrip,
        size: 48,
        placement: Placement::TwoCores,
        contestants: SPIN_48,
    },
    Row {
        id: "block_two_cores",
        title: "ROUND TRIP, 8 B, blocking, two cores",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::TwoCores,
        contestants: BLOCK,
    },
    Row {
        id: "block_same_core",
        title: "ROUND TRIP, 8 B, blocking, both processes on one core",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::SameCore,
        contestants: BLOCK,
    },
    Row {
        id: "stream_8",
        title: "STREAM, 8 B, one way without loss, two cores, 1024 slots",
        task: Task::Stream,
        size: 8,
        placement: Placement::TwoCores,
        contestants: STREAM_8,
    },
    Row {
        id: "stream_64",
        title: "STREAM, 64 B, one way without loss, two cores, 1024 slots",
        task: Task::Stream,
        size: 64,
        placement: Placement::TwoCores,
        contestants: STREAM_64,
    },
    Row {
        id: "stream_8_wide",
        title: "STREAM, 8 B, one way without loss, two cores, 65536 slots",
        task: Task::Stream,
        size: 8,
        placement: Placement::TwoCores,
        contestants: WIDE_8,
    },
    Row {
        id: "stream_64_wide",
        title: "STREAM, 64 B, one way without loss, two cores, 65536 slots",
        task: Task::Stream,
        size: 64,
        placement: Placement::TwoCores,
        contestants: WIDE_64,
    },
    Row {
        id: "stream_64k",
        title: "STREAM, 64 KiB, one way without loss, two cores",
        task: Task::Stream,
        size: KIB_64,
        placement: Placement::TwoCores,
        contestants: STREAM_64K,
    },
    Row {
        id: "stream_1m",
        title: "STREAM, 1 MiB, one way without loss, two cores",
        task: Task::Stream,
        size: MIB,
        placement: Placement::TwoCores,
        contestants: STREAM_1M,
    },
    Row {
        id: "set_up",
        title: "SET-UP: a channel with a name, both ends, the first message of 8 B",
        task: Task::SetUp,
        size: 8,
        placement: Placement::SameCore,
        contestants: SET_UP,
    },
    Row {
        id: "waiting_two_cores",
        title: "WAYS TO WAIT: round trip, 8 B, two cores",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::TwoCores,
        contestants: WAITING,
    },
    Row {
        id: "waiting_same_core",
        title: "WAYS TO WAIT: round trip, 8 B, both processes on one core",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::SameCore,
        contestants: WAITING,
    },
];

/// Measured only if it is named in full.
pub(crate) static MISBEHAVIOUR: Row = Row {
    id: "misbehaviour",
    title: "MISBEHAVIOUR: what a run has to survive",
    task: Task::RoundTrip,
    size: 8,
    placement: Placement::SameCore,
    contestants: &[
        processes("pipe", pipe::round_trips::<1>),
        processes("silent", misbehaviour::silent),
        processes("dying", misbehaviour::dying),
        processes("panicking", misbehaviour::panicking),
        processes("lying", misbehaviour::lying),
        processes("deaf", misbehaviour::deaf),
    ],
};

const SPIN_8: &[Contestant] = &[
    processes("ipcraft spin", channel::spin::<1>),
    processes("floor: store and load", floors::store_load::<1>),
    processes("floor: compare-and-swap", floors::compare_and_swap),
    processes("ringfire spin", ringfire::spin::<1>),
    processes("iceoryx2 polled", iceoryx2::polled::<1>),
    threads("rtrb (threads)", rtrb::round_trips::<1>),
];

const SPIN_48: &[Contestant] = &[
    processes("ipcraft spin", channel::spin::<6>),
    processes("floor: store and load", floors::store_load::<6>),
    processes("floor: compare-and-swap", floors::compare_and_swap),
    processes("ringfire spin", ringfire::spin::<6>),
    processes("iceoryx2 polled", iceoryx2::polled::<6>),
    threads("rtrb (threads)", rtrb::round_trips::<6>),
];

const BLOCK: &[Contestant] = &[
    processes("ipcraft block", channel::block::<1>),
    processes("ipcraft adaptive", channel::adaptive::<1>),
    processes("floor: futex", floors::futex),
    processes("ringfire futex", ringfire::futex::<1>),
    processes("ringfire adaptive", ringfire::adaptive::<1>),
    processes("iceoryx2 events", iceoryx2::events::<1>),
    processes("ipc-channel", ipc_channel::round_trips),
    processes("interprocess", interprocess::round_trips::<1>),
    processes("pipe", pipe::round_trips::<1>),
    processes("Unix stream", unix_stream::round_trips::<1>),
];

const STREAM_8: &[Contestant] = &[
    processes("ipcraft spin", channel::single::<1, SLOTS>),
    processes("ipcraft adaptive", channel::single_adaptive::<1>),
    processes("ipcraft spin, batches of 64", channel::batches::<1, SLOTS>),
    threads("rtrb (threads)", rtrb::single::<1, SLOTS>),
    threads("rtrb (threads), chunks of 64", rtrb::chunks::<1, SLOTS>),
    processes("ringfire", ringfire::single::<1, { SLOTS as u64 }>),
    processes("ringfire, batches of 64", ringfire::batches::<1, { SLOTS as u64 }>),
    processes("iceoryx2", iceoryx2::stream::<1>),
    processes("pipe", pipe::stream::<1>),
    processes("Unix stream", unix_stream::stream::<1>),
];

const STREAM_64: &[Contestant] = &[
    processes("ipcraft spin", channel::single::<8, SLOTS>),
    processes("ipcraft adaptive", channel::single_adaptive::<8>),
    processes("ipcraft spin, batches of 64", channel::batches::<8, SLOTS>),
    threads("rtrb (threads)", rtrb::single::<8, SLOTS>),
    threads("rtrb (threads), chunks of 64", rtrb::chunks::<8, SLOTS>),
    processes("ringfire", ringfire::single::<8, { SLOTS as u64 }>),
    processes("ringfire, batches of 64", ringfire::batches::<8, { SLOTS as u64 }>),
    processes("iceoryx2", iceoryx2::stream::<8>),
    processes("pipe", pipe::stream::<8>),
    processes("Unix stream", unix_stream::stream::<8>),
];

const WIDE_8: &[Contestant] = &[
    processes("ipcraft spin", channel::single::<1, MANY_SLOTS>),
    processes("ipcraft spin, batches of 64", channel::batches::<1, MANY_SLOTS>),
    threads("rtrb (threads)", rtrb::single::<1, MANY_SLOTS>),
    threads("rtrb (threads), chunks of 64", rtrb::chunks::<1, MANY_SLOTS>),
    processes("ringfire", ringfire::single::<1, { MANY_SLOTS as u64 }>),
    processes("ringfire, batches of 64", ringfire::batches::<1, { MANY_SLOTS as u64 }>),
];

const WIDE_64: &[Contestant] = &[
    processes("ipcraft spin", channel::single::<8, MANY_SLOTS>),
    processes("ipcraft spin, batches of 64", channel::batches::<8, MANY_SLOTS>),
    threads("rtrb (threads)", rtrb::single::<8, MANY_SLOTS>),
    threads("rtrb (threads), chunks of 64", rtrb::chunks::<8, MANY_SLOTS>),
    processes("ringfire", ringfire::single::<8, { MANY_SLOTS as u64 }>),
    processes("ringfire, batches of 64", ringfire::batches::<8, { MANY_SLOTS as u64 }>),
];

const STREAM_64K: &[Contestant] = &[
    processes("ipcraft copy", channel_bytes::copy::<KIB_64>),
    processes("ipcraft loan", channel_bytes::loan::<KIB_64>),
    processes("ipcraft typed, copy", channel::copy::<KIB_64>),
    processes("ipcraft typed, loan", channel::loan::<KIB_64>),
    processes("iceoryx2 loan", iceoryx2::loan::<KIB_64>),
    processes("pipe", pipe::large::<KIB_64>),
    processes("Unix stream", unix_stream::large::<KIB_64>),
    alone("floor: memcpy", floors::copy::<KIB_64>),
    alone("floor: memcpy round 4 buffers", floors::copy_round::<KIB_64>),
];

const STREAM_1M: &[Contestant] = &[
    processes("ipcraft copy", channel_bytes::copy::<MIB>),
    processes("ipcraft loan", channel_bytes::loan::<MIB>),
    processes("ipcraft typed, copy", channel::copy::<MIB>),
    processes("ipcraft typed, loan", channel::loan::<MIB>),
    processes("iceoryx2 loan", iceoryx2::loan::<MIB>),
    processes("pipe", pipe::large::<MIB>),
    processes("Unix stream", unix_stream::large::<MIB>),
    alone("floor: memcpy", floors::copy::<MIB>),
    alone("floor: memcpy round 4 buffers", floors::copy_round::<MIB>),
];

const SET_UP: &[Contestant] = &[
    alone("ipcraft", channel::set_up),
    alone("ringfire", ringfire::set_up),
    alone("iceoryx2", iceoryx2::set_up),
    alone("ipc-channel", ipc_channel::set_up),
    alone("interprocess", interprocess::set_up),
    alone("FIFO", pipe::set_up),
    alone("Unix stream", unix_stream::set_up),
];

const WAITING: &[Contestant] = &[
    processes("ipcraft adaptive", channel::adaptive::<1>),
    processes("ipcraft spin", channel::spin::<1>),
    processes("ipcraft block", channel::block::<1>),
];

/// A contestant by the names that a peer is given.
pub(crate) fn contestant(row: &str, contestant: &str) -> Option<&'static Contestant> {
    let row = ROWS.iter().chain([&MISBEHAVIOUR]).find(|known| known.id == row)?;
    row.contestants.iter().find(|known| known.id == contestant)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_every_row_has_somebody() {
        let ids: HashSet<_> = ROWS.iter().map(|row| row.id).collect();
        assert_eq!(ids.len(), ROWS.len());
        for row in ROWS {
            let ids: HashSet<_> = row.contestants.iter().map(|contestant| contestant.id).collect();
            assert_eq!(ids.len(), row.contestants.len(), "{}", row.id);
            assert!(row.contestants.len() > 1, "{}", row.id);
        }
    }
}
