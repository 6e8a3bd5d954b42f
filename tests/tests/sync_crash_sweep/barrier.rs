//! `Barrier`: the death of a participant is reported to the others, and a replacement can join.
use std::cell::{Cell, RefCell};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::{Barrier, Event, Participant};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors;
use libtest_mimic::Trial;
use nix::unistd::Pid;

use crate::common::{HANG_TIMEOUT, clean, shared_value};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        clean("barrier_join_and_leave", Alone),
        clean("barrier_wait_arriving_first", Round { is_last: false }),
        clean("barrier_wait_arriving_last", Round { is_last: true }),
    ]
}

const PARTIES: usize = 2;

/// The pause before a participant that received the report waits again.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

ipcraft::shared_struct! {
    struct Start {
        barrier: Barrier<PARTIES>,
        /// Lets the other participant arrive.
        release: Event,
        /// 1 if a participant received the report of a death.
        reported: AtomicU32,
        /// The number of participants that arrived last.
        leaders: AtomicU32,
    }
}

impl Start {
    /// Takes part in one round.
    fn run(&self) {
        self.finish(&self.barrier.join().unwrap());
    }

    /// Joins, and arrives when released.
    fn run_when_released(&self) {
        let runner = self.barrier.join().unwrap();
        self.release.wait().unwrap();
        self.finish(&runner);
    }

    fn finish(&self, runner: &Participant<'_, PARTIES>) {
        loop {
            match runner.wait() {
                Ok(leads) => {
                    self.leaders.fetch_add(leads.into(), SeqCst);
                    return;
                }
                Err(e) if e.kind() == ErrorKind::OwnerDied => self.reported.store(1, SeqCst),
                Err(e) => panic!("{e}"),
            }
            sleep(POLL_INTERVAL);
        }
    }
}

struct Fixture {
    start: Shared<Start>,
    /// The other participant, which joins before the child.
    other: RefCell<Vec<Peer>>,
    /// Whether the child was a participant when it was killed.
    took_part: Cell<bool>,
    /// Whether the round was complete then.
    was_over: Cell<bool>,
    rounds_before: Cell<u32>,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture {
            start: shared_value(|start: &Start| start.barrier.init()),
            other: RefCell::default(),
            took_part: Cell::new(false),
            was_over: Cell::new(false),
            rounds_before: Cell::new(0),
        }
    }

    fn before_kill(&self, child: Pid) {
        self.took_part.set((0..PARTIES).any(|party| self.is_party(party, child)));
        self.was_over.set(self.start.barrier.rounds() != self.rounds_before.get());
    }

    /// Returns whether the child holds this party.
    ///
    /// The parties follow 64 bytes of other fields. Each has 64 bytes: a mutex, 8 bytes for its
    /// namespace, and a word that is 1 while a participant uses the party.
    fn is_party(&self, party: usize, child: Pid) -> bool {
        let party = Shared::<Start>::SIZE - size_of::<Start>() + 64 * (1 + party);
        let word = |offset| self.start.mapping().atomic_u32(party + offset).unwrap().load(SeqCst);
        let owner = word(0) & libc::FUTEX_TID_MASK;
        owner == child.as_raw() as u32 && word(size_of::<libc::pthread_mutex_t>() + 8) == 1
    }

    /// Waits until a participant has received the report. Returns false if none does.
    fn wait_for_report(&self) -> bool {
        let start = Instant::now();
        while self.start.reported.load(SeqCst) == 0 {
            if start.elapsed() > HANG_TIMEOUT {
                return false;
            }
            sleep(POLL_INTERVAL);
        }
        true
    }

    /// Checks that two new processes can join and complete a round.
    fn check_newcomers(&self) -> bool {
        let before = self.start.leaders.load(SeqCst);
        let ended = survivors::finish((0..PARTIES).map(|_| survivors::start(|| self.start.run())));
        assert!(!ended || self.start.leaders.load(SeqCst) == before + 1, "exactly one arrives last");
        ended
    }
}

/// Killed while it joins and leaves, without other participants.
struct Alone;

impl Scenario for Alone {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        Fixture::new()
    }

    fn operate(&self, fixture: &Fixture) {
        drop(fixture.start.barrier.join().unwrap());
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        let works = fixture.check_newcomers();
        assert_eq!(fixture.start.reported.load(SeqCst), 0, "no participant was waiting");
        if works { Outcome::Unnoticed } else { Outcome::Stuck }
    }
}

/// Killed in a round with one other participant.
struct Round {
    /// Whether the other participant waits already, or arrives only while the child is blocked.
    is_last: bool,
}

impl Round {
    fn start_other(&self, fixture: &Fixture) {
        let start = &fixture.start;
        start.release.reset();
        let role = if self.is_last { Start::run } else { Start::run_when_released };
        fixture.other.replace(survivors::asleep(1, || role(start)));
        fixture.rounds_before.set(start.barrier.rounds());
    }
}

impl Scenario for Round {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        let fixture = Fixture::new();
        self.start_other(&fixture);
        fixture
    }

    fn operate(&self, fixture: &Fixture) {
        fixture.start.barrier.join().unwrap().wait().unwrap();
    }

    fn rearm(&self, fixture: &Fixture) {
        assert!(survivors::finish(fixture.other.take()));
        self.start_other(fixture);
    }

    /// Returns when the round is complete.
    fn wake(&self, fixture: &Fixture) {
        fixture.start.release.set().unwrap();
        assert!(survivors::finish(fixture.other.take()));
    }

    fn before_kill(&self, fixture: &Fixture, child: Pid) {
        fixture.before_kill(child);
    }

    /// If the child died before the round was complete, the other participant receives the report,
    /// and a third process takes its place.
    fn check(&self, fixture: Fixture) -> Outcome {
        let start = &fixture.start;
        start.release.set().unwrap();
        let reported = fixture.took_part.get() && !fixture.was_over.get();
        if reported && !fixture.wait_for_report() {
            return Outcome::Stuck;
        }
        let third = (!fixture.was_over.get()).then(|| survivors::start(|| start.run()));
        if !survivors::finish(fixture.other.take().into_iter().chain(third)) {
            return Outcome::Stuck;
        }
        assert_eq!(start.reported.load(SeqCst), reported.into(), "reported exactly if a participant died");
        match (fixture.check_newcomers(), reported) {
            (false, _) => Outcome::Stuck,
            (true, true) => Outcome::Notified,
            (true, false) => Outcome::Unnoticed,
        }
    }
}
