//! The list of all scenarios and their competitors.

use ipcraft_bench::{Placement, Role};

use crate::competitor::{Competitor, Scenario, VARYING};
use crate::competitors::{MANY_SLOTS, SLOTS};
use crate::competitors::{
    channel, channel_bytes, channel_kinds, crossbeam, deaths, faulty, iceoryx2, iceoryx2_kinds, interprocess,
    ipc_channel, limits, locks, pipe, records, ringfire, ringfire_kinds, rtrb, unix_stream,
};
use crate::work::Task;

const KIB_64: usize = 64 << 10;
const MIB: usize = 1 << 20;

/// All scenarios, in the order in which they are printed.
pub(crate) static SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "spin_8",
        title: "ROUND TRIP, 8 B, spinning, two cores",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::TwoCores,
        variant: None,
        competitors: SPIN_8,
    },
    Scenario {
        id: "spin_48",
        title: "ROUND TRIP, 48 B, spinning, two cores",
        task: Task::RoundTrip,
        size: 48,
        placement: Placement::TwoCores,
        variant: None,
        competitors: SPIN_48,
    },
    Scenario {
        id: "block_two_cores",
        title: "ROUND TRIP, 8 B, blocking, two cores",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::TwoCores,
        variant: None,
        competitors: BLOCK,
    },
    Scenario {
        id: "block_same_core",
        title: "ROUND TRIP, 8 B, blocking, both processes on one core",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::SameCore,
        variant: None,
        competitors: BLOCK,
    },
    Scenario {
        id: "stream_8",
        title: "STREAM, 8 B, one way without loss, two cores, 1024 slots",
        task: Task::Stream,
        size: 8,
        placement: Placement::TwoCores,
        variant: None,
        competitors: STREAM_8,
    },
    Scenario {
        id: "stream_64",
        title: "STREAM, 64 B, one way without loss, two cores, 1024 slots",
        task: Task::Stream,
        size: 64,
        placement: Placement::TwoCores,
        variant: None,
        competitors: STREAM_64,
    },
    Scenario {
        id: "stream_8_wide",
        title: "STREAM, 8 B, one way without loss, two cores, 65536 slots",
        task: Task::Stream,
        size: 8,
        placement: Placement::TwoCores,
        variant: Some("65536 slots"),
        competitors: WIDE_8,
    },
    Scenario {
        id: "stream_64_wide",
        title: "STREAM, 64 B, one way without loss, two cores, 65536 slots",
        task: Task::Stream,
        size: 64,
        placement: Placement::TwoCores,
        variant: Some("65536 slots"),
        competitors: WIDE_64,
    },
    Scenario {
        id: "stream_64k",
        title: "STREAM, 64 KiB, one way without loss, two cores",
        task: Task::Stream,
        size: KIB_64,
        placement: Placement::TwoCores,
        variant: None,
        competitors: STREAM_64K,
    },
    Scenario {
        id: "stream_1m",
        title: "STREAM, 1 MiB, one way without loss, two cores",
        task: Task::Stream,
        size: MIB,
        placement: Placement::TwoCores,
        variant: None,
        competitors: STREAM_1M,
    },
    Scenario {
        id: "queue_8",
        title: "WORK QUEUE: round trip, 8 B, spinning, two cores",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::TwoCores,
        variant: None,
        competitors: QUEUE_8,
    },
    Scenario {
        id: "queue_stream_8",
        title: "WORK QUEUE: stream, 8 B, one sender, one receiver, two cores, 1024 slots",
        task: Task::Stream,
        size: 8,
        placement: Placement::TwoCores,
        variant: None,
        competitors: QUEUE_STREAM_8,
    },
    Scenario {
        id: "queue_stream_64",
        title: "WORK QUEUE: stream, 64 B, one sender, one receiver, two cores, 1024 slots",
        task: Task::Stream,
        size: 64,
        placement: Placement::TwoCores,
        variant: None,
        competitors: QUEUE_STREAM_64,
    },
    Scenario {
        id: "broadcast_1",
        title: "BROADCAST: stream, 64 B, without loss to 1 subscriber, two cores, 1024 slots",
        task: Task::Stream,
        size: 64,
        placement: Placement::TwoCores,
        variant: Some("to 1 subscriber"),
        competitors: BROADCAST_1,
    },
    Scenario {
        id: "broadcast_2",
        title: "BROADCAST: stream, 64 B, without loss to 2 subscribers in one process, two cores, 1024 slots",
        task: Task::Stream,
        size: 64,
        placement: Placement::TwoCores,
        variant: Some("to 2 subscribers"),
        competitors: BROADCAST_2,
    },
    Scenario {
        id: "broadcast_4",
        title: "BROADCAST: stream, 64 B, without loss to 4 subscribers in one process, two cores, 1024 slots",
        task: Task::Stream,
        size: 64,
        placement: Placement::TwoCores,
        variant: Some("to 4 subscribers"),
        competitors: BROADCAST_4,
    },
    Scenario {
        id: "newest_8",
        title: "NEWEST VALUE: round trip, 8 B, spinning, two cores",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::TwoCores,
        variant: None,
        competitors: NEWEST_8,
    },
    Scenario {
        id: "newest_64",
        title: "NEWEST VALUE: round trip, 64 B, spinning, two cores",
        task: Task::RoundTrip,
        size: 64,
        placement: Placement::TwoCores,
        variant: None,
        competitors: NEWEST_64,
    },
    Scenario {
        id: "request_8",
        title: "REQUEST AND REPLY: 8 B each way, spinning, two cores",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::TwoCores,
        variant: None,
        competitors: REQUEST_8,
    },
    Scenario {
        id: "request_64",
        title: "REQUEST AND REPLY: 64 B each way, spinning, two cores",
        task: Task::RoundTrip,
        size: 64,
        placement: Placement::TwoCores,
        variant: None,
        competitors: REQUEST_64,
    },
    Scenario {
        id: "records",
        title: "RECORDS: stream, 1 to 64 B, one way without loss, two cores, 64 KiB where configurable",
        task: Task::Stream,
        size: 64,
        placement: Placement::TwoCores,
        variant: Some(VARYING),
        competitors: RECORDS,
    },
    Scenario {
        id: "lock",
        title: "LOCK: lock, increment, unlock; one process",
        task: Task::Uncontended,
        size: 0,
        placement: Placement::SameCore,
        variant: None,
        competitors: UNCONTENDED,
    },
    Scenario {
        id: "lock_contended",
        title: "LOCK: two processes with the same lock, two cores",
        task: Task::Contended,
        size: 0,
        placement: Placement::TwoCores,
        variant: None,
        competitors: CONTENDED,
    },
    Scenario {
        id: "set_up",
        title: "SET-UP: a named channel, both endpoints, the first message of 8 B",
        task: Task::SetUp,
        size: 8,
        placement: Placement::SameCore,
        variant: None,
        competitors: SET_UP,
    },
    Scenario {
        id: "waiting_two_cores",
        title: "WAIT STRATEGIES: round trip, 8 B, two cores",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::TwoCores,
        variant: Some("wait strategies"),
        competitors: WAITING,
    },
    Scenario {
        id: "waiting_same_core",
        title: "WAIT STRATEGIES: round trip, 8 B, both processes on one core",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::SameCore,
        variant: Some("wait strategies"),
        competitors: WAITING,
    },
    Scenario {
        id: "death_receiving",
        title: "DEATH OF A PEER: the sender is killed while the receiver is blocked",
        task: Task::PeerDeath { victim: Role::Client },
        size: 8,
        placement: Placement::TwoCores,
        variant: Some("receiving"),
        competitors: DEATH_RECEIVING,
    },
    Scenario {
        id: "death_sending",
        title: "DEATH OF A PEER: the receiver is killed while the sender is blocked on a full channel",
        task: Task::PeerDeath { victim: Role::Server },
        size: 8,
        placement: Placement::TwoCores,
        variant: Some("sending"),
        competitors: DEATH_SENDING,
    },
    Scenario {
        id: "death_locking",
        title: "DEATH OF A PEER: the owner of a lock is killed while another process waits for it",
        task: Task::PeerDeath { victim: Role::Client },
        size: 0,
        placement: Placement::TwoCores,
        variant: Some("locking"),
        competitors: DEATH_LOCKING,
    },
];

