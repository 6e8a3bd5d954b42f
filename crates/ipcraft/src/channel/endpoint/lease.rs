//! Leases: each endpoint holds a lock that the kernel releases when the endpoint is gone.
//!
//! A lease is a byte of the channel's file, locked for an open file description of the
//! endpoint's own (`F_OFD_SETLK`, fcntl(2)). The kernel releases the lock with the last
//! descriptor of the description: when the endpoint is dropped, and when its process exits or is
//! killed at any instruction. A copy of the descriptor in a child, or in transit over a socket,
//! keeps the lock.
//!
//! So holding the descriptor is holding the endpoint: no registry, no trusted pid, and no
//! dependence on pid namespaces. The file position, which memory does not use, stores the number
//! of the lease.

use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread::sleep;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{Whence, lseek};

use crate::channel::tuning::{MAX_UNIQUE_ATTEMPTS, UNIQUE_RETRY_INTERVAL};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::memfd::Memfd;
use crate::support::{limits, proc_fd};
use crate::sys::ofd_lock;

const LOCK_CALL: &str = "fcntl(F_OFD_SETLK)";
const TEST_CALL: &str = "fcntl(F_OFD_GETLK)";

/// Where the locks are: far beyond the end of any memory, where no other lock is.
const LOCK_OFFSET: u64 = 1 << 48;

/// A lease that this process holds.
#[derive(Debug)]
pub(crate) struct Lease {
    /// A description of its own, that has the lock.
    fd: OwnedFd,
    number: u32,
}

impl Lease {
    /// Acquires the first free lease of these, for a new description of the file behind `file`.
    /// `operation` names the endpoint in errors.
    pub(crate) fn acquire(
        file: BorrowedFd<'_>,
        leases: Range<u32>,
        operation: &'static str,
    ) -> Result<Lease> {
        let fd = reopen(file)?;
        for number in leases.clone() {
            if lock(fd.as_fd(), number)? {
                lseek(&fd, i64::from(number), Whence::SeekSet).map_err(|e| Error::from_errno("lseek", e))?;
                return Ok(Lease { fd, number });
            }
        }
        Err(all_taken(&leases, operation))
    }

    /// Takes over a lease with its descriptor, from a parent or over a socket.
    ///
    /// A peer may have chosen the descriptor, which must have been [checked](check_received).
    pub(crate) fn adopt(fd: OwnedFd, leases: Range<u32>, operation: &'static str) -> Result<Lease> {
        let position = lseek(&fd, 0, Whence::SeekCur).map_err(|e| Error::from_errno("lseek", e))?;
        let number = u32::try_from(position).ok().filter(|number| leases.contains(number));
        let Some(number) = number else { return Err(no_endpoint("lseek")) };
        if lock(fd.as_fd(), number)? {
            Ok(Lease { fd, number })
        } else {
            Err(all_taken(&(number..number + 1), operation))
        }
    }

    /// Which one it is.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Returns whether another endpoint holds one of these. Out of date when it returns.
    pub(crate) fn any_alive(&self, leases: Range<u32>) -> Result<bool> {
        let count = u64::from(leases.end - leases.start);
        ofd_lock::is_locked_by_others(self.fd.as_fd(), LOCK_OFFSET + u64::from(leases.start), count)
            .map_err(|e| Error::from_errno(TEST_CALL, e))
    }

    /// Holds the lease of a dead owner in addition to its own while `reclaim` runs. No endpoint
    /// can acquire it meanwhile, and if the caller dies, the kernel releases both.
    ///
    /// Returns `false` if the owner is alive.
    pub(crate) fn with_dead_lease(&self, number: u32, reclaim: impl FnOnce()) -> Result<bool> {
        if number == self.number || !lock(self.fd.as_fd(), number)? {
            return Ok(false);
        }
        reclaim();
        let at = LOCK_OFFSET + u64::from(number);
        ofd_lock::unlock(self.fd.as_fd(), at).map_err(|e| Error::from_errno(LOCK_CALL, e))?;
        Ok(true)
    }

