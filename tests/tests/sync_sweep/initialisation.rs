//! Initialisation in memory that others have already: whoever looks later finds a complete value, or is told that there is
//! none.

use std::cell::RefCell;

use ipcraft::ErrorKind;
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{Mapping, ProcessShared, Shared};
use ipcraft::sync::{Barrier, Mutex, Once, RwLock, Semaphore};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::survivors;
use libtest_mimic::Trial;

use crate::creation::{Number, Table, acquire_all, call, lock, meet, read_and_write};
use crate::world::clean;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        clean(
            "initialise_mutex",
            Initialisation { init: |number: &Number| Mutex::init(number, 7), using: lock },
        ),
        clean(
            "initialise_rwlock",
            Initialisation { init: |table: &Table| RwLock::init(table, 7), using: read_and_write },
        ),
        clean("initialise_semaphore", Initialisation { init: Semaphore::init, using: acquire_all }),
        clean("initialise_barrier", Initialisation { init: Barrier::init, using: meet }),
        clean("initialise_once", Initialisation { init: Once::init, using: call }),
    ]
}

struct Initialisation<T: ProcessShared> {
    init: fn(&T) -> ipcraft::Result<()>,
    /// Uses a value that is complete and that nobody has used.
    using: fn(&T),
}

struct World {
    /// What the second call is about.
    memory: Memfd,
    /// For the two calls, the last first; the child has a list of its own.
    mappings: RefCell<Vec<Mapping>>,
}

impl<T: ProcessShared> Scenario for Initialisation<T> {
    type Fixture = World;

    fn fixture(&self) -> World {
        let [first, second] = [(), ()].map(|()| Memfd::create("sweep", Shared::<T>::SIZE).unwrap());
        let mappings = vec![second.map().unwrap(), first.map().unwrap()];
        World { memory: second, mappings: RefCell::new(mappings) }
    }

    fn operate(&self, world: &World) {
        let mapping = world.mappings.borrow_mut().pop().expect("one for each call");
        drop(Shared::initialize(mapping, self.init).unwrap());
    }

    fn check(&self, world: World) -> Outcome {
        let map = || world.memory.map().unwrap();
        let found = Shared::<T>::attach(map()).or_else(|error| {
            assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
            Shared::initialize(map(), self.init)
        });
        match found {
            Ok(complete) => {
                let peer = survivors::start(|| (self.using)(&complete));
                if survivors::finish([peer]) { Outcome::Unnoticed } else { Outcome::Stuck }
            }
            // Whoever had begun died, so this memory is for nobody, and everybody is told.
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
                Outcome::Notified
            }
        }
    }
}
