//! `Once`: a call whose process died is run again, and a completed call is not.
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

use crate::common::{clean, shared_value};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        clean("once_call", Caller { operate: |setup| setup.call(|| ()) }),
        clean("once_call_contended", Caller { operate: |setup| setup.call(|| setup.wait()) }),
        clean("once_wait_for_another_caller", Waiter),
    ]
}

/// The number of other processes that make the call.
const OTHERS: usize = 2;

ipcraft::shared_struct! {
    struct Setup {
        /// One for each of the two calls of the operation.
        calls: [Once; 2],
        turn: AtomicU32,
        /// How often a run began, by its state.
        first: AtomicU32,
        again: AtomicU32,
        /// How often a run completed.
        completed: AtomicU32,
        /// Lets a run complete.
        finish: Event,
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
        let call = |state| {
            match state {
                OnceState::First => self.first.fetch_add(1, SeqCst),
                OnceState::Again => self.again.fetch_add(1, SeqCst),
            };
            middle();
            self.completed.fetch_add(1, SeqCst);
        };
        self.once().call_once(call).unwrap();
    }

    fn wait(&self) {
        self.finish.wait().unwrap();
    }

    /// Restores the state before the first call.
    fn reset(&self) {
        self.turn.store(1, SeqCst);
        self.finish.reset();
        for count in [&self.first, &self.again, &self.completed] {
            count.store(0, SeqCst);
        }
    }

    fn progress(&self) -> Progress {
        Progress {
            first: self.first.load(SeqCst),
            again: self.again.load(SeqCst),
            completed: self.completed.load(SeqCst),
            is_done: self.once().is_done(),
        }
    }
}

/// The progress of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    first: u32,
    again: u32,
    completed: u32,
    is_done: bool,
}

struct Fixture {
    setup: Shared<Setup>,
    others: RefCell<Vec<Peer>>,
    /// The progress when the child was killed.
    before: Cell<Progress>,
    /// Whether the child held the lock of the call then.
    was_held: Cell<bool>,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture {
            setup: shared_value(Setup::init),
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

    /// Starts other processes that make the call and wait for it.
    fn start_waiters(&self) {
        self.others.borrow_mut().extend(survivors::asleep(OTHERS, || self.setup.call(|| ())));
    }

    /// Checks that all waiters and a newcomer return, and that the call is then complete.
    fn check_waiters(&self) -> bool {
        let late = survivors::start(|| self.setup.call(|| ()));
        let all_return = survivors::finish(self.others.take().into_iter().chain([late]));
        assert!(!all_return || self.setup.once().is_done());
        all_return
    }

    /// Checks the runs of the call that followed the kill.
    fn check_runs(&self) -> Outcome {
        let (before, after) = (self.before.get(), self.setup.progress());
        if before.is_done {
            assert_eq!(after, before, "completed, and run again");
            return Outcome::Unnoticed;
        }
        assert_eq!(after.completed, before.completed + 1, "one more run completed: {before:?}, {after:?}");
        assert_eq!(after.first + after.again, before.first + 1, "one more run began: {before:?}, {after:?}");
        assert!(before.first == 0 || after.again == 1, "begun before, and no death was reported");
        assert!(after.again == 0 || self.was_held.get(), "a death was reported, and no run had begun");
        if after.again > 0 { Outcome::Notified } else { Outcome::Unnoticed }
    }
}

/// Killed while it runs the call, perhaps with waiters.
struct Caller {
    operate: fn(&Setup),
}

impl Scenario for Caller {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        Fixture::new()
    }

    fn operate(&self, fixture: &Fixture) {
        (self.operate)(&fixture.setup);
    }

    fn rearm(&self, fixture: &Fixture) {
        assert!(survivors::finish(fixture.others.take()));
        fixture.setup.reset();
    }

    fn wake(&self, fixture: &Fixture) {
        if fixture.others.borrow().is_empty() {
            fixture.start_waiters();
            fixture.setup.finish.set().unwrap();
        }
    }

    fn before_kill(&self, fixture: &Fixture, child: Pid) {
        fixture.before_kill(child);
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        if fixture.check_waiters() { fixture.check_runs() } else { Outcome::Stuck }
    }
}

/// Killed while it waits, as others do, for another process to complete the call.
struct Waiter;

impl Waiter {
    fn start_caller(fixture: &Fixture) {
        let setup = &fixture.setup;
        fixture.others.replace(survivors::asleep(1, || setup.call(|| setup.wait())));
    }
}

impl Scenario for Waiter {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        let fixture = Fixture::new();
        Waiter::start_caller(&fixture);
        fixture
    }

    fn operate(&self, fixture: &Fixture) {
        fixture.setup.call(|| ());
    }

    fn rearm(&self, fixture: &Fixture) {
        assert!(survivors::finish(fixture.others.take()));
        fixture.setup.reset();
        Waiter::start_caller(fixture);
        fixture.start_waiters();
    }

    fn wake(&self, fixture: &Fixture) {
        fixture.setup.finish.set().unwrap();
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        self.wake(&fixture);
        if !fixture.check_waiters() {
            return Outcome::Stuck;
        }
        let completed = Progress { first: 1, again: 0, completed: 1, is_done: true };
        assert_eq!(fixture.setup.progress(), completed, "the death of a waiter changes nothing");
        Outcome::Unnoticed
    }
}
