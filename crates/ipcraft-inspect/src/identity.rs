//! What distinguishes an object from all others, whatever its name.

use serde::Serialize;

/// A file: its file system's device number, and its inode number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FileId {
    /// Major and minor number.
    pub device: (u32, u32),
    /// The number that a name leads to.
    pub inode: u64,
}

impl FileId {
    pub(crate) const fn new(major: u32, minor: u32, inode: u64) -> FileId {
        FileId { device: (major, minor), inode }
    }
}

/// What identifies an object for as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Identity {
    /// A file: shared memory, a semaphore, a POSIX queue, a FIFO, the file of a socket.
    File(FileId),
    /// The identifier of a System V object, among those of its kind and its IPC namespace.
    Sysv(i32),
    /// The inode number of a socket itself.
    Socket(u64),
}
