//! Shared memory: the same bytes in several processes (shm_overview(7), memfd_create(2), sysvipc(7)).

mod access;
mod copy;
mod huge;
mod mapping;
pub mod memfd;
pub mod posix;
mod shared;
pub mod sysv;

pub use access::{Access, Advice};
pub use huge::HugePages;
pub use mapping::Mapping;
pub use shared::{Layout, ProcessShared, Shared};