/// Competitors that fail. Measured only if it is named in full.
pub(crate) static FAULTY: Scenario = Scenario {
    id: "faulty",
    title: "FAULTY: failures that a run has to survive",
    task: Task::RoundTrip,
    size: 8,
    placement: Placement::SameCore,
    variant: None,
    competitors: &[
        Competitor::processes("pipe", pipe::round_trips::<1>),
        Competitor::processes("faulty", faulty::silent).variant("silent"),
        Competitor::processes("faulty", faulty::exiting).variant("exiting"),
        Competitor::processes("faulty", faulty::panicking).variant("panicking"),
        Competitor::processes("faulty", faulty::corrupting).variant("corrupting"),
        Competitor::processes("faulty", faulty::unresponsive).variant("unresponsive"),
    ],
};

const SPIN_8: &[Competitor] = &[
    Competitor::processes("ipcraft_spin", channel::spin::<1>),
    Competitor::processes("limit_store_load", limits::store_load::<1>),
    Competitor::processes("limit_compare_and_swap", limits::compare_and_swap),
    Competitor::processes("ringfire_spin", ringfire::spin::<1>),
    Competitor::processes("iceoryx2_polled", iceoryx2::polled::<1>),
    Competitor::threads("rtrb_threads", rtrb::round_trips::<1>),
];

