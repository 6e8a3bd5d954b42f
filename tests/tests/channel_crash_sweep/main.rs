//! The channels, with a process killed at every instruction of every operation.
//!
//! Messages are numbered. What was sent and received with success is logged in memory apart from
//! the channel immediately afterwards. So after each kill it is known which messages may not be
//! lost, and which may not arrive twice.
//!
//! `IPCRAFT_SWEEP=all` tries every position of short operations. For operations that are long or
//! that block, it tries every third, seventh and so on, as each report shows.

mod broadcast;
mod creation;
mod delivery_log;
mod event_loop;
mod every_kind;
mod exchange;
mod latest;
mod leases;
mod receivers;
mod request;
mod senders;
mod survivor;

use std::process::ExitCode;

use every_kind::{leasing, receiving, sending};
use ipcraft_tests::channel_kind::{Broadcast, Bytes, Latest, Mpmc, OverwritingBroadcast, Requests, Spsc};
use ipcraft_tests::{for_each_kind, in_processes};

/// Messages of one word, which is delivered inline; of some words that are copied one by one; and
/// of many that are not.
type One = [u64; 1];
type Few = [u64; 9];
type Many = [u64; 33];

fn main() -> ExitCode {
    let mut tests = Vec::new();
    macro_rules! leasing_of_each {
        ($($kind:ident),*) => { $(tests.extend(leasing::<$kind<One>>());)* };
    }
    for_each_kind!(leasing_of_each);
    // A reader of the newest value misses values, and a late subscriber misses messages: these have
    // their own sweeps.
    macro_rules! sending_of_each {
        ($($kind:ident),*) => { $(tests.extend(sending::<$kind<One>, $kind<Few>, $kind<Many>>());)* };
    }
    sending_of_each!(Spsc, Bytes, Mpmc, Broadcast, Requests);
    macro_rules! receiving_of_each {
        ($($kind:ident),*) => { $(tests.extend(receiving::<$kind<One>, $kind<Few>, $kind<Many>>());)* };
    }
    receiving_of_each!(Spsc, Bytes, Mpmc, Requests);
    macro_rules! event_loops_of_each {
        ($($kind:ident),*) => { $(tests.extend(event_loop::tests::<$kind<One>>());)* };
    }
    event_loops_of_each!(Spsc, Bytes, Mpmc, Broadcast, Requests);
    tests.extend(every_kind::sending_in_a_row::<Spsc<One>>());
    tests.extend(broadcast::tests());
    tests.extend(latest::tests());
    tests.extend(request::tests());
    in_processes::run(tests, 1)
}
