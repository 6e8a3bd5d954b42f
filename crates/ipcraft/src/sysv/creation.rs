//! What the options of all System V objects have in common.

use libc::c_int;

use super::{Calls, Identity, Key, Object};
use crate::error::Result;
use crate::support::mode;

/// How to create a System V object.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    /// Permission bits of the new object; the umask does not apply.
    pub(crate) mode: u32,
    /// Whether dropping the handle removes the new object.
    pub(crate) remove_on_drop: bool,
}

impl Default for Creation {
    fn default() -> Self {
        Creation { mode: 0o600, remove_on_drop: false }
    }
}

impl Creation {
    /// The flags that create an object exclusively.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) for a mode beyond 0o777, whose further bits would be
    /// flags.
    pub(crate) fn flags(&self, operation: &'static str) -> Result<c_int> {
        mode::check(operation, self.mode)?;
        Ok(libc::IPC_CREAT | libc::IPC_EXCL | self.mode as c_int)
    }

    /// The object that this thread has just created.
    pub(crate) fn object(&self, id: c_int, key: Key, calls: &'static Calls) -> Object {
        if self.remove_on_drop {
            return Object::removed_on_drop(Identity::made(id, key, calls));
        }
        Object::kept(Identity::found(id, Some(key), calls))
    }
}
