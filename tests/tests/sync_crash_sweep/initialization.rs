//! Initialization in memory that other processes have mapped: they find a complete value, or an
//! error.
use std::cell::RefCell;

use ipcraft::ErrorKind;
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{Mapping, ProcessShared, Shared};
use ipcraft::sync::{Barrier, Mutex, Once, RwLock, Semaphore};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::survivors;
use libtest_mimic::Trial;

use crate::common::clean;
use crate::creation::{Number, Table, acquire_all, call, lock, meet, read_and_write};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        clean(
            "initialize_mutex",
            Initialization { init: |number: &Number| Mutex::init(number, 7), using: lock },
        ),
        clean(
            "initialize_rwlock",
            Initialization { init: |table: &Table| RwLock::init(table, 7), using: read_and_write },
        ),
        clean("initialize_semaphore", Initialization { init: Semaphore::init, using: acquire_all }),
        clean("initialize_barrier", Initialization { init: Barrier::init, using: meet }),
        clean("initialize_once", Initialization { init: Once::init, using: call }),
    ]
}

struct Initialization<T: ProcessShared> {
    init: fn(&T) -> ipcraft::Result<()>,
    /// Uses a complete value that no process has used.
    using: fn(&T),
}

struct Fixture {
    /// The memory of the second call.
    memory: Memfd,
    /// The mappings for the two calls, the last one first. The child has a copy of the list.
    mappings: RefCell<Vec<Mapping>>,
}

impl<T: ProcessShared> Scenario for Initialization<T> {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        let [first, second] = [(), ()].map(|()| Memfd::create("sweep", Shared::<T>::SIZE).unwrap());
        let mappings = vec![second.map().unwrap(), first.map().unwrap()];
        Fixture { memory: second, mappings: RefCell::new(mappings) }
    }

    fn operate(&self, fixture: &Fixture) {
        let mapping = fixture.mappings.borrow_mut().pop().expect("one for each call");
        drop(Shared::initialize(mapping, self.init).unwrap());
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        let map = || fixture.memory.map().unwrap();
        let found = Shared::<T>::attach(map()).or_else(|error| {
            assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
            Shared::initialize(map(), self.init)
        });
        match found {
            Ok(complete) => {
                let peer = survivors::start(|| (self.using)(&complete));
                if survivors::finish([peer]) { Outcome::Unnoticed } else { Outcome::Stuck }
            }
            // The dead process had begun, so the memory is unusable, and every call reports that.
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
                Outcome::Notified
            }
        }
    }
}
