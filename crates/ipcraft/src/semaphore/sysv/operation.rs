//! Operations on one semaphore of a set.

#![allow(unsafe_code)]

use std::fmt;

use libc::{c_short, sembuf};

/// `struct sembuf`: one element of an array of operations, which is applied as a whole or not at
/// all.
///
/// ```
/// use ipcraft::semaphore::sysv::Operation;
///
/// let take = Operation::subtract(0, 1).undo();
/// assert_eq!(format!("{take:?}"), "subtract 1 from semaphore 0, with undo");
/// ```
#[derive(Clone, Copy)]
#[repr(transparent)]
#[doc(alias = "sembuf")]
#[must_use]
pub struct Operation(sembuf);

/// Represents an amount that the kernel's structure cannot hold. No set has that many semaphores,
/// so the kernel rejects it (`EFBIG`) and the error can explain it.
const IMPOSSIBLE: sembuf = sembuf { sem_num: u16::MAX, sem_op: c_short::MIN, sem_flg: 0 };

const NOWAIT: c_short = libc::IPC_NOWAIT as c_short;
const UNDO: c_short = libc::SEM_UNDO as c_short;

impl Operation {
    /// Adds `amount`, 1 to 32767, and wakes waiters that can proceed. Never blocks.
    pub const fn add(index: u16, amount: u16) -> Self {
        Operation::change(index, amount, 1)
    }

    /// Blocks until the value is at least `amount`, 1 to 32767, and subtracts it.
    pub const fn subtract(index: u16, amount: u16) -> Self {
        Operation::change(index, amount, -1)
    }

    /// Blocks until the value is zero.
    pub const fn wait_zero(index: u16) -> Self {
        Operation(sembuf { sem_num: index, sem_op: 0, sem_flg: 0 })
    }

    /// `SEM_UNDO`: makes the kernel revert the change when this process ends, for whatever reason.
    ///
    /// See [the contract](super#contract) for fork, exec and threads.
    #[doc(alias = "SEM_UNDO")]
    pub const fn undo(self) -> Self {
        Operation(sembuf { sem_flg: self.0.sem_flg | UNDO, ..self.0 })
    }

    /// Returns the index of the semaphore in the set.
    pub const fn index(&self) -> u16 {
        self.0.sem_num
    }

    const fn change(index: u16, amount: u16, sign: c_short) -> Self {
        // In the kernel's structure an amount of zero means to wait for zero.
        if amount == 0 || amount > c_short::MAX as u16 {
            return Operation(IMPOSSIBLE);
        }
        Operation(sembuf { sem_num: index, sem_op: sign * amount as c_short, sem_flg: 0 })
    }

    pub(super) const fn is_impossible(&self) -> bool {
        self.0.sem_num == IMPOSSIBLE.sem_num && self.0.sem_op == IMPOSSIBLE.sem_op
    }

    /// Returns the same operation, which fails with `EAGAIN` instead of blocking.
    pub(super) const fn nowait(self) -> Self {
        Operation(sembuf { sem_flg: self.0.sem_flg | NOWAIT, ..self.0 })
    }

    #[inline]
    pub(super) fn as_raw(operations: &[Operation]) -> &[sembuf] {
        // SAFETY: because an Operation is a transparent wrapper, so the slice has the same length
        // and layout.
        unsafe { &*(std::ptr::from_ref(operations) as *const [sembuf]) }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sembuf { sem_num: index, sem_op: change, sem_flg: flags } = self.0;
        match change {
            _ if self.is_impossible() => write!(f, "an amount that is not 1 to 32767")?,
            0 => write!(f, "wait until semaphore {index} is zero")?,
            1.. => write!(f, "add {change} to semaphore {index}")?,
            ..0 => write!(f, "subtract {} from semaphore {index}", change.unsigned_abs())?,
        }
        if flags & UNDO != 0 { f.write_str(", with undo") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_convert_to_sembuf() {
        let raw = Operation::subtract(3, 2).undo().nowait().0;
        assert_eq!((raw.sem_num, raw.sem_op, raw.sem_flg), (3, -2, UNDO | NOWAIT));
        assert_eq!(Operation::add(0, 32767).0.sem_op, 32767);
        assert_eq!(Operation::wait_zero(1).0.sem_op, 0);
    }

    #[test]
    fn out_of_range_amount_is_no_other_operation() {
        for amount in [0, 32768, u16::MAX] {
            assert!(Operation::add(0, amount).is_impossible());
            assert!(Operation::subtract(0, amount).undo().is_impossible());
        }
        assert!(!Operation::wait_zero(0).is_impossible());
    }

    #[test]
    fn debug_describes_the_operation() {
        assert_eq!(format!("{:?}", Operation::add(1, 5)), "add 5 to semaphore 1");
        assert_eq!(format!("{:?}", Operation::wait_zero(2)), "wait until semaphore 2 is zero");
        assert_eq!(format!("{:?}", Operation::add(0, 0)), "an amount that is not 1 to 32767");
    }
}
