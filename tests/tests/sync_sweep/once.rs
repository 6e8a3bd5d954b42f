//! `Once`: a call that was begun by who died is made again, and one that was made is not.

use std::cell::{Cell, RefCell};
use std::mem::offset_of;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use ipcraft::shm::Shared;
use ipcraft::sync::{Event, Once, OnceState};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors;
use libtest_mimic::Trial;
use nix::unistd::Pid;

use crate::world::{clean, shared};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        clean("once_call", Caller { operate: |setup| setup.call(|| ()) }),
        clean("once_call_contended", Caller { operate: |setup| setup.call(|| setup.wait()) }),
        clean("once_wait_for_a_call", Waiter),
    ]
}

/// How many others want the call made.
const OTHERS: usize = 2;

ipcraft::shared_struct! {
    struct Setup {
        /// One for each time that the operation is done.
        calls: [Once; 2],
        turn: AtomicU32,
        /// How often the call was begun, and which attempt it was.
        first: AtomicU32,
        again: AtomicU32,
        /// How often it came to its end.
        made: AtomicU32,
        /// Lets a call come to its end.
        go_on: Event,
    }
}

impl Setup {
    fn init(&self) -> ipcraft::Result<()> {
        self.calls.iter().try_for_each(Once::init)
    }

    fn once(&self) -> &Once {
        &self.calls[self.turn.load(SeqCst) as usize]
    }

    fn call(&self, middle: impl Fn()) {
        let call = |attempt| {
            match attempt {
                OnceState::First => self.first.fetch_add(1, SeqCst),
                OnceState::Again => self.again.fetch_add(1, SeqCst),
            };
            middle();
            self.made.fetch_add(1, SeqCst);
        };
        self.once().call_once(call).unwrap();
    }

    fn wait(&self) {
        self.go_on.wait().unwrap();
    }

    /// Everything as before the first call.
    fn begin_again(&self) {
        self.turn.store(1, SeqCst);
        self.go_on.reset();
        for count in [&self.first, &self.again, &self.made] {
            count.store(0, SeqCst);
        }
    }

    fn progress(&self) -> Progress {
        Progress {
            first: self.first.load(SeqCst),
            again: self.again.load(SeqCst),
            made: self.made.load(SeqCst),
            is_done: self.once().is_done(),
        }
    }
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    first: u32,
    again: u32,
    made: u32,
    is_done: bool,
}

struct World {
    setup: Shared<Setup>,
    others: RefCell<Vec<Peer>>,
    /// What there was when the child was killed.
    before: Cell<Progress>,
    /// Whether the child had the lock of the call then.
    was_held: Cell<bool>,
}

impl World {
    fn new() -> World {
        World {
            setup: shared(Setup::init),
            others: RefCell::default(),
            before: Cell::default(),
            was_held: Cell::new(false),
        }
    }

    fn before_kill(&self, child: Pid) {
        self.before.set(self.setup.progress());
        let offset =
            Shared::<Setup>::SIZE - size_of::<Setup>() + offset_of!(Setup, calls) + size_of::<Once>();
        let owner = self.setup.mapping().atomic_u32(offset).unwrap().load(SeqCst) & libc::FUTEX_TID_MASK;
        self.was_held.set(owner == child.as_raw() as u32);
    }

    /// Others want the call made, and wait for it.
    fn queue_up(&self) {
        self.others.borrow_mut().extend(survivors::asleep(OTHERS, || self.setup.call(|| ())));
    }

    /// Those who wait are let through, and so is who comes later; afterwards the call is made.
    fn proceed(&self) -> bool {
        let late = survivors::start(|| self.setup.call(|| ()));
        let proceed = survivors::finish(self.others.take().into_iter().chain([late]));
        assert!(!proceed || self.setup.once().is_done());
        proceed
    }

    /// What the one who makes the call is told, if another has to.
    fn check_attempts(&self) -> Outcome {
        let (before, after) = (self.before.get(), self.setup.progress());
        if before.is_done {
            assert_eq!(after, before, "made, and made again");
            return Outcome::Unnoticed;
        }
        assert_eq!(after.made, before.made + 1, "made once more: {before:?}, {after:?}");
        assert_eq!(after.first + after.again, before.first + 1, "by a single one: {before:?}, {after:?}");
        assert!(before.first == 0 || after.again == 1, "begun before, and nobody was told");
        assert!(after.again == 0 || self.was_held.get(), "told, and nobody had begun");
        if after.again > 0 { Outcome::Notified } else { Outcome::Unnoticed }
    }
}

/// Killed while it makes the call; others may wait for that.
struct Caller {
    operate: fn(&Setup),
}

impl Scenario for Caller {
    type Fixture = World;

    fn fixture(&self) -> World {
        World::new()
    }

    fn operate(&self, world: &World) {
        (self.operate)(&world.setup);
    }

    fn rearm(&self, world: &World) {
        assert!(survivors::finish(world.others.take()));
        world.setup.begin_again();
    }

    fn wake(&self, world: &World) {
        if world.others.borrow().is_empty() {
            world.queue_up();
            world.setup.go_on.set().unwrap();
        }
    }

    fn before_kill(&self, world: &World, child: Pid) {
        world.before_kill(child);
    }

    fn check(&self, world: World) -> Outcome {
        if world.proceed() { world.check_attempts() } else { Outcome::Stuck }
    }
}

/// Killed while it waits, as others do, until somebody has made the call.
struct Waiter;

impl Waiter {
    fn begin(world: &World) {
        let setup = &world.setup;
        world.others.replace(survivors::asleep(1, || setup.call(|| setup.wait())));
    }
}

impl Scenario for Waiter {
    type Fixture = World;

    fn fixture(&self) -> World {
        let world = World::new();
        Waiter::begin(&world);
        world
    }

    fn operate(&self, world: &World) {
        world.setup.call(|| ());
    }

    fn rearm(&self, world: &World) {
        assert!(survivors::finish(world.others.take()));
        world.setup.begin_again();
        Waiter::begin(world);
        world.queue_up();
    }

    fn wake(&self, world: &World) {
        world.setup.go_on.set().unwrap();
    }

    fn check(&self, world: World) -> Outcome {
        self.wake(&world);
        if !world.proceed() {
            return Outcome::Stuck;
        }
        let made = Progress { first: 1, again: 0, made: 1, is_done: true };
        assert_eq!(world.setup.progress(), made, "a waiter's death is no matter");
        Outcome::Unnoticed
    }
}
