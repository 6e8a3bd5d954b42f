//! Which limit it was that `mq_open(3)` ran into: the kernel says `EINVAL`, `EMFILE` or `ENOSPC`, and each has several
//! causes.

use std::fs::File;

use nix::errno::Errno;
use nix::sys::resource::Resource;

use crate::error::{Error, ErrorKind, Limit};
use crate::support::limits::{descriptors, rlimit, sysctl};

const CAPACITY_MAX: &str = "/proc/sys/fs/mqueue/msg_max";
const MESSAGE_SIZE_MAX: &str = "/proc/sys/fs/mqueue/msgsize_max";

/// What the kernel keeps for each message beside its bytes, and for each priority that can be in use (getrlimit(2) has
/// the formula, 64-bit Linux the sizes).
const PER_MESSAGE: u64 = 48;
const PER_PRIORITY: u64 = 48;

/// The sizes of a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    capacity: u64,
    message_size: u64,
}

impl Room {
    /// These sizes, with the system's defaults for those that are left open.
    pub(super) fn new(capacity: Option<usize>, message_size: Option<usize>) -> Self {
        let or_default = |size: Option<usize>, path, usual| match size {
            Some(size) => size as u64,
            None => sysctl(path, None).map_or(usual, |limit| limit.value),
        };
        Room {
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

    /// What the kernel charges for such a queue.
    fn bytes(&self) -> u64 {
        let priorities = self.capacity.min(super::PRIORITIES.into());
        self.capacity
            .saturating_mul(self.message_size.saturating_add(PER_MESSAGE))
            .saturating_add(priorities * PER_PRIORITY)
    }
}

/// Adds to an error of `mq_open(3)` which limit it was.
pub(super) fn explain(error: Error, errno: Errno, room: impl FnOnce() -> Room) -> Error {
    match errno {
        Errno::EINVAL | Errno::EOVERFLOW => sizes(error, room()),
        Errno::EMFILE if !table_is_full() => {
            let limit = rlimit("RLIMIT_MSGQUEUE", Resource::RLIMIT_MSGQUEUE, Some(room().bytes()));
            error.with_limit(limit).with_hint("it bounds the bytes of all queues of this user together")
        }
        Errno::ENOSPC => error.with_limit(sysctl("/proc/sys/fs/mqueue/queues_max", None)),
        _ => error.with_limit(descriptors(errno)),
    }
}

fn sizes(error: Error, room: Room) -> Error {
    if room.capacity == 0 || room.message_size == 0 {
        return error.with_hint("capacity and message size are at least 1");
    }
    let limit =
        exceeded(CAPACITY_MAX, "the kernel's highest msg_max", 1 << 16, room.capacity).or_else(|| {
            exceeded(MESSAGE_SIZE_MAX, "the kernel's highest msgsize_max", 1 << 24, room.message_size)
        });
    match limit {
        Some(limit) => error.with_kind(ErrorKind::LimitReached).with_limit(Some(limit)),
        None => error,
    }
}

/// The setting at `path`, which the privileged may exceed up to `hard`, if it is in the way of `requested`.
fn exceeded(path: &'static str, name: &'static str, hard: u64, requested: u64) -> Option<Limit> {
    if requested > hard {
        return Some(Limit { name, value: hard, requested: Some(requested) });
    }
    sysctl(path, Some(requested)).filter(|limit| requested > limit.value)
}

/// Whether it is descriptors that this process has run out of.
fn table_is_full() -> bool {
    File::open("/").is_err_and(|e| e.raw_os_error() == Some(libc::EMFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charge_is_the_kernels() {
        let room = Room { capacity: 10, message_size: 8192 };
        assert_eq!(room.bytes(), 10 * 8192 + 10 * 48 + 10 * 48);
        let many = Room { capacity: 65_536, message_size: 1 };
        assert_eq!(many.bytes(), 65_536 * 49 + 32_768 * 48);
        assert_eq!(Room { capacity: u64::MAX, message_size: 2 }.bytes(), u64::MAX);
    }
}
