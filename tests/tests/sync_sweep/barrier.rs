//! `Barrier`: nobody waits for the dead, and who takes their place goes on.

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

use crate::world::{HANG_TIMEOUT, clean, shared};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        clean("barrier_join_and_leave", Alone),
        clean("barrier_wait_as_the_first", Round { is_last: false }),
        clean("barrier_wait_as_the_last", Round { is_last: true }),
    ]
}

const PARTIES: usize = 2;

/// How often those who are told look whether somebody has come in the place of the dead.
const LOOK: Duration = Duration::from_millis(1);

ipcraft::shared_struct! {
    struct Start {
        line: Barrier<PARTIES>,
        /// Lets the other come, who has joined.
        come: Event,
        /// Whether somebody was told that another died.
        told: AtomicU32,
        /// How many were told that they came last.
        led: AtomicU32,
    }
}

impl Start {
    /// A role: takes part in one round.
    fn run(&self) {
        self.finish(&self.line.join().unwrap());
    }

    /// A role: joins, and comes later.
    fn run_when_told(&self) {
        let runner = self.line.join().unwrap();
        self.come.wait().unwrap();
        self.finish(&runner);
    }

    fn finish(&self, runner: &Participant<'_, PARTIES>) {
        loop {
            match runner.wait() {
                Ok(leads) => {
                    self.led.fetch_add(leads.into(), SeqCst);
                    return;
                }
                Err(e) if e.kind() == ErrorKind::OwnerDied => self.told.store(1, SeqCst),
                Err(e) => panic!("{e}"),
            }
            sleep(LOOK);
        }
    }
}

struct World {
    start: Shared<Start>,
    /// The other, who has joined before the child does.
    other: RefCell<Vec<Peer>>,
    /// Whether the child took part when it was killed.
    took_part: Cell<bool>,
    /// Whether the round was over then.
    was_over: Cell<bool>,
    rounds_before: Cell<u32>,
}

impl World {
    fn new() -> World {
        World {
            start: shared(|start: &Start| start.line.init()),
            other: RefCell::default(),
            took_part: Cell::new(false),
            was_over: Cell::new(false),
            rounds_before: Cell::new(0),
        }
    }

    fn before_kill(&self, child: Pid) {
        self.took_part.set((0..PARTIES).any(|seat| self.is_taken_by(seat, child)));
        self.was_over.set(self.start.line.rounds() != self.rounds_before.get());
    }

    /// A seat is 64 bytes, the first of them a mutex, then 8 for its namespace, and then 1 if it is taken; before the seats
    /// are 64 bytes more.
    fn is_taken_by(&self, seat: usize, child: Pid) -> bool {
        let seat = Shared::<Start>::SIZE - size_of::<Start>() + 64 * (1 + seat);
        let word = |offset| self.start.mapping().atomic_u32(seat + offset).unwrap().load(SeqCst);
        let owner = word(0) & libc::FUTEX_TID_MASK;
        owner == child.as_raw() as u32 && word(size_of::<libc::pthread_mutex_t>() + 8) == 1
    }

    /// Whether the other, if it has to be told, is.
    fn is_told(&self) -> bool {
        let start = Instant::now();
        while self.start.told.load(SeqCst) == 0 {
            if start.elapsed() > HANG_TIMEOUT {
                return false;
            }
            sleep(LOOK);
        }
        true
    }

    /// Two more processes can join, and meet.
    fn proceed(&self) -> bool {
        let before = self.start.led.load(SeqCst);
        let ended = survivors::finish((0..PARTIES).map(|_| survivors::start(|| self.start.run())));
        assert!(!ended || self.start.led.load(SeqCst) == before + 1, "exactly one comes last");
        ended
    }
}

/// Killed while it joins and leaves, with nobody there.
struct Alone;

impl Scenario for Alone {
    type Fixture = World;

    fn fixture(&self) -> World {
        World::new()
    }

    fn operate(&self, world: &World) {
        drop(world.start.line.join().unwrap());
    }

    fn check(&self, world: World) -> Outcome {
        let proceeds = world.proceed();
        assert_eq!(world.start.told.load(SeqCst), 0, "nobody who is there has missed anybody");
        if proceeds { Outcome::Unnoticed } else { Outcome::Stuck }
    }
}

/// Killed in a round with another, who has joined.
struct Round {
    /// Whether the other waits already, and does not come when the child sleeps.
    is_last: bool,
}

impl Round {
    fn enter_other(&self, world: &World) {
        let start = &world.start;
        start.come.reset();
        let role = if self.is_last { Start::run } else { Start::run_when_told };
        world.other.replace(survivors::asleep(1, || role(start)));
        world.rounds_before.set(start.line.rounds());
    }
}

impl Scenario for Round {
    type Fixture = World;

    fn fixture(&self) -> World {
        let world = World::new();
        self.enter_other(&world);
        world
    }

    fn operate(&self, world: &World) {
        world.start.line.join().unwrap().wait().unwrap();
    }

    fn rearm(&self, world: &World) {
        assert!(survivors::finish(world.other.take()));
        self.enter_other(world);
    }

    /// Returns when the round is over.
    fn wake(&self, world: &World) {
        world.start.come.set().unwrap();
        assert!(survivors::finish(world.other.take()));
    }

    fn before_kill(&self, world: &World, child: Pid) {
        world.before_kill(child);
    }

    /// If the child died before the round was over, the other is told, and a third comes in its place.
    fn check(&self, world: World) -> Outcome {
        let start = &world.start;
        start.come.set().unwrap();
        let told = world.took_part.get() && !world.was_over.get();
        if told && !world.is_told() {
            return Outcome::Stuck;
        }
        let third = (!world.was_over.get()).then(|| survivors::start(|| start.run()));
        if !survivors::finish(world.other.take().into_iter().chain(third)) {
            return Outcome::Stuck;
        }
        assert_eq!(start.told.load(SeqCst), told.into(), "told exactly when somebody was missed");
        match (world.proceed(), told) {
            (false, _) => Outcome::Stuck,
            (true, true) => Outcome::Notified,
            (true, false) => Outcome::Unnoticed,
        }
    }
}
