//! What the scenarios have in common.

use std::time::Duration;

use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{ProcessShared, Shared};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::step;
use ipcraft_tests::suite::{self, Outcome};
use ipcraft_tests::sweep::{self, Scenario};
use libtest_mimic::Trial;

/// Long enough to try every position on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// A wait that takes so long is one for ever.
pub(crate) const FOREVER: Duration = Duration::from_secs(20);

/// A timeout that is long enough to be found asleep in.
pub(crate) const BRIEFLY: Duration = Duration::from_millis(2);

/// A value in memory that a forked child has too.
pub(crate) fn shared<T: ProcessShared>(initialise: impl FnOnce(&T)) -> Shared<T> {
    let memory = Memfd::create("sweep", Shared::<T>::SIZE).unwrap();
    Shared::initialise(memory.map().unwrap(), initialise).unwrap()
}

/// A test that sweeps over a scenario and expects that nobody is stuck.
pub(crate) fn clean<S: Scenario + Send + 'static>(name: &'static str, scenario: S) -> Trial {
    swept(name, move || {
        sweep::sweep_clean(name, &scenario);
    })
}

/// A test that sweeps over a scenario of which it is known that somebody is stuck.
pub(crate) fn stuck_somewhere<S: Scenario + Send + 'static>(name: &'static str, scenario: S) -> Trial {
    swept(name, move || {
        let report = sweep::sweep(name, &scenario);
        assert!(report.stuck > 0, "{name}: nobody is stuck: the sweep does not find what is there");
    })
}

/// The sweep runs in a process of its own, so that what the worlds of one leave mapped makes no other slower: it forks
/// several times for each position.
fn swept(name: &'static str, sweep: impl FnOnce() + Send + 'static) -> Trial {
    suite::skippable_within(PATIENCE, name, move || {
        if step::overhead() == Err(step::REFUSED) {
            return Outcome::Skipped("this system does not allow ptrace(2)".into());
        }
        Peer::start(sweep).join();
        Outcome::Passed
    })
}
