//! `futex::pi`: the lock of a killed owner passes on, and its death is reported exactly if it held
//! the lock.
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use ipcraft::futex::pi::{self, PreviousOwner};
use ipcraft::shm::Shared;
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors;
use libtest_mimic::Trial;
use nix::unistd::Pid;

use crate::common::{EXPIRING_TIMEOUT, HANG_TIMEOUT, clean, shared_value};

type Lock = fn(&AtomicU32) -> Result<PreviousOwner>;

pub(crate) fn tests() -> Vec<Trial> {
    let timed: Lock = |word| pi::lock_timeout(word, HANG_TIMEOUT);
    vec![
        clean("futex_pi_lock_and_unlock", Alone { lock: pi::lock, dead: false }),
        clean("futex_pi_try_lock_and_unlock", Alone { lock: pi::try_lock, dead: false }),
        clean("futex_pi_lock_timeout_and_unlock", Alone { lock: timed, dead: false }),
        clean("futex_pi_lock_of_a_dead_owner", Alone { lock: pi::lock, dead: true }),
        clean("futex_pi_try_lock_of_a_dead_owner", Alone { lock: pi::try_lock, dead: true }),
        clean("futex_pi_lock_contended", Contended(pi::lock)),
        clean("futex_pi_lock_timeout_contended", Contended(timed)),
        clean("futex_pi_try_lock_failing", Failing(pi::try_lock)),
        clean("futex_pi_lock_timeout_expiring", Failing(|word| pi::lock_timeout(word, EXPIRING_TIMEOUT))),
        clean("futex_pi_unlock_with_a_waiter", UnlockWithWaiter),
    ]
}

ipcraft::shared_struct! {
    struct Words {
        lock: AtomicU32,
        /// Two numbers that are equal while no thread changes them.
        pair: [AtomicU64; 2],
        /// 1 if a waiter received the report of the owner's death.
        reported: AtomicU32,
    }
}

impl Words {
    fn change(&self) {
        for number in &self.pair {
            number.store(number.load(Relaxed) + 1, Relaxed);
        }
    }

    fn lock_change_and_unlock(&self, lock: Lock) {
        let _ = lock(&self.lock).unwrap();
        self.change();
        pi::unlock(&self.lock).unwrap();
    }

    /// Checks the numbers as the next owner, and repairs them if the last owner died.
    fn recover(&self) -> Outcome {
        let outcome = match pi::lock_timeout(&self.lock, HANG_TIMEOUT) {
            Ok(PreviousOwner::Unlocked) => Outcome::Unnoticed,
            Ok(PreviousOwner::Died) => Outcome::Notified,
            Err(error) if error.kind() == ErrorKind::TimedOut => return Outcome::Stuck,
            Err(error) => panic!("{error}"),
        };
        let [first, second] = self.pair.each_ref().map(|number| number.load(Relaxed));
        assert!(first == second || outcome == Outcome::Notified && first == second + 1);
        self.pair[1].store(first, Relaxed);
        pi::unlock(&self.lock).unwrap();
        assert_eq!(self.lock.load(Relaxed), 0);
        outcome
    }
}

struct Fixture {
    words: Shared<Words>,
    /// Whether a thread that is dead now owned the lock at the kill.
    is_dead_owner: Cell<bool>,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture { words: shared_value(|_: &Words| Ok(())), is_dead_owner: Cell::new(false) }
    }

    /// A fixture whose lock this process holds.
    fn held() -> Fixture {
        let fixture = Fixture::new();
        let _ = pi::lock(&fixture.words.lock).unwrap();
        fixture
    }

    fn release(&self) {
        // The child may have it already.
        let _ = pi::unlock(&self.words.lock);
    }

    fn owner(&self) -> u32 {
        self.words.lock.load(Relaxed) & libc::FUTEX_TID_MASK
    }

    /// Locks after the kill.
    fn check_next_owner(&self) -> Outcome {
        let outcome = self.words.recover();
        if outcome != Outcome::Stuck {
            let reported = outcome == Outcome::Notified;
            assert_eq!(reported, self.is_dead_owner.get(), "reported exactly if it was held");
            assert_eq!(self.words.recover(), Outcome::Unnoticed, "repaired");
        }
        outcome
    }
}

