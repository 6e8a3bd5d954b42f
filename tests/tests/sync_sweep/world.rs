//! What the scenarios have in common.

use std::time::Duration;

use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{ProcessShared, Shared};
use ipcraft_tests::step;
use ipcraft_tests::suite::{self, Outcome};
use ipcraft_tests::sweep::{self, Scenario};
use libtest_mimic::Trial;

/// A wait that takes so long is one for ever.
pub(crate) const FOREVER: Duration = Duration::from_secs(2);

/// A timeout that is long enough to be found asleep in.
pub(crate) const BRIEFLY: Duration = Duration::from_millis(2);

/// A value in memory that a forked child has too.
pub(crate) fn shared<T: ProcessShared>(initialise: impl FnOnce(&T)) -> Shared<T> {
    let memory = Memfd::create("sweep", Shared::<T>::SIZE).unwrap();
    Shared::initialise(memory.map().unwrap(), initialise).unwrap()
}

/// A test that sweeps over a scenario and expects that nobody is stuck.
pub(crate) fn clean<S: Scenario + Send + 'static>(name: &'static str, scenario: S) -> Trial {
    suite::skippable(name, move || {
        if step::overhead() == Err(step::REFUSED) {
            return Outcome::Skipped("this system does not allow ptrace(2)".into());
        }
        sweep::sweep_clean(name, &scenario);
        Outcome::Passed
    })
}
