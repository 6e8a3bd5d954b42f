//! Values with locks in memory that both processes see.

use std::io;

use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{ProcessShared, Shared};

/// A new one.
pub(super) fn shared<T: ProcessShared>(
    initialise: impl FnOnce(&T) -> ipcraft::Result<()>,
) -> io::Result<Shared<T>> {
    let memory = Memfd::create("ipcraft-bench", Shared::<T>::SIZE)?;
    Ok(Shared::initialize(memory.map()?, initialise)?)
}
