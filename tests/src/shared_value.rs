//! A value in anonymous memory that forked children share.

use ipcraft::Result;
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{ProcessShared, Shared};

/// Returns a value in new memory, which children forked later share.
///
/// # Panics
///
/// If the memory cannot be created, or `initialize` fails.
pub fn shared_value<T: ProcessShared>(initialize: impl FnOnce(&T) -> Result<()>) -> Shared<T> {
    let memory = Memfd::create("test", Shared::<T>::SIZE).expect("a memfd");
    Shared::initialize(memory.map().expect("mapped"), initialize).expect("initialized")
}
