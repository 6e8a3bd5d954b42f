//! A storm of a thousand signals a second on both sides of every mechanism.
//!
//! No message is lost or arrives twice, no call fails because of a signal, and a deadline ends a
//! call neither early nor never. Each test runs with a handler that was installed with
//! `SA_RESTART`, and again with one without. Its name is the route, the behaviour and the handler:
//! `cargo test -p ipcraft-tests --test eintr_storm -- pipe` runs one mechanism.

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
mod whole;

use std::collections::BTreeSet;
use std::process::ExitCode;

use exchange::Route;
use ipcraft_tests::eintr_storm::Handler;
use ipcraft_tests::in_processes;
use ipcraft_tests::kernel::skipped_without_futex_waitv;
use ipcraft_tests::namespace::enter_own_ipc;
use ipcraft_tests::suite::{self, Outcome};
use libtest_mimic::Trial;

/// The tests that run at the same time, per core. They block nearly all the time.
const PROCESSES_PER_CORE: usize = 4;

/// A test of operations that are no send and receive.
struct Other {
    name: &'static str,
    /// The blocking operation of the library, where one of its forms takes a timeout.
    waits: Option<&'static str>,
    test: fn(Handler),
}

const OTHERS: &[Other] = &[
    Other { name: "hundreds_of_signals_arrive", waits: None, test: bare::hundreds_of_signals_come },
    Other { name: "system_calls_are_interrupted", waits: None, test: bare::calls_are_interrupted },
    Other { name: "splice_into_a_socket_arrives", waits: None, test: pipes::splice_into_a_socket },
    Other { name: "splice_into_a_file_arrives", waits: None, test: pipes::splice_into_a_file },
    Other {
        name: "sysv_semaphore_wait_for_creator_returns",
        waits: Some("semaphore::sysv::Options::wait_for_creator"),
        test: objects::set_gets_its_values,
    },
    Other {
        name: "posix_semaphore_open_waits_for_the_name",
        waits: Some("semaphore::posix::Options::open"),
        test: objects::semaphore_appears,
    },
    Other { name: "reclaim_stale_path_takes_its_turn", waits: None, test: objects::turn_comes },
    Other { name: "process_spawn_starts_the_child", waits: None, test: processes::child_is_started },
    Other {
        name: "pidfd_wait_returns_the_end_of_a_child",
        waits: Some("process::PidFd::wait"),
        test: processes::child_ends,
    },
    Other {
        name: "pidfd_wait_returns_the_end_of_another_process",
        waits: Some("process::PidFd::wait"),
        test: processes::stranger_ends,
    },
    Other {
        name: "pidfd_wait_stopped_returns_each_stop",
        waits: Some("process::PidFd::wait_stopped"),
        test: processes::child_stops,
    },
    Other {
        name: "pidfd_wait_continued_returns_each_continuation",
        waits: Some("process::PidFd::wait_continued"),
        test: processes::child_continues,
    },
    Other { name: "mutex_lock_excludes", waits: Some("sync::Mutex::lock"), test: locks::mutex },
    Other { name: "futex_pi_lock_excludes", waits: Some("futex::pi::lock"), test: locks::words },
    Other { name: "rwlock_write_excludes", waits: Some("sync::RwLock::write"), test: locks::writers },
    Other { name: "rwlock_read_excludes_writers", waits: Some("sync::RwLock::read"), test: locks::readers },
    Other {
        name: "semaphore_acquire_excludes",
        waits: Some("sync::Semaphore::acquire"),
        test: locks::permits,
    },
    Other {
        name: "once_call_returns_after_the_call",
        waits: Some("sync::Once::call_once"),
        test: locks::once,
    },
    Other { name: "event_wait_returns_once_set", waits: Some("sync::Event::wait"), test: locks::events },
    Other {
        name: "barrier_wait_holds_each_round",
        waits: Some("sync::Participant::wait"),
        test: locks::barrier,
    },
    Other {
        name: "request_call_returns_the_reply",
        waits: Some("channel::request::Client::call"),
        test: channels::calls,
    },
    Other {
        name: "request_recv_returns_the_reply",
        waits: Some("channel::request::Client::recv"),
        test: channels::answers,
    },
    Other {
        name: "latest_changed_returns_each_change",
        waits: Some("channel::latest::Reader::changed"),
        test: channels::values,
    },
    Other { name: "large_memory_is_reserved", waits: None, test: objects::large_memory_is_made },
];

fn main() -> ExitCode {
    if processes::play_child() {
        return ExitCode::SUCCESS;
    }
    enter_own_ipc();
    let routes: &'static [Route] = Vec::leak(routes());
    let mut tests: Vec<Trial> =
        Handler::BOTH.iter().flat_map(|&handler| in_a_storm(routes, handler)).collect();
    let tested = tested(routes);
    tests.extend([
        suite::test("blocking_operations_are_found_in_source", complete::the_source_is_understood),
        suite::test("every_blocking_operation_is_in_the_storm", move || {
            complete::every_waiting_operation_is_in_the_storm(&tested);
        }),
    ]);
    in_processes::run(tests, PROCESSES_PER_CORE)
}

fn routes() -> Vec<Route> {
    let own = [
        pipes::ROUTES,
        whole::ROUTES,
        sockets::ROUTES,
        queues::ROUTES,
        ring::ROUTES,
        counters::ROUTES,
        objects::ROUTES,
        locks::ROUTES,
    ];
    subjects::routes().chain(own.into_iter().flatten().copied()).chain(channels::routes()).collect()
}

fn in_a_storm(routes: &'static [Route], handler: Handler) -> Vec<Trial> {
    let suffix = if handler == Handler::Restarting { "with_sa_restart" } else { "without_sa_restart" };
    let mut tests = Vec::new();
    for route in routes {
        let name = |behaviour| format!("{}_{behaviour}_{suffix}", route.name);
        tests.push(suite::skippable(name("messages_arrive"), move || {
            unless_skipped(route, || exchange::arrives(route, handler))
        }));
        tests.push(suite::skippable(name("timeout_expires_at_deadline"), move || {
            unless_skipped(route, || exchange::deadlines_hold(route, handler))
        }));
    }
    for other in OTHERS {
        tests.push(suite::test(format!("{}_{suffix}", other.name), move || (other.test)(handler)));
    }
    tests
}

fn unless_skipped(route: &Route, test: impl FnOnce()) -> Outcome {
    let skipped = route.sends.contains(&"futex::wait_any").then(skipped_without_futex_waitv);
    skipped.flatten().unwrap_or_else(|| {
        test();
        Outcome::Passed
    })
}

/// The operations that block in a test.
fn tested(routes: &[Route]) -> BTreeSet<&'static str> {
    let by_routes = routes.iter().flat_map(|route| route.sends.iter().chain(route.receives).copied());
    by_routes.chain(OTHERS.iter().filter_map(|other| other.waits)).collect()
}
