//! Who is there: a seat for each end, which the kernel frees when the end is gone.
//!
//! A seat is a byte of the channel's file, locked for an open file description that is the end's own (`F_OFD_SETLK`,
//! fcntl(2)). Such a lock goes with the last descriptor of the description: when the end is dropped, when its process
//! exits or is killed at whatever instruction, and not before a copy of the descriptor that a child has, or that is on its
//! way over a socket, is closed too. So who has the descriptor has the end; no list has to be kept, no process id to be
//! believed, and no pid namespace matters. The position in the file, which memory has no use for, says which seat it is.

use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{Whence, lseek};

use crate::error::{Error, ErrorKind, Limit, Result};
use crate::support::{limits, proc_fd};
use crate::sys::ofd_lock;

const TAKE: &str = "fcntl(F_OFD_SETLK)";
const LOOK: &str = "fcntl(F_OFD_GETLK)";

/// Where the locks are: far beyond the end of any memory, where no other lock is.
const FIRST: u64 = 1 << 48;

/// How often one who needs a seat for himself sees whether he has it, and how long after the last time.
const LOOKS: u32 = 2000;
const A_MOMENT: Duration = Duration::from_micros(50);

/// A seat that is taken.
#[derive(Debug)]
pub(super) struct Seat {
    /// A description of its own, that has the lock.
    fd: OwnedFd,
    number: u32,
}

impl Seat {
    /// Takes the first free seat of these, for a new description of the file behind `file`.
    pub(super) fn take(file: BorrowedFd<'_>, seats: Range<u32>) -> Result<Seat> {
        let fd = reopen(file)?;
        for number in seats.clone() {
            if lock(fd.as_fd(), number)? {
                lseek(&fd, i64::from(number), Whence::SeekSet).map_err(|e| Error::from_errno("lseek", e))?;
                return Ok(Seat { fd, number });
            }
        }
        Err(all_taken(&seats))
    }

    /// Takes over a seat that came with its description, from a parent or over a socket.
    pub(super) fn adopt(fd: OwnedFd, seats: Range<u32>) -> Result<Seat> {
        let position = lseek(&fd, 0, Whence::SeekCur).map_err(|e| Error::from_errno("lseek", e))?;
        let number = u32::try_from(position).ok().filter(|number| seats.contains(number));
        let Some(number) = number else {
            return Err(Error::new("lseek", ErrorKind::WrongType).with_hint(
                "the descriptor is none of such an end, but perhaps of another, or of a channel",
            ));
        };
        if lock(fd.as_fd(), number)? {
            Ok(Seat { fd, number })
        } else {
            Err(all_taken(&(number..number + 1)))
        }
    }

    /// Which one it is.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Whether somebody else has one of these. Stale as soon as it is returned.
    pub(super) fn are_taken(&self, seats: Range<u32>) -> Result<bool> {
        let count = u64::from(seats.end - seats.start);
        ofd_lock::is_locked_by_others(self.fd.as_fd(), FIRST + u64::from(seats.start), count)
            .map_err(|e| Error::from_errno(LOOK, e))
    }

    /// Takes a seat whose owner died in addition to the own one, for as long as `bury` takes: nobody can sit down
    /// meanwhile, and if the caller dies too the kernel frees both. False if the owner lives.
    pub(super) fn with_seat_of_dead(&self, number: u32, bury: impl FnOnce()) -> Result<bool> {
        if number == self.number || !lock(self.fd.as_fd(), number)? {
            return Ok(false);
        }
        bury();
        let at = FIRST + u64::from(number);
        ofd_lock::unlock(self.fd.as_fd(), at).map_err(|e| Error::from_errno(TAKE, e))?;
        Ok(true)
    }

    /// The seat, if nobody shares it for longer than it takes to look who is there.
    pub(super) fn into_sole(mut shared: Arc<Seat>) -> Option<Seat> {
        for _ in 0..LOOKS {
            match Arc::try_unwrap(shared) {
                Ok(seat) => return Some(seat),
                Err(still_shared) => shared = still_shared,
            }
            sleep(A_MOMENT);
        }
        None
    }

    /// The descriptor, with the seat.
    pub(super) fn into_fd(self) -> OwnedFd {
        self.fd
    }
}

fn lock(fd: BorrowedFd<'_>, number: u32) -> Result<bool> {
    ofd_lock::try_lock(fd, FIRST + u64::from(number))
        .map_err(|e| Error::from_errno(TAKE, e).with_limit(limits::descriptors(e)))
}

/// The same file under a description of its own.
pub(super) fn reopen(file: BorrowedFd<'_>) -> Result<OwnedFd> {
    proc_fd::reopen(file, OFlag::O_RDWR).map_err(|errno| {
        let error = Error::from_errno("open /proc/self/fd", errno).with_limit(limits::descriptors(errno));
        match errno {
            Errno::ENOENT => error.with_kind(ErrorKind::Unsupported).with_hint("mount /proc"),
            _ => error,
        }
    })
}

fn all_taken(seats: &Range<u32>) -> Error {
    let count = u64::from(seats.end - seats.start);
    let error = Error::new(TAKE, ErrorKind::InUse);
    if count == 1 {
        return error.with_hint("this end has one owner at a time, and he is alive");
    }
    let limit = Limit { name: "the number of such ends", value: count, requested: Some(count + 1) };
    error.with_kind(ErrorKind::LimitReached).with_limit(Some(limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::memfd::Memfd;
    use std::thread;

    #[test]
    fn a_seat_that_somebody_looks_at_is_given_away_afterwards() {
        let memory = Memfd::create("seats", 4096).unwrap();
        let seat = Arc::new(Seat::take(memory.as_fd(), 0..1).unwrap());
        let looking = seat.clone();
        let looker = thread::spawn(move || {
            sleep(100 * A_MOMENT);
            drop(looking);
        });
        assert_eq!(Seat::into_sole(seat).unwrap().number(), 0);
        looker.join().unwrap();
    }
}
