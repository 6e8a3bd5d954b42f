//! Fractions that are compared exactly.

use std::cmp::Ordering;

/// A fraction of two integers, the second not 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ratio {
    above: u64,
    below: u64,
}

impl Ratio {
    pub(super) const fn new(above: u64, below: u64) -> Ratio {
        Ratio { above, below }
    }

    pub(super) fn as_f64(self) -> f64 {
        self.above as f64 / self.below as f64
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Ratio) -> Ordering {
        let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
        product(self.above, other.below).cmp(&product(other.above, self.below))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Ratio) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Ratio) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ratio {}
