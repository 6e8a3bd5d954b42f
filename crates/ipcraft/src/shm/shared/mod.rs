//! Typed values in shared memory.

mod layout;
mod named;
mod plain;
mod process_shared;
mod value;

pub use layout::SharedLayout;
pub(crate) use layout::hash_text;
pub use plain::Plain;
pub use process_shared::ProcessShared;
pub use value::Shared;
