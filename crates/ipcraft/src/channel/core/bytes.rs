//! The core's traits for rings of records.

use super::{LoanRing, NoRecovery, Ring, SendRing};
use crate::channel::ring::TryResult;
use crate::channel::ring::bytes::{Reader, Writer};

impl Ring for Writer {
    type Recovery = NoRecovery;
}

impl SendRing<[u8]> for Writer {
    #[inline]
    fn push(&mut self, record: &[u8], inline: bool) -> TryResult<()> {
        Writer::push(self, record, inline)
    }
}

impl LoanRing for Writer {
    #[inline]
    fn commit_loan(&mut self) {
        self.commit();
    }
}

impl Ring for Reader {
    type Recovery = NoRecovery;
}