/// Killed without contention, and without or with a dead owner before it.
struct Alone {
    lock: Lock,
    dead: bool,
}

impl Alone {
    fn prepare(&self, fixture: &Fixture) {
        if self.dead {
            Peer::start(|| drop(pi::lock(&fixture.words.lock))).join();
        }
    }
}

impl Scenario for Alone {
    type Fixture = Fixture;

    fn stops_at_calls(&self) -> bool {
        self.dead
    }

    fn fixture(&self) -> Fixture {
        let fixture = Fixture::new();
        self.prepare(&fixture);
        fixture
    }

    fn operate(&self, fixture: &Fixture) {
        fixture.words.lock_change_and_unlock(self.lock);
    }

    fn rearm(&self, fixture: &Fixture) {
        self.prepare(fixture);
    }

    fn before_kill(&self, fixture: &Fixture, _child: Pid) {
        fixture.is_dead_owner.set(fixture.owner() != 0);
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        fixture.check_next_owner()
    }
}

/// Killed while another process holds the lock, which it releases while the child is blocked.
struct Contended(Lock);

impl Scenario for Contended {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        Fixture::held()
    }

    fn operate(&self, fixture: &Fixture) {
        fixture.words.lock_change_and_unlock(self.0);
    }

    fn wake(&self, fixture: &Fixture) {
        fixture.release();
    }

    fn rearm(&self, fixture: &Fixture) {
        let _ = pi::lock(&fixture.words.lock).unwrap();
    }

    fn before_kill(&self, fixture: &Fixture, child: Pid) {
        fixture.is_dead_owner.set(fixture.owner() == child.as_raw() as u32);
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        fixture.release();
        fixture.check_next_owner()
    }
}

/// Killed while another process keeps the lock, so that the operation fails.
struct Failing(Lock);

impl Scenario for Failing {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        Fixture::held()
    }

    fn operate(&self, fixture: &Fixture) {
        let kind = (self.0)(&fixture.words.lock).unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    }

    fn wake(&self, _fixture: &Fixture) {
        // The timeout ends the wait.
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        assert_ne!(fixture.owner(), 0, "this process still holds the lock");
        fixture.release();
        fixture.check_next_owner()
    }
}

/// Killed while it unlocks and a waiter is blocked. The first call locks, the second unlocks.
struct UnlockWithWaiter;

impl Scenario for UnlockWithWaiter {
    type Fixture = (Fixture, RefCell<Option<Peer>>);

    fn stops_at_calls(&self) -> bool {
        true
    }

    fn fixture(&self) -> Self::Fixture {
        (Fixture::new(), RefCell::new(None))
    }

    fn operate(&self, (fixture, _): &Self::Fixture) {
        if fixture.owner() == 0 {
            let _ = pi::lock(&fixture.words.lock).unwrap();
        } else {
            fixture.words.change();
            pi::unlock(&fixture.words.lock).unwrap();
        }
    }

    fn rearm(&self, (fixture, other): &Self::Fixture) {
        let words = &fixture.words;
        let mut waiters = survivors::asleep(1, || match words.recover() {
            Outcome::Notified => words.reported.store(1, Relaxed),
            outcome => assert_eq!(outcome, Outcome::Unnoticed),
        });
        *other.borrow_mut() = waiters.pop();
    }

    fn before_kill(&self, (fixture, _): &Self::Fixture, child: Pid) {
        fixture.is_dead_owner.set(fixture.owner() == child.as_raw() as u32);
    }

    fn check(&self, (fixture, other): Self::Fixture) -> Outcome {
        other.into_inner().unwrap().join();
        let reported = fixture.words.reported.load(Relaxed) == 1;
        assert_eq!(reported, fixture.is_dead_owner.replace(false), "reported exactly if it was held");
        assert_eq!(fixture.check_next_owner(), Outcome::Unnoticed);
        if reported { Outcome::Notified } else { Outcome::Unnoticed }
    }
}
