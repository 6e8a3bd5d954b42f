//! The type of a channel's messages, from its description: bytes to JSON, and back.

use std::fmt::Write;

use serde_json::Value;

/// Deepest nesting that is parsed: a description comes from memory that any process may write.
const MAX_DEPTH: usize = 64;

/// Most bytes, and most elements, of a message that is converted.
const MAX_SIZE: usize = 1 << 26;

/// The type of a message, parsed from a [description](ipcraft::channel::Description).
///
/// ```
/// use ipcraft_inspect::MessageType;
///
/// let tick = MessageType::parse("{id:u32,price:[f32;2]}").expect("a type");
/// assert_eq!(tick.size(), 12);
/// let bytes = tick.from_json(r#"{"price": [0.5, 2], "id": 7}"#)?;
/// assert_eq!(tick.to_json(&bytes).unwrap(), r#"{"id":7,"price":[0.5,2.0]}"#);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageType {
    shape: Shape,
    size: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Unit,
    Unsigned(usize),
    Signed(usize),
    Float(usize),
    Bool,
    Char,
    Array(Box<Shape>, usize),
    Struct(Vec<(String, Shape)>),
}

impl Shape {
    /// `None` if it is too large.
    fn size(&self) -> Option<usize> {
        let size = match self {
            Shape::Unit => 0,
            Shape::Unsigned(size) | Shape::Signed(size) | Shape::Float(size) => *size,
            Shape::Bool => 1,
            Shape::Char => 4,
            Shape::Array(element, count) => {
                // Elements without bytes still take a step each.
                element.size()?.max(1).checked_mul(*count).filter(|steps| *steps <= MAX_SIZE)?;
                element.size()? * count
            }
            Shape::Struct(fields) => {
                fields.iter().try_fold(0usize, |sum, (_, field)| sum.checked_add(field.size()?))?
            }
        };
        (size <= MAX_SIZE).then_some(size)
    }
}

impl MessageType {
    /// Parses the text of a description. `None` if it is no canonical text, or has opaque parts,
    /// whose bytes have no meaning here.
    pub fn parse(text: &str) -> Option<MessageType> {
        let mut rest = text;
        let shape = parse_shape(&mut rest, 0)?;
        let size = shape.size()?;
        rest.is_empty().then_some(MessageType { shape, size })
    }

    /// Returns the size of a message in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns a message as JSON, with the fields in their order. `None` if the bytes have another
    /// size, or are no value. Integers of 128 bits, and floats that are no number, become strings.
    pub fn to_json(&self, bytes: &[u8]) -> Option<String> {
        let (mut text, mut rest) = (String::new(), bytes);
        write_json(&self.shape, &mut rest, &mut text)?;
        rest.is_empty().then_some(text)
    }

    /// Returns the bytes of a message in JSON.
    ///
    /// # Errors
    ///
    /// Fails with a text that names the field, if the JSON is not a message of this type.
    pub fn from_json(&self, text: &str) -> Result<Vec<u8>, String> {
        let value: Value = serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))?;
        let mut bytes = Vec::with_capacity(self.size);
        encode(&self.shape, &value, "the message", &mut bytes)?;
        Ok(bytes)
    }
}

fn parse_shape(rest: &mut &str, depth: usize) -> Option<Shape> {
    if depth > MAX_DEPTH {
        return None;
    }
    if take(rest, "()") {
        return Some(Shape::Unit);
    }
    if take(rest, "[") {
        let element = parse_shape(rest, depth + 1)?;
        take(rest, ";").then_some(())?;
        let count = word(rest).parse().ok()?;
        return take(rest, "]").then_some(Shape::Array(Box::new(element), count));
    }
    if take(rest, "{") {
        let mut fields = Vec::new();
        while !take(rest, "}") {
            if !fields.is_empty() {
                take(rest, ",").then_some(())?;
            }
            let name = word(rest).to_owned();
            take(rest, ":").then_some(())?;
            fields.push((name.trim_start_matches("r#").to_owned(), parse_shape(rest, depth + 1)?));
        }
        return Some(Shape::Struct(fields));
    }
    if take(rest, "\"") {
        // A named type; quotes within the name are escaped.
        let end = rest.find('"')?;
        *rest = &rest[end + 1..];
        take(rest, "=").then_some(())?;
        return parse_shape(rest, depth + 1);
    }
    Some(match word(rest) {
        "u8" => Shape::Unsigned(1),
        "u16" => Shape::Unsigned(2),
        "u32" => Shape::Unsigned(4),
        "u64" | "usize" => Shape::Unsigned(8),
        "u128" => Shape::Unsigned(16),
        "i8" => Shape::Signed(1),
        "i16" => Shape::Signed(2),
        "i32" => Shape::Signed(4),
        "i64" | "isize" => Shape::Signed(8),
        "i128" => Shape::Signed(16),
        "f32" => Shape::Float(4),
        "f64" => Shape::Float(8),
        "bool" => Shape::Bool,
        "char" => Shape::Char,
        _ => return None,
    })
}

