//! The messages: bytes that contain their number, so that a lost, repeated or torn message is
//! detected.

use std::io;

/// The bytes of the sequence number at each end of a message.
const STAMP: usize = 8;

/// Messages of one size in one direction, numbered.
pub(crate) struct Payload {
    bytes: Vec<u8>,
    salt: u8,
}

impl Payload {
    /// Creates messages of `size` bytes. The two directions of a connection use different salts.
    pub(crate) fn new(size: usize, salt: u8) -> Payload {
        let pattern = |i: usize| (i.wrapping_mul(31) ^ (i >> 8)) as u8 ^ salt;
        Payload { bytes: (0..size).map(pattern).collect(), salt }
    }

    /// Returns the message with this number.
    #[inline]
    pub(crate) fn message(&mut self, sequence: u64) -> &[u8] {
        let stamp = (sequence ^ u64::from(self.salt)).to_le_bytes();
        let size = self.bytes.len();
        let width = size.min(STAMP);
        self.bytes[size - width..].copy_from_slice(&stamp[..width]);
        self.bytes[..width].copy_from_slice(&stamp[..width]);
        &self.bytes
    }

    /// Checks the first and the last bytes of a received message. Cheap enough for every message.
    #[inline]
    pub(crate) fn check_ends(&mut self, received: &[u8], sequence: u64) -> io::Result<()> {
        let expected = self.message(sequence);
        let width = expected.len().min(STAMP);
        let tail = expected.len() - width;
        if received.len() == expected.len()
            && received[..width] == expected[..width]
            && received[tail..] == expected[tail..]
        {
            return Ok(());
        }
        Err(self.mismatch(received, sequence))
    }

    /// Checks every byte of a received message.
    pub(crate) fn check_all(&mut self, received: &[u8], sequence: u64) -> io::Result<()> {
        if received == self.message(sequence) {
            return Ok(());
        }
        Err(self.mismatch(received, sequence))
    }

    #[cold]
    fn mismatch(&self, received: &[u8], expected: u64) -> io::Error {
        let text = match self.sequence_of(received) {
            Some(found) if found > expected && found - expected < 1 << 32 => {
                let lost = found - expected;
                format!("message {expected} expected, message {found} received: {lost} lost")
            }
            Some(found) if found < expected => {
                format!("message {expected} expected, message {found} received again")
            }
            _ => format!("message {expected} is corrupt"),
        };
        io::Error::new(io::ErrorKind::InvalidData, text)
    }

    fn sequence_of(&self, received: &[u8]) -> Option<u64> {
        let stamp = received.first_chunk::<STAMP>()?;
        Some(u64::from_le_bytes(*stamp) ^ u64::from(self.salt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_accepts_its_own_messages_of_every_size() {
        for size in [0, 1, 7, 8, 9, 15, 16, 17, 4096] {
            let message = Payload::new(size, 3).message(70_000).to_vec();
            let mut expected = Payload::new(size, 3);
            expected.check_ends(&message, 70_000).unwrap();
            expected.check_all(&message, 70_000).unwrap();
        }
    }

    #[test]
    fn check_distinguishes_lost_repeated_and_corrupt_messages() {
        let mut payload = Payload::new(64, 3);
        let sixth = payload.message(6).to_vec();
        let text = |result: io::Result<()>| result.unwrap_err().to_string();
        assert!(text(payload.check_ends(&sixth, 4)).ends_with("2 lost"));
        assert!(text(payload.check_ends(&sixth, 7)).ends_with("again"));
        let mut torn = sixth;
        torn[63] ^= 1;
        assert!(text(payload.check_ends(&torn, 6)).ends_with("corrupt"));
    }

    #[test]
    fn check_all_detects_a_flipped_byte_in_the_middle() {
        let mut payload = Payload::new(4096, 3);
        let mut message = payload.message(1).to_vec();
        message[2000] ^= 1;
        payload.check_ends(&message, 1).unwrap();
        assert!(payload.check_all(&message, 1).is_err());
    }

    #[test]
    fn check_rejects_messages_of_the_other_direction() {
        let request = Payload::new(64, 1).message(5).to_vec();
        assert!(Payload::new(64, 2).check_ends(&request, 5).is_err());
    }
}
