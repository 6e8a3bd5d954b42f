//! Messages that carry a number, so that a receiver knows which message arrived, and that it is
//! whole.

use ipcraft::channel::Message;

/// A message type of which each value is made from a number.
pub trait Numbered: Message + Clone {
    /// The message with this number.
    fn numbered(number: u64) -> Self;

    /// The number of a message; `None` if no number makes it, or if the type is too small to hold
    /// one.
    fn number(&self) -> Option<u64>;

    /// Passes the bytes on.
    fn with_bytes<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R;

    /// The message that has these bytes.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// Words that each hold the number of the message and their index in it.
impl<const N: usize> Numbered for [u64; N] {
    fn numbered(number: u64) -> [u64; N] {
        std::array::from_fn(|index| word(number, index as u64))
    }

    fn number(&self) -> Option<u64> {
        let number = self.first()? & u64::from(u32::MAX);
        self.iter().zip(0..).all(|(&found, index)| found == word(number, index)).then_some(number)
    }

    fn with_bytes<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        f(self.map(u64::to_ne_bytes).as_flattened())
    }

    fn from_bytes(bytes: &[u8]) -> Option<[u64; N]> {
        let (words, rest) = bytes.as_chunks();
        let words: &[_; N] = words.try_into().ok()?;
        rest.is_empty().then(|| words.map(u64::from_ne_bytes))
    }
}

/// The word `index` of the message `number`. It is never zero, as new memory is.
fn word(number: u64, index: u64) -> u64 {
    (index + 1) << u32::BITS | number
}

impl Numbered for u64 {
    fn numbered(number: u64) -> u64 {
        number
    }

    fn number(&self) -> Option<u64> {
        Some(*self)
    }

    fn with_bytes<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        f(&self.to_ne_bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Option<u64> {
        bytes.try_into().ok().map(u64::from_ne_bytes)
    }
}

/// A type of which not all bytes are values.
impl Numbered for char {
    fn numbered(number: u64) -> char {
        char::from((number % 128) as u8)
    }

    fn number(&self) -> Option<u64> {
        None
    }

    fn with_bytes<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        f(&u32::from(*self).to_ne_bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Option<char> {
        bytes.try_into().ok().map(u32::from_ne_bytes).and_then(char::from_u32)
    }
}

impl<const N: usize> Numbered for [u8; N] {
    fn numbered(number: u64) -> [u8; N] {
        std::array::from_fn(|index| number.to_ne_bytes()[index % 8])
    }

    fn number(&self) -> Option<u64> {
        let number = u64::from_ne_bytes(*self.first_chunk()?);
        (*self == Self::numbered(number)).then_some(number)
    }

    fn with_bytes<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        f(self)
    }

    fn from_bytes(bytes: &[u8]) -> Option<[u8; N]> {
        bytes.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<M: Numbered + PartialEq + std::fmt::Debug>(number: u64) {
        let message = M::numbered(number);
        assert_eq!(message.number(), Some(number));
        assert_eq!(message.with_bytes(M::from_bytes), Some(message));
    }

    #[test]
    fn number_and_bytes_of_each_message_type_are_read_back() {
        for number in [0, 1, 255, 256, 1 << 31] {
            round_trip::<[u64; 1]>(number);
            round_trip::<[u64; 33]>(number);
            round_trip::<u64>(number);
            round_trip::<[u8; 4000]>(number);
        }
        assert_eq!('x'.with_bytes(char::from_bytes), Some('x'));
    }

    #[test]
    fn number_of_a_message_with_a_foreign_word_is_none() {
        let mut message = <[u64; 9]>::numbered(7);
        message[8] = <[u64; 9]>::numbered(8)[8];
        assert_eq!(message.number(), None);
        assert_eq!([0_u64; 9].number(), None);
        let mut bytes = <[u8; 64]>::numbered(7);
        bytes[63] ^= 1;
        assert_eq!(bytes.number(), None);
    }
}
