//! Ownership and permissions of a System V object.

/// `struct ipc_perm`: a snapshot of owner, creator and mode of a System V object.
///
/// Owner and creator may change and remove it. The mode has read and write bits for owner, group
/// and others, like a file's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "ipc_perm")]
#[non_exhaustive]
pub struct Permissions {
    /// User id of the owner.
    pub uid: u32,
    /// Group id of the owner.
    pub gid: u32,
    /// User id of the creator, which never changes.
    pub creator_uid: u32,
    /// Group id of the creator, which never changes.
    pub creator_gid: u32,
    /// The permission bits, such as 0o600.
    pub mode: u32,
}

impl From<&libc::ipc_perm> for Permissions {
    fn from(perm: &libc::ipc_perm) -> Self {
        Permissions {
            uid: perm.uid,
            gid: perm.gid,
            creator_uid: perm.cuid,
            creator_gid: perm.cgid,
            // The kernel stores flags above the permission bits (SHM_DEST, SHM_LOCKED).
            mode: perm.mode as u32 & 0o777,
        }
    }
}
