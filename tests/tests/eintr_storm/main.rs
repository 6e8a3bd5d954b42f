//! A storm of a thousand signals a second, on both sides of every mechanism.
//!
//! In it nothing is lost and nothing comes twice, no call fails for a signal, and a deadline ends a call neither early
//! nor never. Each test is made with a handler that was installed with `SA_RESTART`, and again with one without. The
//! tests are named after way, behaviour and handler, so that `cargo test -p ipcraft-tests --test eintr_storm pipe::` runs
//! those of one way.

mod bare;
mod channels;
mod complete;
mod counters;
mod exchange;
mod locks;
mod objects;
mod pipes;
mod processes;
mod queues;
mod ring;
mod sockets;
mod subjects;

use std::collections::BTreeSet;
use std::process::ExitCode;

use exchange::Route;
use ipcraft_tests::eintr_storm::Handler;
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::namespace::enter_own_ipc;
use ipcraft_tests::suite;
use libtest_mimic::Trial;

/// What has no two ends to send and receive by.
struct Other {
    name: &'static str,
    /// The waiting operation of the library, where one of its forms takes a time.
    waits: Option<&'static str>,
    test: fn(Handler),
}

const OTHERS: &[Other] = &[
    Other {
        name: "system_calls::see_hundreds_of_signals",
        waits: None,
        test: bare::hundreds_of_signals_come,
    },
    Other { name: "system_calls::are_interrupted", waits: None, test: bare::calls_are_interrupted },
    Other { name: "splice_into_a_socket::arrives", waits: None, test: pipes::splice_into_a_socket },
    Other { name: "splice_into_a_file::arrives", waits: None, test: pipes::splice_into_a_file },
    Other {
        name: "sysv_semaphores::get_their_values",
        waits: Some("semaphore::sysv::Options::wait_for_creator"),
        test: objects::set_gets_its_values,
    },
    Other { name: "reclaiming_a_path::comes_to_its_turn", waits: None, test: objects::turn_comes },
    Other { name: "process::is_started", waits: None, test: processes::child_is_started },
    Other { name: "process::ends", waits: Some("process::PidFd::wait"), test: processes::child_ends },
    Other {
        name: "process::of_others_ends",
        waits: Some("process::PidFd::wait"),
        test: processes::stranger_ends,
    },
    Other { name: "mutexes::exclude", waits: Some("sync::Mutex::lock"), test: locks::mutex },
    Other { name: "writers::exclude", waits: Some("sync::RwLock::write"), test: locks::writers },
    Other { name: "readers::exclude_writers", waits: Some("sync::RwLock::read"), test: locks::readers },
    Other { name: "permits::exclude", waits: Some("sync::Semaphore::acquire"), test: locks::permits },
    Other { name: "set_events::arrive", waits: Some("sync::Event::wait"), test: locks::events },
    Other { name: "barriers::hold", waits: Some("sync::Participant::wait"), test: locks::barrier },
    Other {
        name: "calls::are_answered",
        waits: Some("channel::request::Client::call"),
        test: channels::calls,
    },
    Other { name: "answers::arrive", waits: Some("channel::request::Client::recv"), test: channels::answers },
    Other { name: "values::change", waits: Some("channel::latest::Reader::changed"), test: channels::values },
    Other { name: "memory::is_reserved", waits: None, test: objects::large_memory_is_made },
];

fn main() -> ExitCode {
    if processes::play_child() {
        return ExitCode::SUCCESS;
    }
    enter_own_ipc();
    let before = Snapshot::take();
    let routes: &'static [Route] = Vec::leak(routes());
    let mut tests: Vec<Trial> =
        Handler::BOTH.iter().flat_map(|&handler| in_a_storm(routes, handler)).collect();
    let tested = tested(routes);
    tests.extend([
        suite::of(complete::the_source_is_understood),
        suite::test("complete::every_waiting_operation_is_in_the_storm", move || {
            complete::every_waiting_operation_is_in_the_storm(&tested);
        }),
        suite::nothing_is_left_behind(before),
    ]);
    suite::run(tests)
}

fn routes() -> Vec<Route> {
    let own = [
        pipes::ROUTES,
        sockets::ROUTES,
        queues::ROUTES,
        ring::ROUTES,
        counters::ROUTES,
        objects::ROUTES,
        locks::ROUTES,
        channels::ROUTES,
    ];
    subjects::routes().chain(own.into_iter().flatten().copied()).collect()
}

fn in_a_storm(routes: &'static [Route], handler: Handler) -> Vec<Trial> {
    let suffix = if handler == Handler::Restarting { "restarting" } else { "interrupting" };
    let mut tests = Vec::new();
    for route in routes {
        let name = |behaviour| format!("{}::{behaviour}::{suffix}", route.name);
        tests.push(suite::test(name("arrives"), move || exchange::arrives(route, handler)));
        tests.push(suite::test(name("deadlines_hold"), move || exchange::deadlines_hold(route, handler)));
    }
    for other in OTHERS {
        tests.push(suite::test(format!("{}::{suffix}", other.name), move || (other.test)(handler)));
    }
    tests
}

/// The operations that are waited in.
fn tested(routes: &[Route]) -> BTreeSet<&'static str> {
    let by_routes = routes.iter().flat_map(|route| route.sends.iter().chain(route.receives).copied());
    by_routes.chain(OTHERS.iter().filter_map(|other| other.waits)).collect()
}
