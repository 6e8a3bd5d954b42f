use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;

use ipcraft::sync::OnceState;
use ipcraft_tests::peer::Peer;
use nix::unistd::pause;

use super::zone::Zone;

pub(super) fn is_called_once_by_many() {
    let zone = Zone::new();
    let call = || {
        zone.go.wait().unwrap();
        zone.once
            .call_once(|attempt| {
                assert_eq!(attempt, OnceState::First);
                std::thread::yield_now();
                zone.number.fetch_add(1, SeqCst);
            })
            .unwrap();
        assert_eq!(zone.number.load(SeqCst), 1, "who returns sees what the call did");
        assert!(zone.once.is_done());
    };
    let peers: Vec<_> = (0..6).map(|_| Peer::start(call)).collect();
    zone.go.set().unwrap();
    peers.into_iter().for_each(Peer::join);
}

pub(super) fn is_called_again_after_a_death() {
    let zone = Zone::new();
    for attempt in [OnceState::First, OnceState::Again, OnceState::Again] {
        let dying = Peer::start(|| {
            let call = |found| {
                assert_eq!(found, attempt);
                pause();
            };
            zone.once.call_once(call).unwrap();
        });
        dying.wait_asleep();
        assert!(!zone.once.is_done());
        dying.kill();
    }
    // One waits while the last but one dies.
    let dying = Peer::start(|| zone.once.call_once(|_| pause()).unwrap());
    dying.wait_asleep();
    let next = Peer::start(|| zone.once.call_once(|attempt| assert_eq!(attempt, OnceState::Again)).unwrap());
    next.wait_asleep();
    dying.kill();
    next.join();
    zone.once.call_once(|_| unreachable!()).unwrap();
}

pub(super) fn is_called_again_after_a_panic() {
    let zone = Zone::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| zone.once.call_once(|_| panic!("on purpose"))));
    panicked.map(drop).unwrap_err();
    assert!(!zone.once.is_done());
    Peer::start(|| zone.once.call_once(|attempt| assert_eq!(attempt, OnceState::Again)).unwrap()).join();
    assert!(zone.once.is_done());
}
