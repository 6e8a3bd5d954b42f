//! A unit that is given back.

use super::Semaphore;

/// One unit of a semaphore, from [`Semaphore::acquire`] and its like; given back when dropped.
///
/// A process that is killed gives nothing back, and a forked child that drops its copy gives back once more:
/// [`keep`](Permit::keep) it there.
#[derive(Debug)]
#[must_use = "the unit is given back at once if nobody holds the permit"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
}

impl<'a> Permit<'a> {
    pub(super) fn new(semaphore: &'a Semaphore) -> Self {
        Permit { semaphore }
    }

    /// Does not give the unit back: somebody else will post it, or nobody.
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // It fails only at the largest value, to which somebody else must have posted what he did not take.
        let _ = self.semaphore.post();
    }
}
