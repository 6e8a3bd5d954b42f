//! The messages. All words derive from the message's number, so that a lost, repeated or torn
//! message is detected.

use std::error::Error;

use ipcraft::channel::Payload;

/// An error of a competitor.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// The result of a competitor's operation.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A small message of `8 * N` bytes.
pub(crate) type Words<const N: usize> = [u64; N];

/// The difference between the numbers of a reply and its request, so that an echo is detected.
pub(crate) const ANSWER: u64 = 1 << 63;

/// Makes the words of one message differ.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns the message with this number.
#[inline(always)]
pub(crate) fn words<const N: usize>(number: u64) -> Words<N> {
    std::array::from_fn(|i| number.wrapping_add(STEP.wrapping_mul(i as u64)))
}

/// Fills a batch with the messages from this number on, in place. An array that a function returns
/// may be moved, which is a copy in the competitor's time.
#[inline(always)]
pub(crate) fn fill<const N: usize>(batch: &mut [Words<N>], first: u64) {
    for (number, message) in (first..).zip(batch) {
        *message = words(number);
    }
}

/// Converts an error of a competitor. It is out of line, since it would otherwise prevent the
/// inlining of the call into the timed loop.
#[cold]
#[inline(never)]
pub(crate) fn failure(error: impl Into<Failure>) -> Failure {
    error.into()
}

/// Checks every word of a received message.
#[inline(always)]
pub(crate) fn check<const N: usize>(received: &Words<N>, number: u64) -> Result<()> {
    if *received == words(number) { Ok(()) } else { Err(mismatch(received, number)) }
}

#[cold]
#[inline(never)]
fn mismatch(received: &[u64], expected: u64) -> Failure {
    let found = received.first().copied().unwrap_or_default();
    let whole =
        received.iter().enumerate().all(|(i, &word)| word == found.wrapping_add(STEP.wrapping_mul(i as u64)));
    if !whole {
        return format!("message {expected} is torn").into();
    }
    format!("message {expected} expected, message {found} received").into()
}

/// A record of 1 to 64 bytes. Its length and its bytes derive from its number.
pub(crate) struct Record {
    bytes: [u8; Record::LONGEST],
    length: usize,
}

impl Record {
    /// The bytes of the longest record.
    pub(crate) const LONGEST: usize = 64;

    /// Returns the record with this number. Neighbours differ in length.
    #[inline(always)]
    pub(crate) fn new(number: u64) -> Record {
        let length = 1 + (number.wrapping_mul(STEP) >> 58) as usize;
        let mut bytes = [0; Record::LONGEST];
        bytes.copy_from_slice(words::<8>(number).map(u64::to_le_bytes).as_flattened());
        Record { bytes, length }
    }

    /// Returns the bytes.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Checks every byte of a received record.
    #[inline(always)]
    pub(crate) fn check(&self, received: &[u8]) -> Result<()> {
        if received == self.bytes() { Ok(()) } else { Err(failure("a record is lost or torn")) }
    }
}

/// A large message: a pattern, with its number at both ends.
///
/// Every message is checked at both ends, and the first ones in every byte: checking all bytes of
/// all messages takes as long as copying them.
pub(crate) struct Page {
    bytes: Vec<u8>,
}

/// The bytes of the number at each end.
const STAMP: usize = size_of::<u64>();

impl Page {
    /// Creates messages of `size` bytes, which are at least 16.
    pub(crate) fn new(size: usize) -> Page {
        let pattern = |i: usize| (i.wrapping_mul(31) ^ (i >> 8)) as u8;
        let mut page = Page { bytes: (0..size).map(pattern).collect() };
        page.numbered(0);
        page
    }

    /// Returns the message with this number.
    #[inline]
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        let stamp = number.to_le_bytes();
        let tail = self.bytes.len() - STAMP;
        self.bytes[..STAMP].copy_from_slice(&stamp);
        self.bytes[tail..].copy_from_slice(&stamp);
        &self.bytes
    }

    /// Checks a message in place in a channel, as [`check`](Page::check) does.
    #[inline]
    pub(crate) fn check_in_place(
        &mut self,
        payload: &Payload<'_>,
        number: u64,
        check_all: bool,
    ) -> Result<()> {
        if check_all {
            let mut copy = vec![0; payload.len()];
            payload.read_at(0, &mut copy)?;
            return self.check(&copy, number, true);
        }
        let mut ends = [[0; STAMP]; 2];
        payload.read_at(0, &mut ends[0])?;
        payload.read_at(self.bytes.len() - STAMP, &mut ends[1])?;
        let right = payload.len() == self.bytes.len() && ends == [number.to_le_bytes(); 2];
        if right { Ok(()) } else { Err(format!("message {number} is lost or torn").into()) }
    }

    /// Checks a received message at both ends, or with `check_all` in every byte.
    #[inline]
    pub(crate) fn check(&mut self, received: &[u8], number: u64, check_all: bool) -> Result<()> {
        let tail = self.bytes.len() - STAMP;
        let expected = self.numbered(number);
        let right = if check_all {
            received == expected
        } else {
            received.len() == expected.len()
                && received[..STAMP] == expected[..STAMP]
                && received[tail..] == expected[tail..]
        };
        if right { Ok(()) } else { Err(format!("message {number} is lost or torn").into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_accepts_only_the_expected_number() {
        let message: Words<6> = words(u64::MAX - 2);
        check(&message, u64::MAX - 2).unwrap();
        assert!(check(&message, 7).unwrap_err().to_string().ends_with("received"));
    }

    #[test]
    fn check_reports_a_torn_message() {
        let mut message: Words<8> = words(4);
        message[7] = words::<8>(3)[7];
        assert!(check(&message, 4).unwrap_err().to_string().ends_with("torn"));
    }

    #[test]
    fn records_have_every_length_and_are_checked_in_every_byte() {
        let mut lengths: Vec<_> = (0..1000).map(|number| Record::new(number).bytes().len()).collect();
        lengths.sort_unstable();
        lengths.dedup();
        assert_eq!(lengths, (1..=64).collect::<Vec<_>>());
        let record = Record::new(9);
        record.check(record.bytes()).unwrap();
        assert!(record.check(&record.bytes()[1..]).is_err());
        assert!(Record::new(10).check(record.bytes()).is_err());
    }

    #[test]
    fn page_check_covers_both_ends_or_every_byte() {
        let mut page = Page::new(4096);
        let mut message = page.numbered(9).to_vec();
        page.check(&message, 9, true).unwrap();
        message[2000] ^= 1;
        page.check(&message, 9, false).unwrap();
        assert!(page.check(&message, 9, true).is_err());
        message[4095] ^= 1;
        assert!(page.check(&message, 9, false).is_err());
        assert!(page.check(&message[..4000], 9, false).is_err());
    }

    #[test]
    fn page_check_works_in_place() {
        let (mut sender, mut receiver) = ipcraft::channel::spsc::bytes::channel(1 << 16).unwrap();
        let mut page = Page::new(4096);
        let mut message = page.numbered(9).to_vec();
        message[2000] ^= 1;
        sender.send(&message).unwrap();
        let record = receiver.recv_in_place().unwrap();
        page.check_in_place(&record, 9, false).unwrap();
        assert!(page.check_in_place(&record, 9, true).is_err());
        assert!(page.check_in_place(&record, 8, false).is_err());
        assert!(Page::new(4000).check_in_place(&record, 9, false).is_err());
    }
}
