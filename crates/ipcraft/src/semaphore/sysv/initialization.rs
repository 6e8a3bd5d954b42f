//! Initial values, and sets whose creator did not get to them.
//!
//! semget(2) makes a set without values. The creator sets them, all in one step, and then applies
//! an operation that changes nothing, which sets the time of the last operation. A set is complete
//! for other processes when that time is not zero.

use super::operation::Operation;
use super::set::SemaphoreSet;
use crate::error::{ErrorKind, Result};

/// How often an operation that changes nothing is tried while another process changes the value.
const MAX_ATTEMPTS: usize = 100;

/// What the creator of an incomplete set has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing: no semaphore ever had a value set, all are zero, and no process waits.
    Untouched,
    /// Every semaphore had its value set.
    ValuesSet,
    /// Some had, or a process waits: a program that initializes sets in its own way.
    Unclear,
}

impl SemaphoreSet {
    /// Sets the initial values, and marks the set as complete.
    pub(super) fn initialize(&self, values: &[u16]) -> Result<()> {
        self.set_values(values)?;
        self.try_apply(no_change(values.first().copied())).or_else(is_marked_by_another)
    }

    /// Marks a set as complete whose values were set. Any number of processes may do so.
    pub(super) fn mark(&self) -> Result<()> {
        for _ in 0..MAX_ATTEMPTS {
            let value = self.value(0)?;
            match self.try_apply(no_change(Some(value))) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                marked => return marked,
            }
        }
        // Operations of other processes change the value, and those mark the set.
        Ok(())
    }

    /// Returns what the creator of an incomplete set has done.
    ///
    /// The kernel keeps the process that last set a value. That process may be invisible in this
    /// pid namespace, so values other than zero count, too.
    pub(super) fn progress(&self) -> Result<Progress> {
        let (mut set, mut is_used) = (0, self.values()?.iter().any(|&value| value != 0));
        for index in (0..self.count()).map_while(|index| u16::try_from(index).ok()) {
            set += usize::from(self.last_pid(index)?.is_some());
            is_used |= self.waiting_for_increase(index)? > 0 || self.waiting_for_zero(index)? > 0;
        }
        Ok(match set {
            0 if !is_used => Progress::Untouched,
            set if set == self.count() => Progress::ValuesSet,
            _ => Progress::Unclear,
        })
    }
}

/// Operations that change nothing and are possible while the first semaphore has this value.
fn no_change(first: Option<u16>) -> &'static [Operation] {
    const TAKE_AND_RETURN: [Operation; 2] = [Operation::subtract(0, 1), Operation::add(0, 1)];
    const IS_ZERO: [Operation; 1] = [Operation::wait_zero(0)];
    if first > Some(0) { &TAKE_AND_RETURN } else { &IS_ZERO }
}

/// Accepts that another process applied an operation first, without waiting for this one.
fn is_marked_by_another(error: crate::Error) -> Result<()> {
    if error.kind() == ErrorKind::WouldBlock { Ok(()) } else { Err(error) }
}