fn take(rest: &mut &str, token: &str) -> bool {
    match rest.strip_prefix(token) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

fn word<'a>(rest: &mut &'a str) -> &'a str {
    let end = rest.find(|c| "{}[]():;,=\"".contains(c)).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    word
}

/// Takes a number in the byte order of this machine.
fn number(rest: &mut &[u8], size: usize) -> Option<u128> {
    let (bytes, after) = rest.split_at_checked(size)?;
    *rest = after;
    let fold = |sum: u128, byte: &u8| sum << 8 | u128::from(*byte);
    Some(if cfg!(target_endian = "little") {
        bytes.iter().rev().fold(0, fold)
    } else {
        bytes.iter().fold(0, fold)
    })
}

fn push_number(value: u128, size: usize, bytes: &mut Vec<u8>) {
    if cfg!(target_endian = "little") {
        bytes.extend(&value.to_le_bytes()[..size]);
    } else {
        bytes.extend(&value.to_be_bytes()[16 - size..]);
    }
}

fn write_json(shape: &Shape, rest: &mut &[u8], text: &mut String) -> Option<()> {
    match shape {
        Shape::Unit => text.push_str("null"),
        Shape::Unsigned(16) => write!(text, "\"{}\"", number(rest, 16)?).ok()?,
        Shape::Unsigned(size) => write!(text, "{}", number(rest, *size)?).ok()?,
        Shape::Signed(16) => write!(text, "\"{}\"", number(rest, 16)?.cast_signed()).ok()?,
        Shape::Signed(size) => {
            let unused = 128 - 8 * *size as u32;
            write!(text, "{}", (number(rest, *size)? << unused).cast_signed() >> unused).ok()?;
        }
        Shape::Float(4) => write_float(f64::from(f32::from_bits(number(rest, 4)? as u32)), true, text)?,
        Shape::Float(_) => write_float(f64::from_bits(number(rest, 8)? as u64), false, text)?,
        Shape::Bool => text.push_str(match number(rest, 1)? {
            0 => "false",
            1 => "true",
            _ => return None,
        }),
        Shape::Char => {
            let value = char::from_u32(number(rest, 4)? as u32)?;
            text.push_str(&serde_json::to_string(&value).ok()?);
        }
        Shape::Array(element, count) => {
            text.push('[');
            for i in 0..*count {
                text.push_str(if i == 0 { "" } else { "," });
                write_json(element, rest, text)?;
            }
            text.push(']');
        }
        Shape::Struct(fields) => {
            text.push('{');
            for (i, (name, field)) in fields.iter().enumerate() {
                text.push_str(if i == 0 { "" } else { "," });
                write!(text, "{}:", serde_json::to_string(name).ok()?).ok()?;
                write_json(field, rest, text)?;
            }
            text.push('}');
        }
    }
    Some(())
}

fn write_float(value: f64, is_short: bool, text: &mut String) -> Option<()> {
    match (value.is_finite(), is_short) {
        // The shortest text that is read back as the same value.
        (true, true) => write!(text, "{:?}", value as f32).ok(),
        (true, false) => write!(text, "{value:?}").ok(),
        (false, _) => write!(text, "\"{value}\"").ok(),
    }
}