const SPIN_48: &[Competitor] = &[
    Competitor::processes("ipcraft_spin", channel::spin::<6>),
    Competitor::processes("limit_store_load", limits::store_load::<6>),
    Competitor::processes("limit_compare_and_swap", limits::compare_and_swap),
    Competitor::processes("ringfire_spin", ringfire::spin::<6>),
    Competitor::processes("iceoryx2_polled", iceoryx2::polled::<6>),
    Competitor::threads("rtrb_threads", rtrb::round_trips::<6>),
];

const BLOCK: &[Competitor] = &[
    Competitor::processes("ipcraft_block", channel::block::<1>),
    Competitor::processes("ipcraft_adaptive", channel::adaptive::<1>),
    Competitor::processes("limit_futex", limits::futex),
    Competitor::processes("ringfire_futex", ringfire::futex::<1>),
    Competitor::processes("ringfire_adaptive", ringfire::adaptive::<1>),
    Competitor::processes("iceoryx2_events", iceoryx2::events::<1>),
    Competitor::processes("ipc_channel", ipc_channel::round_trips),
    Competitor::processes("interprocess", interprocess::round_trips::<1>),
    Competitor::processes("pipe", pipe::round_trips::<1>),
    Competitor::processes("unix_stream", unix_stream::round_trips::<1>),
];

const STREAM_8: &[Competitor] = &[
    Competitor::processes("ipcraft_spin", channel::single::<1, SLOTS>),
    Competitor::processes("ipcraft_adaptive", channel::single_adaptive::<1>),
    Competitor::processes("ipcraft_spin", channel::batches::<1, SLOTS>).variant("batches of 64"),
    Competitor::threads("rtrb_threads", rtrb::single::<1, SLOTS>),
    Competitor::threads("rtrb_threads", rtrb::chunks::<1, SLOTS>).variant("batches of 64"),
    Competitor::processes("ringfire_lossless", ringfire::single::<1, { SLOTS as u64 }>),
    Competitor::processes("ringfire_lossless", ringfire::batches::<1, { SLOTS as u64 }>)
        .variant("batches of 64"),
    Competitor::processes("iceoryx2_lossless", iceoryx2::stream::<1>),
    Competitor::processes("pipe", pipe::stream::<1>),
    Competitor::processes("unix_stream", unix_stream::stream::<1>),
];

