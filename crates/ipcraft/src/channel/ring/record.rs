//! The layout of records in a ring, and how their headers are validated.
//!
//! Positions count words of eight bytes from the start of the channel, and wrap. A record
//! consists of a header word, its bytes, and padding to the next word. It does not wrap around
//! the end of the ring: where it would, a header marks the rest of the ring as padding, and the
//! record is at the start. The header contains a checksum of its position. So neither the bytes
//! of the previous round nor random bytes are taken for a header.

use crate::channel::ring::Corrupt;
use crate::channel::tuning::MIN_LINE_ALIGNED_RECORD;

/// Bytes of the unit in which positions count.
pub(crate) const WORD: usize = 8;

/// Words of a cache line.
const LINE: u64 = 8;

/// In the lower half of the word: that the bytes start at the next line, and not at the next word.
const AT_LINE: u32 = 1 << 31;

/// The lower half of the word of padding.
const PADDING: u32 = u32::MAX;

/// What half of a word has room for.
const MOST: usize = (AT_LINE - 2) as usize;

/// A record in a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The position of its first byte.
    pub(crate) start: u64,
    /// In bytes.
    pub(crate) length: usize,
    /// The position after it.
    pub(crate) end: u64,
}

/// Where a record is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reservation {
    /// The position of its word. What is before is padding.
    pub(crate) word: u64,
    at_line: bool,
    pub(crate) record: Record,
}

/// What begins at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Record(Record),
    /// Nothing, until there.
    Padding(u64),
}

/// Returns the largest length of a record in a ring of `words` words. It takes at most half of
/// them, so that it fits before or after any position.
pub(crate) const fn max_message_len(words: u64) -> usize {
    let half = (words / 2).saturating_sub(LINE);
    if half > (MOST / WORD) as u64 { MOST } else { half as usize * WORD }
}

/// Returns where a record of `length` bytes, at most the longest, goes in a ring of `words`
/// words, a power of two.
#[inline]
pub(crate) fn reservation(position: u64, words: u64, length: usize) -> Reservation {
    let at_line = length > MIN_LINE_ALIGNED_RECORD;
    let until_end = words - (position & (words - 1));
    let record = Record::after(position, at_line, length);
    if record.end.wrapping_sub(position) <= until_end {
        return Reservation { word: position, at_line, record };
    }
    let word = position.wrapping_add(until_end);
    Reservation { word, at_line, record: Record::after(word, at_line, length) }
}

/// Parses a header that was read at `position` of a ring of `words` words. A valid record ends
/// neither after `committed` nor behind the end of the ring.
#[inline]
pub(crate) fn parse(word: u64, position: u64, committed: u64, words: u64) -> Result<Parsed, Corrupt> {
    let said = word as u32;
    let (index, written) = (position & (words - 1), committed.wrapping_sub(position));
    if word != checksummed_header(position, said) || written > words {
        return Err(Corrupt);
    }
    let until_end = words - index;
    if said == PADDING {
        let is_possible = index != 0 && until_end < written;
        return if is_possible {
            Ok(Parsed::Padding(position.wrapping_add(until_end)))
        } else {
            Err(Corrupt)
        };
    }
    let length = (said & !AT_LINE) as usize;
    let record = Record::after(position, said & AT_LINE != 0, length);
    let is_possible =
        length <= max_message_len(words) && record.end.wrapping_sub(position) <= until_end.min(written);
    if is_possible { Ok(Parsed::Record(record)) } else { Err(Corrupt) }
}

impl Record {
    /// The one whose word is at `word`.
    #[inline]
    pub(crate) fn after(word: u64, at_line: bool, length: usize) -> Record {
        let start = if at_line { word.wrapping_add(LINE) & !(LINE - 1) } else { word.wrapping_add(1) };
        Record { start, length, end: start.wrapping_add(length.div_ceil(WORD) as u64) }
    }
}

impl Reservation {
    /// The same place for a record that is shorter.
    pub(crate) fn shortened(self, length: usize) -> Reservation {
        debug_assert!(length <= self.record.length);
        Reservation { record: Record::after(self.word, self.at_line, length), ..self }
    }

    /// The word before the record.
    #[inline]
    pub(crate) fn header(&self) -> u64 {
        let at_line = if self.at_line { AT_LINE } else { 0 };
        checksummed_header(self.word, self.record.length as u32 | at_line)
    }
}

/// Returns the header of padding up to the end of the ring.
pub(crate) fn padding(position: u64) -> u64 {
    checksummed_header(position, PADDING)
}

