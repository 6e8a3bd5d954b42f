//! The list of all scenarios and their competitors.

use ipcraft_bench::Placement;

use crate::competitor::{Competitor, Scenario};
use crate::competitors::{MANY_SLOTS, SLOTS};
use crate::competitors::{
    channel, channel_bytes, faulty, iceoryx2, interprocess, ipc_channel, limits, pipe, ringfire, rtrb,
    unix_stream,
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
        competitors: SPIN_8,
    },
    Scenario {
        id: "spin_48",
        title: "ROUND TRIP, 48 B, spinning, two cores",
        task: Task::RoundTrip,
        size: 48,
        placement: Placement::TwoCores,
        competitors: SPIN_48,
    },
    Scenario {
        id: "block_two_cores",
        title: "ROUND TRIP, 8 B, blocking, two cores",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::TwoCores,
        competitors: BLOCK,
    },
    Scenario {
        id: "block_same_core",
        title: "ROUND TRIP, 8 B, blocking, both processes on one core",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::SameCore,
        competitors: BLOCK,
    },
    Scenario {
        id: "stream_8",
        title: "STREAM, 8 B, one way without loss, two cores, 1024 slots",
        task: Task::Stream,
        size: 8,
        placement: Placement::TwoCores,
        competitors: STREAM_8,
    },
    Scenario {
        id: "stream_64",
        title: "STREAM, 64 B, one way without loss, two cores, 1024 slots",
        task: Task::Stream,
        size: 64,
        placement: Placement::TwoCores,
        competitors: STREAM_64,
    },
    Scenario {
        id: "stream_8_wide",
        title: "STREAM, 8 B, one way without loss, two cores, 65536 slots",
        task: Task::Stream,
        size: 8,
        placement: Placement::TwoCores,
        competitors: WIDE_8,
    },
    Scenario {
        id: "stream_64_wide",
        title: "STREAM, 64 B, one way without loss, two cores, 65536 slots",
        task: Task::Stream,
        size: 64,
        placement: Placement::TwoCores,
        competitors: WIDE_64,
    },
    Scenario {
        id: "stream_64k",
        title: "STREAM, 64 KiB, one way without loss, two cores",
        task: Task::Stream,
        size: KIB_64,
        placement: Placement::TwoCores,
        competitors: STREAM_64K,
    },
    Scenario {
        id: "stream_1m",
        title: "STREAM, 1 MiB, one way without loss, two cores",
        task: Task::Stream,
        size: MIB,
        placement: Placement::TwoCores,
        competitors: STREAM_1M,
    },
    Scenario {
        id: "set_up",
        title: "SET-UP: a named channel, both endpoints, the first message of 8 B",
        task: Task::SetUp,
        size: 8,
        placement: Placement::SameCore,
        competitors: SET_UP,
    },
    Scenario {
        id: "waiting_two_cores",
        title: "WAIT STRATEGIES: round trip, 8 B, two cores",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::TwoCores,
        competitors: WAITING,
    },
    Scenario {
        id: "waiting_same_core",
        title: "WAIT STRATEGIES: round trip, 8 B, both processes on one core",
        task: Task::RoundTrip,
        size: 8,
        placement: Placement::SameCore,
        competitors: WAITING,
    },
];

/// Competitors that fail. Measured only if it is named in full.
pub(crate) static FAULTY: Scenario = Scenario {
    id: "faulty",
    title: "FAULTY: failures that a run has to survive",
    task: Task::RoundTrip,
    size: 8,
    placement: Placement::SameCore,
    competitors: &[
        Competitor::processes("pipe", pipe::round_trips::<1>),
        Competitor::processes("silent", faulty::silent),
        Competitor::processes("exiting", faulty::exiting),
        Competitor::processes("panicking", faulty::panicking),
        Competitor::processes("corrupting", faulty::corrupting),
        Competitor::processes("unresponsive", faulty::unresponsive),
    ],
};

