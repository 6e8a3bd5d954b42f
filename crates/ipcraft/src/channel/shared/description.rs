//! The description of a channel's messages in its header.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::shm::{SharedLayout, hash_text};

/// Words for the text: what the other parts of the header leave of 3968 bytes.
const WORDS: usize = 127;

/// The canonical text of a layout, as its creator stored it. Zero bytes are no text.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct StoredDescription {
    /// The length of the whole text in bytes, of which `text` may have the start only.
    pub(crate) len: AtomicU64,
    pub(crate) text: [AtomicU64; WORDS],
}

impl StoredDescription {
    /// Stores the text, cut to the room for it.
    pub(crate) fn store(&self, layout: SharedLayout) {
        let text = layout.to_string();
        self.len.store(text.len() as u64, Relaxed);
        for (word, bytes) in self.text.iter().zip(text.as_bytes().chunks(size_of::<u64>())) {
            let mut padded = [0; size_of::<u64>()];
            padded[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_ne_bytes(padded), Relaxed);
        }
    }

    /// Returns the text, in which a peer may have written anything. `layout` is the hash in the
    /// header.
    pub(crate) fn load(&self, layout: u64) -> Description {
        let len = self.len.load(Relaxed);
        let bytes: Vec<u8> = self.text.iter().flat_map(|word| word.load(Relaxed).to_ne_bytes()).collect();
        Description::new(&bytes, len, layout)
    }
}

/// The description of a channel's messages: the canonical text of their
/// [layout](crate::shm::SharedLayout).
///
/// The creator stores up to 1016 bytes of it in the header. Processes compare the hash of the whole
/// text, so a longer one is checked as strictly. Tools then show its messages as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    text: String,
    is_whole: bool,
}

impl Description {
    /// `bytes` start with the text, whose whole length is `len`.
    pub(crate) fn new(bytes: &[u8], len: u64, layout: u64) -> Description {
        let stored = &bytes[..bytes.len().min(usize::try_from(len).unwrap_or(usize::MAX))];
        let is_whole = stored.len() as u64 == len && hash_text(stored) == layout;
        let text: String = String::from_utf8_lossy(stored)
            .chars()
            .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
            .collect();
        Description { text: if text.is_empty() { "unknown".to_owned() } else { text }, is_whole }
    }

    /// Returns the text, such as `{id:u64,price:f64}`; or its start, if it is not whole.
    ///
    /// A process that can write to the channel can change it. It has no control characters.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether the text is whole, and has the hash that the processes compare.
    ///
    /// If not, it was too long for the header, or another process has overwritten it.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
}

/// Returns the first difference of two canonical texts: the parts of the first and of the second
/// one. An empty part means that the text ends there.
pub(crate) fn first_difference<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    let (a, b) = (one.as_bytes(), other.as_bytes());
    let is_delimiter = |byte: &u8| b"{}[]();,".contains(byte);
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let ends_there = |text: &[u8]| text.get(same).is_none_or(|byte| b"}]),;".contains(byte));
    let start = if ends_there(a) || ends_there(b) {
        // One text has more elements.
        same
    } else {
        a[..same].iter().rposition(is_delimiter).map_or(0, |at| at + 1)
    };
    let part = |text: &'a str| {
        let rest = text.get(start..).unwrap_or("");
        let rest = rest.strip_prefix(',').unwrap_or(rest);
        &rest[..element_len(rest)]
    };
    (part(one), part(other))
}

/// Returns the length of the first element, with all of its brackets.
fn element_len(text: &str) -> usize {
    let mut depth = 0u32;
    let ends = |byte: u8| {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' if depth > 0 => depth -= 1,
            b'}' | b']' | b')' => return true,
            _ => {}
        }
        depth == 0 && b",;".contains(&byte)
    };
    text.bytes().position(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_difference_names_the_element() {
        for (one, other, expected) in [
            ("u64", "i64", ("u64", "i64")),
            ("{id:u64,price:f64}", "{id:u64,price:f32}", ("price:f64", "price:f32")),
            ("{id:u64,price:f64}", "{id:u64,prize:f64}", ("price:f64", "prize:f64")),
            ("{a:u32}", "{a:u32,b:u64}", ("", "b:u64")),
            ("{a:u32,b:u64}", "{a:u32}", ("b:u64", "")),
            ("[u8;16]", "[u8;17]", ("16", "17")),
            ("[u8;1]", "[u8;16]", ("", "6")),
            ("{a:[u8;4],b:u8}", "{a:u32,b:u8}", ("a:[u8;4]", "a:u32")),
            ("u64", "[u64;3]", ("u64", "[u64;3]")),
            ("{a:{b:u8,c:u8},d:u8}", "{a:u16,d:u8}", ("a:{b:u8,c:u8}", "a:u16")),
            ("{a:u3}", "{a:u32}", ("", "2")),
            ("u64", "u64", ("", "")),
            ("", "u64", ("", "u64")),
        ] {
            assert_eq!(first_difference(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn description_is_whole_only_if_its_hash_is_that_of_the_header() {
        let hash = hash_text(b"{a:u8}");
        let whole = Description::new(b"{a:u8}\0\0", 6, hash);
        assert_eq!((whole.as_str(), whole.is_whole()), ("{a:u8}", true));
        assert!(!Description::new(b"{a:u8}\0\0", 6, hash + 1).is_whole());
        assert!(!Description::new(b"{a:u8}", 7, hash).is_whole());
        assert!(!Description::new(b"{a:u8}", u64::MAX, hash).is_whole());
        let hostile = Description::new(b"\x1b[31m\xff", 6, hash);
        assert_eq!(hostile.as_str(), "\u{fffd}[31m\u{fffd}");
        assert_eq!(Description::new(b"", 0, hash).as_str(), "unknown");
    }
}