    /// Returns the lease if this is its only holder. Waits for a liveness check that shares it.
    pub(crate) fn try_unwrap_unique(mut shared: Arc<Lease>) -> Option<Lease> {
        for _ in 0..MAX_UNIQUE_ATTEMPTS {
            match Arc::try_unwrap(shared) {
                Ok(lease) => return Some(lease),
                Err(still_shared) => shared = still_shared,
            }
            sleep(UNIQUE_RETRY_INTERVAL);
        }
        None
    }

    /// Returns the descriptor that holds the lease.
    pub(crate) fn into_fd(self) -> OwnedFd {
        self.fd
    }
}

/// Returns which of these leases are held, except by the description of `fd`. Out of date when it
/// returns. Takes two system calls for each one, and one more.
pub(crate) fn held(fd: BorrowedFd<'_>, leases: Range<u32>) -> Result<Vec<u32>> {
    let (mut held, mut rest) = (Vec::new(), vec![leases]);
    while let Some(range) = rest.pop() {
        if range.is_empty() {
            continue;
        }
        let at = |number: u32| LOCK_OFFSET + u64::from(number);
        let found = ofd_lock::lock_of_others(fd, at(range.start), (range.end - range.start).into())
            .map_err(|e| Error::from_errno(TEST_CALL, e))?;
        let Some(lock) = found else { continue };
        // The kernel reports the whole lock, which may begin and end elsewhere.
        let start = lock.start.clamp(at(range.start), at(range.end - 1)) - LOCK_OFFSET;
        let end = lock.end.clamp(at(range.start) + 1, at(range.end)) - LOCK_OFFSET;
        let (start, end) = (start as u32, end as u32);
        held.extend(start..end.max(start + 1));
        rest.extend([range.start..start, end.max(start + 1)..range.end]);
    }
    held.sort_unstable();
    held.dedup();
    Ok(held)
}

fn lock(fd: BorrowedFd<'_>, number: u32) -> Result<bool> {
    ofd_lock::try_lock(fd, LOCK_OFFSET + u64::from(number))
        .map_err(|e| Error::from_errno(LOCK_CALL, e).with_limit(limits::descriptors(e)))
}

/// Fails unless this is a descriptor that an endpoint can have: of a sealed memfd, for reading and
/// writing. A peer may have sent any descriptor, so this neither opens the file nor blocks.
pub(crate) fn check_received(fd: BorrowedFd<'_>) -> Result<()> {
    Memfd::check(fd)?;
    let flags = fcntl(fd, FcntlArg::F_GETFL).map_err(|e| Error::from_errno("fcntl(F_GETFL)", e))?;
    match OFlag::from_bits_retain(flags) & OFlag::O_ACCMODE {
        OFlag::O_RDWR => Ok(()),
        _ => Err(no_endpoint("fcntl(F_GETFL)")),
    }
}

/// Opens the same file under a description of its own.
///
/// Does not block: if a process has a lease on the file (`F_SETLEASE`), the kernel would otherwise
/// wait for it, 45 seconds by default.
pub(crate) fn reopen(file: BorrowedFd<'_>) -> Result<OwnedFd> {
    proc_fd::reopen(file, OFlag::O_RDWR | OFlag::O_NONBLOCK).map_err(|errno| {
        let error = Error::from_errno("open /proc/self/fd", errno).with_limit(limits::descriptors(errno));
        match errno {
            Errno::ENOENT => error.with_kind(ErrorKind::Unsupported).with_hint("mount /proc"),
            Errno::EAGAIN => error.with_kind(ErrorKind::InUse).with_hint("end the lease (F_SETLEASE) on it"),
            _ => error,
        }
    })
}

fn no_endpoint(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::WrongType).with_hint("pass the descriptor of an endpoint of this kind")
}

fn all_taken(leases: &Range<u32>, operation: &'static str) -> Error {
    let count = u64::from(leases.end - leases.start);
    let error = Error::new(operation, ErrorKind::InUse);
    if count == 1 {
        return error.with_hint("wait until its owner drops it or ends");
    }
    let limit = Limit { name: "the number of such endpoints", value: count, requested: Some(count + 1) };
    error
        .with_kind(ErrorKind::LimitReached)
        .with_limit(Some(limit))
        .with_hint("wait until one of them is dropped")
}