/// Returns a header with its checksum for this position.
#[inline]
const fn checksummed_header(position: u64, said: u32) -> u64 {
    // Odd constants: any change of the lower half, or of the position, changes the upper half of
    // the product.
    let mixed = (position ^ (said as u64) << 32 ^ 0x6970_6372_6166_7421).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed & !(u32::MAX as u64) | said as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: u64 = 128;

    fn starts() -> impl Iterator<Item = u64> {
        [0, (1 << 32) - 200, (1 << 63) - 200, u64::MAX - 200]
            .into_iter()
            .flat_map(|near| near..=near.saturating_add(400))
    }

    /// Words that follow each other from something like a seed on.
    fn words(mut seed: u64) -> impl Iterator<Item = u64> {
        std::iter::repeat_with(move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed ^ seed >> 29
        })
    }

    #[test]
    fn what_is_planned_is_found() {
        for position in starts() {
            for length in 0..=max_message_len(WORDS) {
                let reservation = reservation(position, WORDS, length);
                let end = reservation.record.end;
                assert!(end.wrapping_sub(position) <= WORDS, "{position} {length}");
                assert!(
                    reservation.word & (WORDS - 1) <= (end.wrapping_sub(1)) & (WORDS - 1),
                    "{position} {length}"
                );
                if reservation.word != position {
                    let found = parse(padding(position), position, end, WORDS);
                    assert_eq!(found, Ok(Parsed::Padding(reservation.word)));
                }
                assert_eq!(
                    parse(reservation.header(), reservation.word, end, WORDS),
                    Ok(Parsed::Record(reservation.record))
                );
                assert_eq!(
                    length > MIN_LINE_ALIGNED_RECORD,
                    reservation.record.start.is_multiple_of(LINE) && reservation.at_line
                );
                let shorter = reservation.shortened(length / 2);
                assert_eq!(
                    parse(shorter.header(), reservation.word, end, WORDS),
                    Ok(Parsed::Record(shorter.record))
                );
            }
        }
    }

    #[test]
    fn what_cannot_be_is_corrupt() {
        for position in starts() {
            let reservation = reservation(position, WORDS, 40);
            let (word, end) = (reservation.header(), reservation.record.end);
            for bit in 0..64 {
                assert_eq!(parse(word ^ 1 << bit, reservation.word, end, WORDS), Err(Corrupt), "bit {bit}");
            }
            for away in [1, WORDS, 2 * WORDS, 1 << 32, 1 << 63] {
                let position = reservation.word.wrapping_add(away);
                assert_eq!(parse(word, position, end.wrapping_add(away), WORDS), Err(Corrupt), "{away}");
            }
            for committed in [
                reservation.word,
                end.wrapping_sub(1),
                reservation.word.wrapping_add(WORDS + 1),
                reservation.word.wrapping_sub(1),
            ] {
                assert_eq!(parse(word, reservation.word, committed, WORDS), Err(Corrupt), "{committed}");
            }
            assert_eq!(parse(0, position, end, WORDS), Err(Corrupt));
            assert_eq!(parse(u64::MAX, position, end, WORDS), Err(Corrupt));
        }
    }

    #[test]
    fn whatever_is_found_is_within_the_ring_and_what_was_committed() {
        let mut found = 0;
        let mut random = words(7);
        for _ in 0..200_000 {
            let [position, ahead, said] = [(); 3].map(|()| random.next().unwrap());
            let position = if said & 1 == 0 { position } else { position % 300 };
            // With a right checksum, or nothing would be found; most lengths are close to the
            // maximum.
            let shift = ahead >> 32 & 31;
            let word = checksummed_header(position, (said >> 32 & 0xffff_ffff) as u32 >> shift);
            let committed = position.wrapping_add(ahead % (WORDS + 4));
            let index = position % WORDS;
            let end = match parse(word, position, committed, WORDS) {
                Ok(Parsed::Record(record)) => {
                    let at = record.start.wrapping_sub(position);
                    assert!((1..=LINE).contains(&at) && record.length <= max_message_len(WORDS));
                    assert!(at as usize * WORD + record.length <= (WORDS - index) as usize * WORD);
                    record.end
                }
                Ok(Parsed::Padding(until)) => until,
                Err(Corrupt) => continue,
            };
            found += 1;
            let size = end.wrapping_sub(position);
            assert!(size > 0 && size <= committed.wrapping_sub(position) && index + size <= WORDS);
        }
        assert!(found > 1000, "{found}");
    }

    #[test]
    fn the_longest_leaves_half_of_the_ring() {
        assert_eq!(max_message_len(8), 0);
        assert_eq!(max_message_len(32), 64);
        assert_eq!(max_message_len(1 << 13), (1 << 15) - 64);
        assert_eq!(max_message_len(1 << 40), MOST);
    }
}
