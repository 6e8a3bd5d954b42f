//! A value of one type in memory that several processes have.

mod header;
mod layout;
mod named;
mod plain;
mod process_shared;
mod value;

pub use layout::SharedLayout;
pub use plain::Plain;
pub use process_shared::ProcessShared;
pub use value::Shared;
