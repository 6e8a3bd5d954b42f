//! Changes of owner and mode.

use libc::ipc_perm;

use super::IDS;
use crate::error::{Error, ErrorKind, Result};
use crate::support::mode;

/// What one `IPC_SET` changes: any of mode, owner and group.
///
/// ```
/// use ipcraft::semaphore::sysv::Options;
/// use ipcraft::sysv::{Changes, Key};
///
/// let set = Options::new().remove_on_drop(true).create_new(Key::PRIVATE, &[1])?;
/// let before = set.statistics()?.permissions;
/// set.change(&Changes::new().mode(0o640).owner(before.uid).group(before.gid))?;
/// assert_eq!(set.statistics()?.permissions.mode, 0o640);
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Changes {
    mode: Option<u32>,
    owner: Option<u32>,
    group: Option<u32>,
}

impl Changes {
    /// No change yet.
    pub fn new() -> Self {
        Changes::default()
    }

    /// Sets the permission bits.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Sets the owner, a user id. The creator keeps its rights.
    pub fn owner(mut self, uid: u32) -> Self {
        self.owner = Some(uid);
        self
    }

    /// Sets the owning group.
    pub fn group(mut self, gid: u32) -> Self {
        self.group = Some(gid);
        self
    }

    /// Applies the changes to what the kernel reported.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) for a mode beyond 0o777 or an impossible id, which the
    /// kernel would report as it reports a removed object.
    pub(crate) fn apply(&self, operation: &'static str, permissions: &mut ipc_perm) -> Result<()> {
        if let Some(bits) = self.mode {
            mode::check(operation, bits)?;
            permissions.mode = bits as _;
        }
        if [self.owner, self.group].contains(&Some(u32::MAX)) {
            return Err(Error::new(operation, ErrorKind::Invalid).with_hint(IDS));
        }
        permissions.uid = self.owner.unwrap_or(permissions.uid);
        permissions.gid = self.group.unwrap_or(permissions.gid);
        Ok(())
    }
}
