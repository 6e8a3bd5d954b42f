//! The core's traits for rings of which only the newest value counts.

use super::checked::ValidateRing;
use super::{LoanRing, NoRecovery, Ring};
use crate::channel::ring::newest::Newest;
use crate::channel::ring::seqlock::Writer;

impl Ring for Writer {
    type Recovery = NoRecovery;
}

impl LoanRing for Writer {
    #[inline]
    fn commit_loan(&mut self) {
        self.commit();
    }
}

impl Ring for Newest {
    type Recovery = NoRecovery;
}

impl ValidateRing for Newest {
    #[inline]
    fn validate(&self) -> bool {
        Newest::validate(self)
    }
}