const SPIN_8: &[Competitor] = &[
    Competitor::processes("ipcraft spin", channel::spin::<1>),
    Competitor::processes("limit: store and load", limits::store_load::<1>),
    Competitor::processes("limit: compare-and-swap", limits::compare_and_swap),
    Competitor::processes("ringfire spin", ringfire::spin::<1>),
    Competitor::processes("iceoryx2 polled", iceoryx2::polled::<1>),
    Competitor::threads("rtrb (threads)", rtrb::round_trips::<1>),
];

const SPIN_48: &[Competitor] = &[
    Competitor::processes("ipcraft spin", channel::spin::<6>),
    Competitor::processes("limit: store and load", limits::store_load::<6>),
    Competitor::processes("limit: compare-and-swap", limits::compare_and_swap),
    Competitor::processes("ringfire spin", ringfire::spin::<6>),
    Competitor::processes("iceoryx2 polled", iceoryx2::polled::<6>),
    Competitor::threads("rtrb (threads)", rtrb::round_trips::<6>),
];

const BLOCK: &[Competitor] = &[
    Competitor::processes("ipcraft block", channel::block::<1>),
    Competitor::processes("ipcraft adaptive", channel::adaptive::<1>),
    Competitor::processes("limit: futex", limits::futex),
    Competitor::processes("ringfire futex", ringfire::futex::<1>),
    Competitor::processes("ringfire adaptive", ringfire::adaptive::<1>),
    Competitor::processes("iceoryx2 events", iceoryx2::events::<1>),
    Competitor::processes("ipc-channel", ipc_channel::round_trips),
    Competitor::processes("interprocess", interprocess::round_trips::<1>),
    Competitor::processes("pipe", pipe::round_trips::<1>),
    Competitor::processes("Unix stream", unix_stream::round_trips::<1>),
];

const STREAM_8: &[Competitor] = &[
    Competitor::processes("ipcraft spin", channel::single::<1, SLOTS>),
    Competitor::processes("ipcraft adaptive", channel::single_adaptive::<1>),
    Competitor::processes("ipcraft spin, batches of 64", channel::batches::<1, SLOTS>),
    Competitor::threads("rtrb (threads)", rtrb::single::<1, SLOTS>),
    Competitor::threads("rtrb (threads), chunks of 64", rtrb::chunks::<1, SLOTS>),
    Competitor::processes("ringfire", ringfire::single::<1, { SLOTS as u64 }>),
    Competitor::processes("ringfire, batches of 64", ringfire::batches::<1, { SLOTS as u64 }>),
    Competitor::processes("iceoryx2", iceoryx2::stream::<1>),
    Competitor::processes("pipe", pipe::stream::<1>),
    Competitor::processes("Unix stream", unix_stream::stream::<1>),
];

const STREAM_64: &[Competitor] = &[
    Competitor::processes("ipcraft spin", channel::single::<8, SLOTS>),
    Competitor::processes("ipcraft adaptive", channel::single_adaptive::<8>),
    Competitor::processes("ipcraft spin, batches of 64", channel::batches::<8, SLOTS>),
    Competitor::threads("rtrb (threads)", rtrb::single::<8, SLOTS>),
    Competitor::threads("rtrb (threads), chunks of 64", rtrb::chunks::<8, SLOTS>),
    Competitor::processes("ringfire", ringfire::single::<8, { SLOTS as u64 }>),
    Competitor::processes("ringfire, batches of 64", ringfire::batches::<8, { SLOTS as u64 }>),
    Competitor::processes("iceoryx2", iceoryx2::stream::<8>),
    Competitor::processes("pipe", pipe::stream::<8>),
    Competitor::processes("Unix stream", unix_stream::stream::<8>),
];

const WIDE_8: &[Competitor] = &[
    Competitor::processes("ipcraft spin", channel::single::<1, MANY_SLOTS>),
    Competitor::processes("ipcraft spin, batches of 64", channel::batches::<1, MANY_SLOTS>),
    Competitor::threads("rtrb (threads)", rtrb::single::<1, MANY_SLOTS>),
    Competitor::threads("rtrb (threads), chunks of 64", rtrb::chunks::<1, MANY_SLOTS>),
    Competitor::processes("ringfire", ringfire::single::<1, { MANY_SLOTS as u64 }>),
    Competitor::processes("ringfire, batches of 64", ringfire::batches::<1, { MANY_SLOTS as u64 }>),
];

