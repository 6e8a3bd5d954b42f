//! The IPC namespace of the calling thread, in which names and identifiers are looked up.

use std::fs;
use std::os::unix::fs::MetadataExt;

/// An IPC namespace: device and inode number of its file; `None` without /proc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IpcNamespace(Option<(u64, u64)>);

impl IpcNamespace {
    /// Returns the namespace of the calling thread.
    pub(crate) fn current() -> Self {
        let file = fs::metadata("/proc/thread-self/ns/ipc");
        IpcNamespace(file.ok().map(|file| (file.dev(), file.ino())))
    }

    /// Returns whether the calling thread can be in this namespace: not if /proc shows another one.
    pub(crate) fn may_be_current(self) -> bool {
        self.0.zip(Self::current().0).is_none_or(|(noted, current)| noted == current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_namespace_is_not_current_and_an_unknown_one_may_be() {
        let own = IpcNamespace::current();
        assert!(own.0.is_some() && own.may_be_current());
        assert!(!IpcNamespace(own.0.map(|(device, inode)| (device, inode + 1))).may_be_current());
        assert!(IpcNamespace(None).may_be_current());
    }
}
