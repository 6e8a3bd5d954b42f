//! What the options of all System V objects have in common.

use libc::c_int;

use super::removal::RemoveOnDrop;

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
    pub(crate) fn flags(&self) -> c_int {
        libc::IPC_CREAT | libc::IPC_EXCL | (self.mode & 0o777) as c_int
    }

    /// The removal of the object that this process has just created, if it was asked for.
    pub(crate) fn removal(&self, id: c_int, remove: fn(c_int) -> nix::Result<()>) -> Option<RemoveOnDrop> {
        self.remove_on_drop.then(|| RemoveOnDrop::new(id, remove))
    }
}
