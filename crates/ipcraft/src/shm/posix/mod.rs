//! Shared memory with a name, where unrelated processes meet (shm_overview(7)).

mod directory;
mod memory;
mod open;
mod options;

pub use memory::SharedMemory;
pub use options::Options;
