use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::{Barrier, Participant};
use ipcraft_tests::peer::Peer;
use nix::unistd::pause;

use super::zone::{kind_of, shared};
use super::{LONG, SHORT};

ipcraft::shared_struct! {
    struct Race {
        start: Barrier<3>,
        /// How many have come to the round, and how many lead it.
        come: AtomicU32,
        leaders: AtomicU32,
    }
}

fn race() -> Shared<Race> {
    shared(|race: &Race| race.start.init())
}

pub(super) fn lets_all_go_on_and_one_lead() {
    const ROUNDS: u32 = 300;
    let race = race();
    let run = || {
        let participant = race.start.join().unwrap();
        for round in 1..=ROUNDS {
            race.come.fetch_add(1, SeqCst);
            let leads = participant.wait().unwrap();
            assert!(race.come.load(SeqCst) >= round * 3, "not all have come");
            race.leaders.fetch_add(leads.into(), SeqCst);
            // Nobody comes to the next round before all have looked.
            participant.wait_timeout(LONG).unwrap();
            assert_eq!(race.leaders.load(SeqCst), round);
            participant.wait().unwrap();
        }
    };
    let others = [Peer::start(run), Peer::start(run)];
    run();
    others.into_iter().for_each(Peer::join);
    assert_eq!(race.start.rounds(), ROUNDS * 3);
}

/// One that has joined, and waits a first time if it is to.
fn dying(race: &Race, waits: bool) -> Peer {
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

pub(super) fn tells_everybody_of_a_dead_participant() {
    for waits in [false, true] {
        let race = race();
        let dying = dying(&race, waits);
        let other = Peer::start(|| {
            let participant = race.start.join().unwrap();
            // The second time it is told at once.
            for _ in 0..2 {
                assert_eq!(kind_of(participant.wait()), ErrorKind::OwnerDied);
            }
        });
        other.wait_asleep();
        dying.kill();
        other.join();
        let late = race.start.join().unwrap();
        let later = race.start.join().unwrap();
        drop((late, later));
    }
}

pub(super) fn goes_on_with_a_replacement() {
    let race = race();
    let dying = dying(&race, false);
    let run = || {
        let participant = race.start.join().unwrap();
        let mut told = 0;
        loop {
            match participant.wait() {
                Ok(leads) => return (told, leads),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::OwnerDied);
                    told += 1;
                    std::thread::sleep(SHORT / 4);
                }
            }
        }
    };
    let others = [0, 1].map(|_| {
        Peer::start(|| {
            let (told, leads) = run();
            assert!(told > 0);
            race.leaders.fetch_add(leads.into(), SeqCst);
        })
    });
    others.iter().for_each(Peer::wait_asleep);
    dying.kill();
    std::thread::sleep(SHORT * 2);
    assert_eq!(race.start.rounds(), 0);
    let (_, leads) = run();
    others.into_iter().for_each(Peer::join);
    assert_eq!((race.start.rounds(), race.leaders.load(SeqCst) + u32::from(leads)), (1, 1));
}

pub(super) fn lets_participants_leave() {
    let race = race();
    let stays = Peer::start(|| {
        let participant = race.start.join().unwrap();
        participant.wait().unwrap();
    });
    stays.wait_asleep();
    let (second, third) = (race.start.join().unwrap(), race.start.join().unwrap());
    assert_eq!(kind_of(second.wait_timeout(SHORT)), ErrorKind::TimedOut);
    // Leaving is no death: those who wait go on waiting.
    drop((second, third));
    std::thread::sleep(SHORT * 3);
    assert!(stays.is_asleep());
    let other = Peer::start(|| assert!(!race.start.join().unwrap().wait().unwrap()));
    other.wait_asleep();
    assert!(race.start.join().unwrap().wait().unwrap());
    other.join();
    stays.join();
    assert_eq!(race.start.rounds(), 1);
}

pub(super) fn refuses_more_than_its_parties() {
    let race = race();
    let all: Vec<_> = (0..3).map(|_| race.start.join().unwrap()).collect();
    assert_eq!(all.iter().map(Participant::number).collect::<Vec<_>>(), [0, 1, 2]);
    let error = race.start.join().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitReached);
    assert_eq!(error.limit().map(|limit| (limit.value(), limit.requested())), Some((3, Some(4))));
    drop(all);
    drop(race.start.join().unwrap());
}

/// Whoever's wait timed out has not come: the round is complete only when it has come again.
pub(super) fn forgets_who_gave_up_waiting() {
    let race = race();
    let participant = race.start.join().unwrap();
    assert_eq!(kind_of(participant.wait_timeout(SHORT)), ErrorKind::TimedOut);
    let others = [0, 1].map(|_| Peer::start(|| assert!(!race.start.join().unwrap().wait().unwrap())));
    others.iter().for_each(Peer::wait_asleep);
    assert_eq!(race.start.rounds(), 0);
    assert!(participant.wait().unwrap(), "it comes last");
    others.into_iter().for_each(Peer::join);
}
