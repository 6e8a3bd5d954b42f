use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::{Barrier, Participant};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::shared_value::shared_value;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::unistd::pause;

use super::fixture::kind_of;

ipcraft::shared_struct! {
    struct Race {
        start: Barrier<3>,
        /// The number of arrivals, and of participants that led a round.
        arrivals: AtomicU32,
        leaders: AtomicU32,
    }
}

fn race() -> Shared<Race> {
    shared_value(|race: &Race| race.start.init())
}

#[serial_test]
fn wait_by_all_parties_returns_true_to_exactly_one() {
    const ROUNDS: u32 = 300;
    let race = race();
    let run = || {
        let participant = race.start.join().unwrap();
        for round in 1..=ROUNDS {
            race.arrivals.fetch_add(1, SeqCst);
            let leads = participant.wait().unwrap();
            assert!(race.arrivals.load(SeqCst) >= round * 3, "not all have arrived");
            race.leaders.fetch_add(leads.into(), SeqCst);
            // No participant begins the next round before all have checked this one.
            participant.wait_timeout(LONG_TIMEOUT).unwrap();
            assert_eq!(race.leaders.load(SeqCst), round);
            participant.wait().unwrap();
        }
    };
    let others = [Peer::start(run), Peer::start(run)];
    run();
    others.into_iter().for_each(Peer::join);
    assert_eq!(race.start.rounds(), ROUNDS * 3);
}

/// Starts a process that joins, waits if asked to, and then pauses until it is killed.
fn victim(race: &Race, waits: bool) -> Peer {
    let peer = Peer::start(|| {
        let participant = race.start.join().unwrap();
        if waits {
            participant.wait().unwrap();
        }
        pause();
    });
    peer.wait_asleep();
    peer
}

#[serial_test]
fn wait_after_a_participant_was_killed_fails_with_owner_died() {
    for waits in [false, true] {
        let race = race();
        let victim = victim(&race, waits);
        let other = Peer::start(|| {
            let participant = race.start.join().unwrap();
            // The second call reports the death without blocking.
            for _ in 0..2 {
                assert_eq!(kind_of(participant.wait()), ErrorKind::OwnerDied);
            }
        });
        other.wait_asleep();
        victim.kill();
        other.join();
        let late = race.start.join().unwrap();
        let later = race.start.join().unwrap();
        drop((late, later));
    }
}

#[serial_test]
fn wait_after_a_replacement_joined_completes_the_round() {
    let race = race();
    let victim = victim(&race, false);
    let run = || {
        let participant = race.start.join().unwrap();
        let mut failures = 0;
        loop {
            match participant.wait() {
                Ok(leads) => return (failures, leads),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::OwnerDied);
                    failures += 1;
                    std::thread::sleep(SHORT_TIMEOUT / 4);
                }
            }
        }
    };
    let others = [0, 1].map(|_| {
        Peer::start(|| {
            let (failures, leads) = run();
            assert!(failures > 0);
            race.leaders.fetch_add(leads.into(), SeqCst);
        })
    });
    others.iter().for_each(Peer::wait_asleep);
    victim.kill();
    std::thread::sleep(SHORT_TIMEOUT * 2);
    assert_eq!(race.start.rounds(), 0);
    let (_, leads) = run();
    others.into_iter().for_each(Peer::join);
    assert_eq!((race.start.rounds(), race.leaders.load(SeqCst) + u32::from(leads)), (1, 1));
}

#[serial_test]
fn participant_that_leaves_does_not_disturb_waiters() {
    let race = race();
    let stays = Peer::start(|| {
        let participant = race.start.join().unwrap();
        participant.wait().unwrap();
    });
    stays.wait_asleep();
    let (second, third) = (race.start.join().unwrap(), race.start.join().unwrap());
    assert_eq!(kind_of(second.wait_timeout(SHORT_TIMEOUT)), ErrorKind::Deadlock);
    // Leaving is not a death: the other participants keep waiting.
    drop((second, third));
    std::thread::sleep(SHORT_TIMEOUT * 3);
    stays.wait_asleep();
    let other = Peer::start(|| assert!(!race.start.join().unwrap().wait().unwrap()));
    other.wait_asleep();
    assert!(race.start.join().unwrap().wait().unwrap());
    other.join();
    stays.join();
    assert_eq!(race.start.rounds(), 1);
}

#[serial_test]
fn join_of_a_full_barrier_fails_with_limit_reached() {
    let race = race();
    let all: Vec<_> = (0..3).map(|_| race.start.join().unwrap()).collect();
    assert_eq!(all.iter().map(Participant::number).collect::<Vec<_>>(), [0, 1, 2]);
    let error = race.start.join().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitReached);
    assert_eq!(error.limit().map(|limit| (limit.value(), limit.requested())), Some((3, Some(4))));
    drop(all);
    drop(race.start.join().unwrap());
}

/// The round completes only after the participant whose wait timed out has arrived again.
#[serial_test]
fn wait_that_timed_out_withdraws_the_arrival() {
    let race = race();
    let participant = race.start.join().unwrap();
    assert_eq!(kind_of(participant.wait_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    let others = [0, 1].map(|_| Peer::start(|| assert!(!race.start.join().unwrap().wait().unwrap())));
    others.iter().for_each(Peer::wait_asleep);
    assert_eq!(race.start.rounds(), 0);
    assert!(participant.wait().unwrap(), "it arrives last");
    others.into_iter().for_each(Peer::join);
}

#[serial_test]
fn try_wait_completes_the_round_or_returns_would_block() {
    let race = race();
    let participant = race.start.join().unwrap();
    assert_eq!(kind_of(participant.try_wait()), ErrorKind::WouldBlock);
    let others = [(); 2].map(|()| Peer::start(|| assert!(!race.start.join().unwrap().wait().unwrap())));
    others.iter().for_each(Peer::wait_asleep);
    participant.try_wait().unwrap();
    others.into_iter().for_each(Peer::join);
}
