//! What the scenarios share.
use std::mem::forget;
use std::ops::DerefMut;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::sync::{ExclusiveGuard, LockError};
pub(crate) use ipcraft_tests::crash_sweep::clean;
use ipcraft_tests::crash_sweep::{self, Outcome, Scenario};
use ipcraft_tests::peer::Peer;
pub(crate) use ipcraft_tests::shared_value::shared_value;
pub(crate) use ipcraft_tests::survivors::HANG_TIMEOUT;
use libtest_mimic::Trial;

/// A timeout that expires, and in which the sweep still finds the operation blocked.
pub(crate) const EXPIRING_TIMEOUT: Duration = Duration::from_millis(2);

/// Two numbers that are equal while no thread changes them.
pub(crate) type Pair = [u64; 2];

/// Changes both numbers, in two steps.
pub(crate) fn change<G: DerefMut<Target = Pair>>(mut pair: G) {
    pair[0] += 1;
    pair[1] += 1;
}

/// Checks the numbers as the next owner, and repairs them if the last owner died.
pub(crate) fn recover<G: ExclusiveGuard<Target = Pair>>(locked: Result<G, LockError<G>>) -> Outcome {
    match locked {
        Ok(pair) => {
            assert_eq!(pair[0], pair[1], "half changed, and no death was reported");
            Outcome::Unnoticed
        }
        Err(LockError::Inconsistent(mut pair)) => {
            assert!(pair[0] - pair[1] <= 1, "{:?}", *pair);
            pair[1] = pair[0];
            drop(pair.mark_consistent());
            Outcome::Notified
        }
        Err(LockError::Failed(error)) if error.kind() == ErrorKind::TimedOut => Outcome::Stuck,
        Err(LockError::Failed(error)) => panic!("{error}"),
    }
}

/// Runs a process that locks, changes one number and exits with the lock held.
pub(crate) fn die_with<G: DerefMut<Target = Pair>>(lock: impl FnOnce() -> G) {
    Peer::start(|| {
        let mut pair = lock();
        pair[0] += 1;
        forget(pair);
    })
    .join();
}

/// A test that sweeps over a scenario that is known to leave survivors stuck.
pub(crate) fn stuck_somewhere<S: Scenario + Send + 'static>(name: &'static str, scenario: S) -> Trial {
    crash_sweep::sweep_test(name, move || {
        let report = crash_sweep::sweep(name, &scenario);
        assert!(report.stuck > 0, "{name}: no survivor is stuck, so the sweep does not find the known bug");
    })
}
