use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;

use ipcraft::ErrorKind;
use ipcraft::sync::OnceState;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::SHORT_TIMEOUT;
use nix::unistd::pause;

use super::fixture::{Fixture, kind_of};

#[serial_test]
fn call_once_by_many_processes_runs_once() {
    let fixture = Fixture::new();
    let call = || {
        fixture.go.wait().unwrap();
        fixture
            .once
            .call_once(|state| {
                assert_eq!(state, OnceState::First);
                std::thread::yield_now();
                fixture.number.fetch_add(1, SeqCst);
            })
            .unwrap();
        assert_eq!(fixture.number.load(SeqCst), 1, "a returning process sees the effects of the call");
        assert!(fixture.once.is_done());
    };
    let peers: Vec<_> = (0..6).map(|_| Peer::start(call)).collect();
    fixture.go.set().unwrap();
    peers.into_iter().for_each(Peer::join);
}

#[serial_test]
fn call_once_after_caller_was_killed_runs_again() {
    let fixture = Fixture::new();
    for attempt in [OnceState::First, OnceState::Again, OnceState::Again] {
        let caller = Peer::start(|| {
            let call = |found| {
                assert_eq!(found, attempt);
                pause();
            };
            fixture.once.call_once(call).unwrap();
        });
        caller.wait_asleep();
        assert!(!fixture.once.is_done());
        caller.kill();
    }
    // The next caller waits while this one dies.
    let caller = Peer::start(|| fixture.once.call_once(|_| pause()).unwrap());
    caller.wait_asleep();
    let next = Peer::start(|| fixture.once.call_once(|state| assert_eq!(state, OnceState::Again)).unwrap());
    next.wait_asleep();
    caller.kill();
    next.join();
    fixture.once.call_once(|_| unreachable!()).unwrap();
}

#[serial_test]
fn call_once_after_panic_runs_again() {
    let fixture = Fixture::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| fixture.once.call_once(|_| panic!("on purpose"))));
    panicked.map(drop).unwrap_err();
    assert!(!fixture.once.is_done());
    Peer::start(|| fixture.once.call_once(|state| assert_eq!(state, OnceState::Again)).unwrap()).join();
    assert!(fixture.once.is_done());
}

#[serial_test]
fn call_once_without_blocking_or_with_timeout_reports_a_running_call() {
    let fixture = Fixture::new();
    let caller = Peer::start(|| fixture.once.call_once(|_| pause()).unwrap());
    caller.wait_asleep();
    assert_eq!(kind_of(fixture.once.try_call_once(|_| unreachable!())), ErrorKind::WouldBlock);
    let timed = fixture.once.call_once_timeout(SHORT_TIMEOUT, |_| unreachable!());
    assert_eq!(kind_of(timed), ErrorKind::TimedOut);
    caller.kill();
    fixture.once.try_call_once(|state| assert_eq!(state, OnceState::Again)).unwrap();
    fixture.once.call_once_timeout(SHORT_TIMEOUT, |_| unreachable!()).unwrap();
}