fn encode(shape: &Shape, value: &Value, path: &str, bytes: &mut Vec<u8>) -> Result<(), String> {
    let wrong = |needed: &str| Err(format!("{path} is {value}: {needed} needed"));
    match shape {
        Shape::Unit => match value {
            Value::Null => Ok(()),
            _ => wrong("null"),
        },
        Shape::Unsigned(size) => match unsigned(value) {
            Some(number) if *size == 16 || number >> (8 * size) == 0 => {
                push_number(number, *size, bytes);
                Ok(())
            }
            _ => wrong(&format!("an integer from 0 to {}", u128::MAX >> (128 - 8 * size))),
        },
        Shape::Signed(size) => {
            let most = i128::MAX >> (128 - 8 * size);
            match integer(value).filter(|number| (-most - 1..=most).contains(number)) {
                Some(number) => {
                    push_number(number.cast_unsigned(), *size, bytes);
                    Ok(())
                }
                None => wrong(&format!("an integer from {} to {most}", -most - 1)),
            }
        }
        Shape::Float(size) => {
            let number = match value {
                Value::String(text) => text.parse().ok(),
                other => other.as_f64(),
            };
            let Some(number) = number else { return wrong("a number") };
            match size {
                4 => push_number(u128::from((number as f32).to_bits()), 4, bytes),
                _ => push_number(u128::from(number.to_bits()), 8, bytes),
            }
            Ok(())
        }
        Shape::Bool => match value {
            Value::Bool(value) => {
                bytes.push(u8::from(*value));
                Ok(())
            }
            _ => wrong("true or false"),
        },
        Shape::Char => {
            let mut chars = value.as_str().unwrap_or("").chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => {
                    push_number(u128::from(u32::from(c)), 4, bytes);
                    Ok(())
                }
                _ => wrong("a string of one character"),
            }
        }
        Shape::Array(element, count) => match value.as_array() {
            Some(values) if values.len() == *count => values
                .iter()
                .enumerate()
                .try_for_each(|(i, value)| encode(element, value, &format!("{path}[{i}]"), bytes)),
            _ => wrong(&format!("an array of {count}")),
        },
        Shape::Struct(fields) => {
            let Some(object) = value.as_object() else { return wrong("an object") };
            if let Some(extra) = object.keys().find(|key| !fields.iter().any(|(name, _)| name == *key)) {
                return Err(format!("{path} has no field {extra}"));
            }
            fields.iter().try_for_each(|(name, field)| match object.get(name) {
                Some(value) => encode(field, value, &format!("{path}.{name}"), bytes),
                None => Err(format!("{path} lacks the field {name}")),
            })
        }
    }
}

/// An integer that is not negative, which may be in a string: JSON numbers end at 64 bits.
fn unsigned(value: &Value) -> Option<u128> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().map(u128::from),
    }
}

/// An integer, which may be in a string.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => number.as_u64().map(i128::from).or_else(|| number.as_i64().map(i128::from)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_every_type_round_trips() {
        for (text, json) in [
            ("u8", "255"),
            ("i16", "-32768"),
            ("u64", "18446744073709551615"),
            ("i64", "-9223372036854775808"),
            ("u128", "\"340282366920938463463374607431768211455\""),
            ("i128", "\"-170141183460469231731687303715884105728\""),
            ("f32", "0.1"),
            ("f64", "-1e-300"),
            ("f64", "\"NaN\""),
            ("bool", "true"),
            ("char", "\"é\""),
            ("()", "null"),
            ("[[u8;2];2]", "[[1,2],[3,4]]"),
            ("{}", "{}"),
            ("{id:u64,r#type:char,all:[{x:i8};2]}", r#"{"id":1,"type":"x","all":[{"x":-1},{"x":2}]}"#),
            ("\"meters\"=f64", "1.5"),
        ] {
            let parsed = MessageType::parse(text).expect(text);
            let bytes = parsed.from_json(json).expect(json);
            assert_eq!(bytes.len(), parsed.size(), "{text}");
            assert_eq!(parsed.to_json(&bytes).as_deref(), Some(json), "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_type_are_refused() {
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "u7",
            "bytes",
            "unknown",
            "{a:u8",
            "{a}",
            "{a:u8,}",
            "[u8;x]",
            "[u8;18446744073709551615]",
            "[();18446744073709551615]",
            "[[u64;67108864];67108864]",
            "\"opaque\"",
            "\"opaque\"(u8)",
            "u8 ",
            &deep,
        ] {
            assert_eq!(MessageType::parse(text), None, "{text:.40}");
        }
    }

    #[test]
    fn json_of_another_type_is_refused_with_its_field() {
        let tick = MessageType::parse("{id:u8,at:[i8;2]}").unwrap();
        for (json, expected) in [
            ("{", "not JSON"),
            ("7", "the message is 7: an object needed"),
            (r#"{"id":1}"#, "lacks the field at"),
            (r#"{"id":256,"at":[0,0]}"#, "the message.id is 256: an integer from 0 to 255 needed"),
            (r#"{"id":1,"at":[0,200]}"#, "the message.at[1] is 200"),
            (r#"{"id":1,"at":[0]}"#, "an array of 2 needed"),
            (r#"{"id":1,"at":[0,0],"x":1}"#, "has no field x"),
        ] {
            let error = tick.from_json(json).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(tick.to_json(&[1, 2]), None);
        assert_eq!(MessageType::parse("bool").unwrap().to_json(&[2]), None);
    }
}
