//! What the scenarios have in common.

use std::time::Duration;

use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{ProcessShared, Shared};
use ipcraft_tests::crash_sweep::{self, Scenario};
use libtest_mimic::Trial;

pub(crate) use ipcraft_tests::crash_sweep::clean;
pub(crate) use ipcraft_tests::survivors::HANG_TIMEOUT;

/// A timeout that is long enough to be found asleep in.
pub(crate) const BRIEFLY: Duration = Duration::from_millis(2);

/// A value in memory that a forked child has too.
pub(crate) fn shared<T: ProcessShared>(initialise: impl FnOnce(&T) -> ipcraft::Result<()>) -> Shared<T> {
    let memory = Memfd::create("sweep", Shared::<T>::SIZE).unwrap();
    Shared::initialize(memory.map().unwrap(), initialise).unwrap()
}

/// A test that sweeps over a scenario of which it is known that somebody is stuck.
pub(crate) fn stuck_somewhere<S: Scenario + Send + 'static>(name: &'static str, scenario: S) -> Trial {
    crash_sweep::sweep_test(name, move || {
        let report = crash_sweep::sweep(name, &scenario);
        assert!(report.stuck > 0, "{name}: no survivor is stuck, so the sweep does not find the known bug");
    })
}
