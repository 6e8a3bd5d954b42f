//! One lock of each type, in memory that forked children share.
use std::fmt::Debug;
use std::sync::atomic::AtomicU32;

use ipcraft::shm::Shared;
use ipcraft::sync::{Barrier, Condvar, Event, ExclusiveGuard, LockError, Mutex, Once, RwLock, Semaphore};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::shared_value::shared_value;

ipcraft::shared_struct! {
    pub(super) struct Fixture {
        /// Two numbers that are equal while the lock is free.
        pub(super) pair: Mutex<[u64; 2]>,
        /// A mutex that no `HeldLock` takes.
        pub(super) spare: Mutex<u64>,
        /// Two numbers that are equal while no writer holds the lock.
        pub(super) table: RwLock<[u64; 2], 4>,
        pub(super) permits: Semaphore<2>,
        pub(super) barrier: Barrier<2>,
        pub(super) once: Once,
        pub(super) changed: Condvar,
        pub(super) event: Event,
        /// Set by the processes of a test to signal one another.
        pub(super) ready: Event,
        pub(super) go: Event,
        pub(super) number: AtomicU32,
    }
}

impl Fixture {
    pub(super) fn new() -> Shared<Fixture> {
        shared_value(Fixture::initialize)
    }

    pub(super) fn initialize(&self) -> ipcraft::Result<()> {
        self.pair.init([0, 0])?;
        self.spare.init(0)?;
        self.table.init([0, 0])?;
        self.permits.init()?;
        self.barrier.init()?;
        self.once.init()
    }
}

/// Returns the kind of the error that a call must have failed with.
pub(super) fn kind_of<T: Debug>(outcome: Result<T, impl HasKind>) -> ErrorKind {
    outcome.expect_err("the call should fail").kind()
}

/// An error with a kind.
pub(super) trait HasKind {
    fn kind(&self) -> ErrorKind;
}

impl HasKind for Error {
    fn kind(&self) -> ErrorKind {
        self.kind()
    }
}

impl<G: ExclusiveGuard> HasKind for LockError<G> {
    fn kind(&self) -> ErrorKind {
        self.kind()
    }
}
