//! Common parts of the three System V mechanisms: keys, ownership and permissions (sysvipc(7)).
//!
//! A System V object is identified by a *key*, a number that programs agree on, and has an
//! *identifier* once it exists. It belongs to the IPC namespace and persists until it is removed or
//! the machine stops. `ipcs` lists the objects, `ipcrm` removes them. An object has no descriptor,
//! so it cannot be polled, passed on or closed.
//!
//! ```
//! use ipcraft::sysv::Key;
//!
//! let by_number = Key::new(0x6a6f6273);
//! let by_file = Key::for_file("/", b'j')?;
//! assert_eq!(by_file, Key::for_file("/", b'j')?);
//! assert_ne!(by_file, by_number);
//! # Ok::<(), ipcraft::Error>(())
//! ```

mod advice;
mod changes;
mod creation;
mod identity;
mod key;
mod lookup;
mod permissions;
mod removal;
mod time;

pub(crate) use advice::{IDS, advise};
pub use changes::Changes;
pub(crate) use creation::Creation;
pub(crate) use identity::{Calls, Facts, Identity};
pub use key::Key;
pub use lookup::TableEntry;
pub(crate) use lookup::{status, table};
pub use permissions::Permissions;
pub(crate) use removal::Object;
pub(crate) use time::time;
