//! Changes of owner, mode and limit.

use crate::sysv;

/// What one `IPC_SET` changes: any of mode, owner, group and limit; see [`Queue::change`].
///
/// ```
/// use ipcraft::queue::sysv::{Changes, Options};
/// use ipcraft::sysv::Key;
///
/// let queue = Options::new().remove_on_drop(true).create_new(Key::PRIVATE)?;
/// queue.change(&Changes::new().mode(0o620).max_bytes(4096))?;
/// let found = queue.statistics()?;
/// assert_eq!((found.permissions.mode, found.max_bytes), (0o620, 4096));
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// [`Queue::change`]: super::Queue::change
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Changes {
    pub(super) permissions: sysv::Changes,
    pub(super) max_bytes: Option<u64>,
}

impl Changes {
    /// No change yet.
    pub fn new() -> Self {
        Changes::default()
    }

    /// Sets the permission bits.
    pub fn mode(mut self, mode: u32) -> Self {
        self.permissions = self.permissions.mode(mode);
        self
    }

    /// Sets the owner, a user id. The creator keeps its rights.
    pub fn owner(mut self, uid: u32) -> Self {
        self.permissions = self.permissions.owner(uid);
        self
    }

    /// Sets the owning group.
    pub fn group(mut self, gid: u32) -> Self {
        self.permissions = self.permissions.group(gid);
        self
    }

    /// Sets the maximum number of bytes in the queue, which also bounds the number of messages.
    #[doc(alias = "msg_qbytes")]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }
}
