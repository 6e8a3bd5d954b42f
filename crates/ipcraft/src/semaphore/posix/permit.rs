//! A unit that is returned on drop.

use super::Semaphore;

/// One unit of a semaphore, from [`Semaphore::acquire`] and its variants. Dropping it posts the
/// unit.
///
/// A killed process posts nothing. A forked child that drops its copy posts once more: call
/// [`keep`](Permit::keep) there.
#[derive(Debug)]
#[must_use = "an unused permit posts its unit immediately"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
}

impl<'a> Permit<'a> {
    pub(super) fn new(semaphore: &'a Semaphore) -> Self {
        Permit { semaphore }
    }

    /// Consumes the permit without posting the unit.
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // A post fails only at the maximum value, which another process must have reached by
        // posting too often.
        let _ = self.semaphore.post();
    }
}
