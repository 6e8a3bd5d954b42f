//! One of each type, in memory that forked children share.

use std::fmt::Debug;
use std::sync::atomic::AtomicU32;

use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{Plain, ProcessShared, Shared};
use ipcraft::sync::{
    Barrier, Condvar, Event, LockError, Mutex, MutexGuard, Once, RwLock, Semaphore, WriteGuard,
};
use ipcraft::{Error, ErrorKind};

ipcraft::shared_struct! {
    pub(super) struct Zone {
        /// Two numbers that are equal while nobody has the lock.
        pub(super) pair: Mutex<[u64; 2]>,
        /// A mutex that no `Kind` is about.
        pub(super) spare: Mutex<u64>,
        /// Two numbers that are equal while nobody has the lock.
        pub(super) table: RwLock<[u64; 2], 4>,
        pub(super) permits: Semaphore<2>,
        pub(super) barrier: Barrier<2>,
        pub(super) once: Once,
        pub(super) changed: Condvar,
        pub(super) event: Event,
        /// For the processes of a test to tell each other something.
        pub(super) ready: Event,
        pub(super) go: Event,
        pub(super) number: AtomicU32,
    }
}

impl Zone {
    pub(super) fn new() -> Shared<Zone> {
        shared(Zone::initialize)
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

/// A value in memory that a forked child has too.
pub(super) fn shared<T: ProcessShared>(initialise: impl FnOnce(&T) -> ipcraft::Result<()>) -> Shared<T> {
    let memory = Memfd::create("test", Shared::<T>::SIZE).expect("a memfd");
    Shared::initialize(memory.map().expect("mapped"), initialise).expect("new memory")
}

/// The kind of the error that a call must have failed with.
pub(super) fn kind_of<T: Debug>(outcome: Result<T, impl Kind>) -> ErrorKind {
    outcome.expect_err("it should have failed").kind()
}

/// Errors that have a kind.
pub(super) trait Kind {
    fn kind(&self) -> ErrorKind;
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        self.kind()
    }
}

impl<T: Plain> Kind for LockError<MutexGuard<'_, T>> {
    fn kind(&self) -> ErrorKind {
        self.kind()
    }
}

impl<T: Plain, const READERS: usize> Kind for LockError<WriteGuard<'_, T, READERS>> {
    fn kind(&self) -> ErrorKind {
        self.kind()
    }
}