const STREAM_64: &[Competitor] = &[
    Competitor::processes("ipcraft_spin", channel::single::<8, SLOTS>),
    Competitor::processes("ipcraft_adaptive", channel::single_adaptive::<8>),
    Competitor::processes("ipcraft_spin", channel::batches::<8, SLOTS>).variant("batches of 64"),
    Competitor::threads("rtrb_threads", rtrb::single::<8, SLOTS>),
    Competitor::threads("rtrb_threads", rtrb::chunks::<8, SLOTS>).variant("batches of 64"),
    Competitor::processes("ringfire_lossless", ringfire::single::<8, { SLOTS as u64 }>),
    Competitor::processes("ringfire_lossless", ringfire::batches::<8, { SLOTS as u64 }>)
        .variant("batches of 64"),
    Competitor::processes("iceoryx2_lossless", iceoryx2::stream::<8>),
    Competitor::processes("pipe", pipe::stream::<8>),
    Competitor::processes("unix_stream", unix_stream::stream::<8>),
];

const WIDE_8: &[Competitor] = &[
    Competitor::processes("ipcraft_spin", channel::single::<1, MANY_SLOTS>),
    Competitor::processes("ipcraft_spin", channel::batches::<1, MANY_SLOTS>).variant("batches of 64"),
    Competitor::threads("rtrb_threads", rtrb::single::<1, MANY_SLOTS>),
    Competitor::threads("rtrb_threads", rtrb::chunks::<1, MANY_SLOTS>).variant("batches of 64"),
    Competitor::processes("ringfire_lossless", ringfire::single::<1, { MANY_SLOTS as u64 }>),
    Competitor::processes("ringfire_lossless", ringfire::batches::<1, { MANY_SLOTS as u64 }>)
        .variant("batches of 64"),
];

const WIDE_64: &[Competitor] = &[
    Competitor::processes("ipcraft_spin", channel::single::<8, MANY_SLOTS>),
    Competitor::processes("ipcraft_spin", channel::batches::<8, MANY_SLOTS>).variant("batches of 64"),
    Competitor::threads("rtrb_threads", rtrb::single::<8, MANY_SLOTS>),
    Competitor::threads("rtrb_threads", rtrb::chunks::<8, MANY_SLOTS>).variant("batches of 64"),
    Competitor::processes("ringfire_lossless", ringfire::single::<8, { MANY_SLOTS as u64 }>),
    Competitor::processes("ringfire_lossless", ringfire::batches::<8, { MANY_SLOTS as u64 }>)
        .variant("batches of 64"),
];

const STREAM_64K: &[Competitor] = &[
    Competitor::processes("ipcraft_bytes", channel_bytes::copy::<KIB_64>).variant("copied"),
    Competitor::processes("ipcraft_bytes", channel_bytes::loan::<KIB_64>).variant("in place"),
    Competitor::processes("ipcraft_spin", channel::copy::<KIB_64>).variant("copied"),
    Competitor::processes("ipcraft_spin", channel::loan::<KIB_64>).variant("in place"),
    Competitor::processes("iceoryx2_lossless", iceoryx2::loan::<KIB_64>).variant("in place"),
    Competitor::processes("pipe", pipe::large::<KIB_64>),
    Competitor::processes("unix_stream", unix_stream::large::<KIB_64>),
    Competitor::single("limit_memcpy", limits::copy::<KIB_64>),
    Competitor::single("limit_memcpy", limits::copy_to_ring::<KIB_64>).variant("4 buffers"),
];

const STREAM_1M: &[Competitor] = &[
    Competitor::processes("ipcraft_bytes", channel_bytes::copy::<MIB>).variant("copied"),
    Competitor::processes("ipcraft_bytes", channel_bytes::loan::<MIB>).variant("in place"),
    Competitor::processes("ipcraft_spin", channel::copy::<MIB>).variant("copied"),
    Competitor::processes("ipcraft_spin", channel::loan::<MIB>).variant("in place"),
    Competitor::processes("iceoryx2_lossless", iceoryx2::loan::<MIB>).variant("in place"),
    Competitor::processes("pipe", pipe::large::<MIB>),
    Competitor::processes("unix_stream", unix_stream::large::<MIB>),
    Competitor::single("limit_memcpy", limits::copy::<MIB>),
    Competitor::single("limit_memcpy", limits::copy_to_ring::<MIB>).variant("4 buffers"),
];

