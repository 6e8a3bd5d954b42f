//! Identification of the limit that `mq_open(3)` hit.
//!
//! The kernel reports `EINVAL`, `EMFILE` or `ENOSPC`, each for several causes.

use std::fs::File;

use nix::errno::Errno;
use nix::sys::resource::Resource;

use crate::error::{Error, ErrorKind, Limit};
use crate::support::limits::{descriptors, memory_left, rlimit, sysctl};

const CAPACITY_MAX: &str = "/proc/sys/fs/mqueue/msg_max";
const MESSAGE_SIZE_MAX: &str = "/proc/sys/fs/mqueue/msgsize_max";

/// Bytes that the kernel charges per message beside its contents (getrlimit(2); 64-bit Linux).
const MESSAGE_OVERHEAD: u64 = 48;
/// Bytes that the kernel charges per priority that can be in use (getrlimit(2); 64-bit Linux).
const PRIORITY_OVERHEAD: u64 = 48;

/// The sizes of a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueueSize {
    capacity: u64,
    message_size: u64,
}

impl QueueSize {
    /// Returns these sizes, with the system's defaults where `None`.
    pub(super) fn new(capacity: Option<usize>, message_size: Option<usize>) -> Self {
        let or_default = |size: Option<usize>, path, fallback| match size {
            Some(size) => size as u64,
            None => sysctl(path, None).map_or(fallback, |limit| limit.value),
        };
        QueueSize {
            capacity: or_default(capacity, "/proc/sys/fs/mqueue/msg_default", 10),
            message_size: or_default(message_size, "/proc/sys/fs/mqueue/msgsize_default", 8192),
        }
    }

    pub(super) fn capacity(&self) -> libc::c_long {
        self.capacity.try_into().unwrap_or(libc::c_long::MAX)
    }

    pub(super) fn message_size(&self) -> libc::c_long {
        self.message_size.try_into().unwrap_or(libc::c_long::MAX)
    }

    /// Returns the bytes that the kernel charges for such a queue.
    fn bytes(&self) -> u64 {
        let priorities = self.capacity.min(super::PRIORITIES.into());
        self.capacity
            .saturating_mul(self.message_size.saturating_add(MESSAGE_OVERHEAD))
            .saturating_add(priorities * PRIORITY_OVERHEAD)
    }
}

/// Adds the limit that was hit to an error of `mq_open(3)`.
pub(super) fn explain(error: Error, errno: Errno, size: impl FnOnce() -> QueueSize) -> Error {
    match errno {
        Errno::EINVAL => invalid_size(error, size()),
        // A queue belongs to a user and a group, which its IPC namespace has to know.
        Errno::EOVERFLOW => error
            .with_kind(ErrorKind::PermissionDenied)
            .with_hint("map this user and group in the user namespace"),
        Errno::EACCES => error.with_hint("check owner and mode, or open one direction only"),
        Errno::ENOMEM => error.with_limit(memory_left()),
        Errno::EMFILE if !descriptor_table_is_full() => {
            let limit = rlimit("RLIMIT_MSGQUEUE", Resource::RLIMIT_MSGQUEUE, Some(size().bytes()));
            error.with_limit(limit).with_hint("unlink queues of this user, or raise the limit")
        }
        Errno::ENOSPC => error
            .with_limit(sysctl("/proc/sys/fs/mqueue/queues_max", None))
            .with_hint("unlink queues of this IPC namespace, or raise the limit"),
        Errno::EMFILE | Errno::ENFILE => {
            error.with_limit(descriptors(errno)).with_hint("close descriptors, or raise the limit")
        }
        _ => error,
    }
}

fn invalid_size(error: Error, size: QueueSize) -> Error {
    if size.capacity == 0 || size.message_size == 0 {
        return error.with_hint("set capacity and message_size to at least 1");
    }
    let limit =
        exceeded(CAPACITY_MAX, "the kernel's highest msg_max", 1 << 16, size.capacity).or_else(|| {
            exceeded(MESSAGE_SIZE_MAX, "the kernel's highest msgsize_max", 1 << 24, size.message_size)
        });
    match limit {
        Some(limit) => error.with_kind(ErrorKind::LimitReached).with_limit(Some(limit)),
        None => error,
    }
}

/// Returns the limit that `requested` exceeds: the setting at `path`, or `hard`, which also binds
/// privileged processes.
fn exceeded(path: &'static str, name: &'static str, hard: u64, requested: u64) -> Option<Limit> {
    if requested > hard {
        return Some(Limit { name, value: hard, requested: Some(requested) });
    }
    sysctl(path, Some(requested)).filter(|limit| requested > limit.value)
}

/// Returns whether the descriptor table of this process is full.
fn descriptor_table_is_full() -> bool {
    File::open("/").is_err_and(|e| e.raw_os_error() == Some(libc::EMFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charge_matches_the_formula_of_getrlimit() {
        let usual = QueueSize { capacity: 10, message_size: 8192 };
        assert_eq!(usual.bytes(), 10 * 8192 + 10 * 48 + 10 * 48);
        let many = QueueSize { capacity: 65_536, message_size: 1 };
        assert_eq!(many.bytes(), 65_536 * 49 + 32_768 * 48);
        assert_eq!(QueueSize { capacity: u64::MAX, message_size: 2 }.bytes(), u64::MAX);
    }
}