const WIDE_64: &[Competitor] = &[
    Competitor::processes("ipcraft spin", channel::single::<8, MANY_SLOTS>),
    Competitor::processes("ipcraft spin, batches of 64", channel::batches::<8, MANY_SLOTS>),
    Competitor::threads("rtrb (threads)", rtrb::single::<8, MANY_SLOTS>),
    Competitor::threads("rtrb (threads), chunks of 64", rtrb::chunks::<8, MANY_SLOTS>),
    Competitor::processes("ringfire", ringfire::single::<8, { MANY_SLOTS as u64 }>),
    Competitor::processes("ringfire, batches of 64", ringfire::batches::<8, { MANY_SLOTS as u64 }>),
];

const STREAM_64K: &[Competitor] = &[
    Competitor::processes("ipcraft copy", channel_bytes::copy::<KIB_64>),
    Competitor::processes("ipcraft loan", channel_bytes::loan::<KIB_64>),
    Competitor::processes("ipcraft typed, copy", channel::copy::<KIB_64>),
    Competitor::processes("ipcraft typed, loan", channel::loan::<KIB_64>),
    Competitor::processes("iceoryx2 loan", iceoryx2::loan::<KIB_64>),
    Competitor::processes("pipe", pipe::large::<KIB_64>),
    Competitor::processes("Unix stream", unix_stream::large::<KIB_64>),
    Competitor::single("limit: memcpy", limits::copy::<KIB_64>),
    Competitor::single("limit: memcpy round 4 buffers", limits::copy_to_ring::<KIB_64>),
];

const STREAM_1M: &[Competitor] = &[
    Competitor::processes("ipcraft copy", channel_bytes::copy::<MIB>),
    Competitor::processes("ipcraft loan", channel_bytes::loan::<MIB>),
    Competitor::processes("ipcraft typed, copy", channel::copy::<MIB>),
    Competitor::processes("ipcraft typed, loan", channel::loan::<MIB>),
    Competitor::processes("iceoryx2 loan", iceoryx2::loan::<MIB>),
    Competitor::processes("pipe", pipe::large::<MIB>),
    Competitor::processes("Unix stream", unix_stream::large::<MIB>),
    Competitor::single("limit: memcpy", limits::copy::<MIB>),
    Competitor::single("limit: memcpy round 4 buffers", limits::copy_to_ring::<MIB>),
];

const SET_UP: &[Competitor] = &[
    Competitor::single("ipcraft", channel::set_up),
    Competitor::single("ringfire", ringfire::set_up),
    Competitor::single("iceoryx2", iceoryx2::set_up),
    Competitor::single("ipc-channel", ipc_channel::set_up),
    Competitor::single("interprocess", interprocess::set_up),
    Competitor::single("FIFO", pipe::set_up),
    Competitor::single("Unix stream", unix_stream::set_up),
];

const WAITING: &[Competitor] = &[
    Competitor::processes("ipcraft adaptive", channel::adaptive::<1>),
    Competitor::processes("ipcraft spin", channel::spin::<1>),
    Competitor::processes("ipcraft block", channel::block::<1>),
];

/// Returns the competitor of a scenario by its id.
pub(crate) fn find(scenario: &str, competitor: &str) -> Option<&'static Competitor> {
    let scenario = SCENARIOS.iter().chain([&FAULTY]).find(|known| known.id == scenario)?;
    scenario.competitors.iter().find(|known| known.id == competitor)
}

/// Returns the text of `--list`: one line for each scenario and each competitor.
pub(crate) fn list() -> String {
    let mut text = String::new();
    for scenario in SCENARIOS {
        text += &format!("{}  {}\n", scenario.id, scenario.title);
        for competitor in scenario.competitors {
            text += &format!("    {}\n", competitor.id);
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
            let ids: HashSet<_> = scenario.competitors.iter().map(|competitor| competitor.id).collect();
            assert_eq!(ids.len(), scenario.competitors.len(), "{}", scenario.id);
            assert!(scenario.competitors.len() > 1, "{}", scenario.id);
        }
    }
}