const SET_UP: &[Competitor] = &[
    Competitor::single("ipcraft_set_up", channel::set_up),
    Competitor::single("ringfire_set_up", ringfire::set_up),
    Competitor::single("iceoryx2_set_up", iceoryx2::set_up),
    Competitor::single("ipc_channel", ipc_channel::set_up),
    Competitor::single("interprocess", interprocess::set_up),
    Competitor::single("fifo", pipe::set_up),
    Competitor::single("unix_stream", unix_stream::set_up),
];

const WAITING: &[Competitor] = &[
    Competitor::processes("ipcraft_adaptive", channel::adaptive::<1>),
    Competitor::processes("ipcraft_spin", channel::spin::<1>),
    Competitor::processes("ipcraft_block", channel::block::<1>),
];

const QUEUE_8: &[Competitor] = &[
    Competitor::processes("ipcraft_queue", channel_kinds::queue_round_trips::<1>),
    Competitor::processes("ringfire_queue", ringfire_kinds::queue_round_trips::<1>),
    Competitor::threads("crossbeam_threads", crossbeam::round_trips::<1>),
];

const QUEUE_STREAM_8: &[Competitor] = &[
    Competitor::processes("ipcraft_queue", channel_kinds::queue::<1>),
    Competitor::threads("crossbeam_threads", crossbeam::stream::<1>),
];

const QUEUE_STREAM_64: &[Competitor] = &[
    Competitor::processes("ipcraft_queue", channel_kinds::queue::<8>),
    Competitor::threads("crossbeam_threads", crossbeam::stream::<8>),
];

const BROADCAST_1: &[Competitor] = &[
    Competitor::processes("ipcraft_broadcast", channel_kinds::broadcast::<8, 1>),
    Competitor::processes("ringfire_lossless", ringfire_kinds::broadcast::<8, 1>),
    Competitor::processes("iceoryx2_lossless", iceoryx2_kinds::broadcast::<8, 1>),
];

const BROADCAST_2: &[Competitor] = &[
    Competitor::processes("ipcraft_broadcast", channel_kinds::broadcast::<8, 2>),
    Competitor::processes("ringfire_lossless", ringfire_kinds::broadcast::<8, 2>),
    Competitor::processes("iceoryx2_lossless", iceoryx2_kinds::broadcast::<8, 2>),
];

const BROADCAST_4: &[Competitor] = &[
    Competitor::processes("ipcraft_broadcast", channel_kinds::broadcast::<8, 4>),
    Competitor::processes("ringfire_lossless", ringfire_kinds::broadcast::<8, 4>),
    Competitor::processes("iceoryx2_lossless", iceoryx2_kinds::broadcast::<8, 4>),
];

const NEWEST_8: &[Competitor] = &[
    Competitor::processes("ipcraft_latest", channel_kinds::newest_value::<1>),
    Competitor::processes("iceoryx2_blackboard", iceoryx2_kinds::newest_value::<1>),
    Competitor::processes("ringfire_blackboard", ringfire_kinds::newest_value::<1>),
];

const NEWEST_64: &[Competitor] = &[
    Competitor::processes("ipcraft_latest", channel_kinds::newest_value::<8>),
    Competitor::processes("iceoryx2_blackboard", iceoryx2_kinds::newest_value::<8>),
    Competitor::processes("ringfire_blackboard", ringfire_kinds::newest_value::<8>),
];

const REQUEST_8: &[Competitor] = &[
    Competitor::processes("ipcraft_request", channel_kinds::requests::<1>),
    Competitor::processes("iceoryx2_request", iceoryx2_kinds::requests::<1>),
];

const REQUEST_64: &[Competitor] = &[
    Competitor::processes("ipcraft_request", channel_kinds::requests::<8>),
    Competitor::processes("iceoryx2_request", iceoryx2_kinds::requests::<8>),
];

const RECORDS: &[Competitor] = &[
    Competitor::processes("ipcraft_bytes", records::ours),
    Competitor::processes("iceoryx2_lossless", records::iceoryx2),
    Competitor::processes("ipc_channel", records::ipc_channel),
    Competitor::processes("unix_seqpacket", records::unix_seqpacket),
    Competitor::threads("rtrb_threads", records::rtrb),
];

