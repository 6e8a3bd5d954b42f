//! Names as printable text that can be parsed back.
//!
//! Any process that may create an object chooses its name, which is any bytes: escape sequences
//! that a terminal obeys, line ends that fake a row, text that runs from right to left. So every
//! byte that is no part of a printable character is written as `\xHH`, and a backslash as `\\`.

use std::fmt::Write;

/// Returns the bytes as printable text.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push(&mut text, c));
        chunk.invalid().iter().for_each(|byte| push_byte(&mut text, *byte));
    }
    text
}

fn push(text: &mut String, c: char) {
    match c {
        '\\' => text.push_str("\\\\"),
        ' '..='~' => text.push(c),
        _ if !c.is_ascii() && is_printable(c) => text.push(c),
        _ => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_byte(text, byte)),
    }
}

fn push_byte(text: &mut String, byte: u8) {
    // Writing to a string cannot fail.
    let _ = write!(text, "\\x{byte:02x}");
}

/// Whether a character has a shape of its own. Marks that combine with the character before, spaces
/// other than the usual one, and controls of the direction of text have none.
fn is_printable(c: char) -> bool {
    c.escape_debug().len() == 1 && !c.is_whitespace()
}

/// Returns the bytes of a text that [`escape`] may have written. `None` if a backslash begins
/// neither `\\` nor `\xHH`.
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
        } else if let Some(after) = rest.strip_prefix(b"\\") {
            bytes.push(b'\\');
            rest = after;
        } else {
            let (byte, after) = hexadecimal(rest)?;
            bytes.push(byte);
            rest = after;
        }
    }
    Some(bytes)
}

/// The byte that `xHH` at the start of a text stands for, and what comes after it.
fn hexadecimal(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = text.strip_prefix(b"x")?.split_at_checked(2)?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some(((digit(digits[0])? * 16 + digit(digits[1])?) as u8, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_of_any_bytes_prints_and_is_undone_by_unescape() {
        let every_byte: Vec<u8> = (0..=255).collect();
        let hostile = "\u{1b}[2J\r\n\u{202e}gnp\u{200b}\u{85}\u{2028} \u{301}";
        for bytes in [&every_byte[..], hostile.as_bytes(), b"\\x41", "Über-猫".as_bytes(), b""] {
            let text = escape(bytes);
            assert!(text.chars().all(|c| matches!(c, ' '..='~') || is_printable(c)), "{text}");
            assert_eq!(unescape(&text).as_deref(), Some(bytes), "{text}");
        }
        assert_eq!(escape("Über-猫".as_bytes()), "Über-猫");
        assert_eq!(escape(b"a\x1bb\\c"), "a\\x1bb\\\\c");
    }

    #[test]
    fn unescape_of_an_unknown_escape_returns_none() {
        for text in ["\\", "\\n", "\\x", "\\x1", "\\xg0", "a\\x4"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }
}
