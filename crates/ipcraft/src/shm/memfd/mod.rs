//! Shared memory without a name, that one passes to relatives and peers (memfd_create(2)).

mod memory;
mod options;
mod seals;

pub use memory::Memfd;
pub use options::Options;
pub use seals::Seals;