const UNCONTENDED: &[Competitor] = &[
    Competitor::single("ipcraft_mutex", locks::ours_alone),
    Competitor::single("glibc_robust", locks::glibc_alone::<true>),
    Competitor::single("glibc_plain", locks::glibc_alone::<false>),
    Competitor::single("posix_sync", locks::posix_sync_alone),
    Competitor::single("parking_lot_threads", locks::parking_lot_alone),
];

const CONTENDED: &[Competitor] = &[
    Competitor::processes("ipcraft_mutex", locks::ours_contended),
    Competitor::processes("glibc_robust", locks::glibc_contended::<true>),
    Competitor::processes("glibc_plain", locks::glibc_contended::<false>),
    Competitor::processes("posix_sync", locks::posix_sync_contended),
    Competitor::threads("parking_lot_threads", locks::parking_lot_contended),
];

const DEATH_RECEIVING: &[Competitor] = &[
    Competitor::processes("ipcraft_spin", deaths::ours_receiving::<{ deaths::SPIN }>),
    Competitor::processes("ipcraft_block", deaths::ours_receiving::<{ deaths::BLOCK }>),
    Competitor::processes("ipcraft_adaptive", deaths::ours_receiving::<{ deaths::ADAPTIVE }>),
    Competitor::processes("ringfire_spin", ringfire::receiving_spin),
    Competitor::processes("ringfire_adaptive", ringfire::receiving_futex),
    Competitor::processes("iceoryx2_polled", iceoryx2::receiving_polled),
    Competitor::processes("iceoryx2_events", iceoryx2::receiving_events),
    Competitor::processes("ipc_channel", deaths::ipc_channel_receiving),
    Competitor::processes("interprocess", deaths::interprocess_receiving),
    Competitor::processes("pipe", deaths::pipe_receiving),
    Competitor::processes("unix_stream", deaths::unix_receiving),
];

const DEATH_SENDING: &[Competitor] = &[
    Competitor::processes("ipcraft_spin", deaths::ours_sending::<{ deaths::SPIN }>),
    Competitor::processes("ipcraft_block", deaths::ours_sending::<{ deaths::BLOCK }>),
    Competitor::processes("ipcraft_adaptive", deaths::ours_sending::<{ deaths::ADAPTIVE }>),
    Competitor::processes("ringfire_lossless", ringfire::sending),
    Competitor::processes("iceoryx2_lossless", iceoryx2::sending),
    Competitor::processes("ipc_channel", deaths::ipc_channel_sending),
    Competitor::processes("interprocess", deaths::interprocess_sending),
    Competitor::processes("pipe", deaths::pipe_sending),
    Competitor::processes("unix_stream", deaths::unix_sending),
];

const DEATH_LOCKING: &[Competitor] = &[
    Competitor::processes("ipcraft_mutex", locks::ours_owner_dies),
    Competitor::processes("glibc_robust", locks::glibc_owner_dies::<true>),
    Competitor::processes("glibc_plain", locks::glibc_owner_dies::<false>),
    Competitor::processes("posix_sync", locks::posix_sync_owner_dies),
];

/// Returns the competitor of a scenario by its id.
pub(crate) fn find(scenario: &str, competitor: &str) -> Option<&'static Competitor> {
    let scenario = SCENARIOS.iter().chain([&FAULTY]).find(|known| known.id == scenario)?;
    scenario.competitors.iter().find(|known| known.label() == competitor)
}

/// Returns the text of `--list`: one line for each scenario and each competitor.
pub(crate) fn list() -> String {
    let mut text = String::new();
    for scenario in SCENARIOS {
        text += &format!("{}  {}\n", scenario.id, scenario.title);
        for competitor in scenario.competitors {
            text += &format!("    {}\n", competitor.label());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_every_scenario_has_competitors() {
        let ids: HashSet<_> = SCENARIOS.iter().map(|scenario| scenario.id).collect();
        assert_eq!(ids.len(), SCENARIOS.len());
        for scenario in SCENARIOS {
            let ids: HashSet<_> = scenario.competitors.iter().map(Competitor::label).collect();
            assert_eq!(ids.len(), scenario.competitors.len(), "{}", scenario.id);
            assert!(scenario.competitors.len() > 1, "{}", scenario.id);
        }
    }
}
