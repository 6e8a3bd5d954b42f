//! Layouts of types: a canonical description, and its hash.

use std::fmt;

/// The layout of a type, on which all programs that share a value or exchange messages must agree.
///
/// Its text form is canonical: two types have the same layout exactly if the texts are equal.
/// Programs compare the hash of the text.
///
/// | type | text |
/// |---|---|
/// | numbers, `bool`, `char`, `()` | `u64`, `f64`, `bool`, `char`, `()` |
/// | arrays | `[u8;16]` |
/// | structures | `{id:u64,price:f64}` |
/// | [named](SharedLayout::named) types | `"Command"=u8` |
/// | [opaque](SharedLayout::new) types | `"counters 2"`, or `"counters 2"(u64,u32)` with parts |
///
/// ```
/// use ipcraft::shm::{Plain, SharedLayout};
///
/// ipcraft::plain_struct! {
///     struct Quote {
///         id: u64,
///         price: [f64; 2],
///     }
/// }
/// assert_eq!(Quote::LAYOUT.to_string(), "{id:u64,price:[f64;2]}");
///
/// const COUNTERS: SharedLayout = SharedLayout::new("myservice counters, version 2", &[]);
/// assert_ne!(COUNTERS, SharedLayout::new("myservice counters, version 3", &[]));
/// ```
#[derive(Clone, Copy)]
pub struct SharedLayout {
    shape: Shape,
    /// The hash of the text.
    hash: u64,
}

/// A field of a structure: its name and its layout.
type Field = (&'static str, SharedLayout);

#[derive(Clone, Copy)]
enum Shape {
    Primitive(&'static str),
    Array(&'static SharedLayout, usize),
    Struct(&'static [Field]),
    Named(&'static str, &'static SharedLayout),
    Opaque(&'static str, &'static [SharedLayout]),
}

impl SharedLayout {
    /// Returns the layout of an opaque type with this name and these parts. Put a version into the
    /// name, and change it with the type.
    ///
    /// The text has the name in quotes, so tools show such a value as bytes. Size and alignment are
    /// checked separately. [`structure`](SharedLayout::structure) describes a type by its fields.
    pub const fn new(name: &'static str, parts: &'static [SharedLayout]) -> SharedLayout {
        SharedLayout::of(Shape::Opaque(name, parts))
    }

    /// Returns the layout of a `repr(C)` structure without padding, with these fields in order.
    ///
    /// [`plain_struct!`](crate::plain_struct) calls it. The name of the structure is no part of the
    /// layout.
    pub const fn structure(fields: &'static [(&'static str, SharedLayout)]) -> SharedLayout {
        SharedLayout::of(Shape::Struct(fields))
    }

    /// Returns a layout that differs from `inner` by this name only. It distinguishes types that
    /// have the same fields.
    ///
    /// ```
    /// use ipcraft::shm::{Plain, SharedLayout};
    ///
    /// const METERS: SharedLayout = SharedLayout::named("meters", &f64::LAYOUT);
    /// assert_eq!(METERS.to_string(), "\"meters\"=f64");
    /// assert_ne!(METERS, f64::LAYOUT);
    /// ```
    pub const fn named(name: &'static str, inner: &'static SharedLayout) -> SharedLayout {
        SharedLayout::of(Shape::Named(name, inner))
    }

    /// Returns the layout of an array of `count` elements.
    pub const fn array(element: &'static SharedLayout, count: usize) -> SharedLayout {
        SharedLayout::of(Shape::Array(element, count))
    }

    /// Returns the layout of a type that every program knows by this name.
    pub(crate) const fn primitive(name: &'static str) -> SharedLayout {
        SharedLayout::of(Shape::Primitive(name))
    }

    const fn of(shape: Shape) -> SharedLayout {
        SharedLayout { shape, hash: hash_shape(BASIS, &shape) }
    }

    /// Returns the hash of the text.
    pub(crate) const fn number(self) -> u64 {
        self.hash
    }
}

impl PartialEq for SharedLayout {
    /// Compares the hashes, as programs do.
    fn eq(&self, other: &SharedLayout) -> bool {
        self.hash == other.hash
    }
}

impl Eq for SharedLayout {}

impl std::hash::Hash for SharedLayout {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

/// The canonical text.
impl fmt::Display for SharedLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shape {
            Shape::Primitive(name) => f.write_str(name),
            Shape::Array(element, count) => write!(f, "[{element};{count}]"),
            Shape::Struct(fields) => {
                f.write_str("{")?;
                for (i, (name, layout)) in fields.iter().enumerate() {
                    write!(f, "{}{name}:{layout}", if i == 0 { "" } else { "," })?;
                }
                f.write_str("}")
            }
            Shape::Named(name, inner) => {
                quote(f, name)?;
                write!(f, "={inner}")
            }
            Shape::Opaque(name, parts) => {
                quote(f, name)?;
                for (i, part) in parts.iter().enumerate() {
                    write!(f, "{}{part}", if i == 0 { "(" } else { "," })?;
                }
                f.write_str(if parts.is_empty() { "" } else { ")" })
            }
        }
    }
}

impl fmt::Debug for SharedLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedLayout({self})")
    }
}

fn quote(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    f.write_str("\"")?;
    for byte in name.bytes() {
        let (escaped, len) = escape(byte);
        f.write_str(str::from_utf8(&escaped[..len]).unwrap_or("?"))?;
    }
    f.write_str("\"")
}

/// Returns a byte of a quoted name as one or four printable characters: `\x22` for a quote.
const fn escape(byte: u8) -> ([u8; 4], usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' | ..0x20 | 0x7f.. => {
            ([b'\\', b'x', DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]], 4)
        }
        _ => ([byte, 0, 0, 0], 1),
    }
}

/// Returns the hash of a text that another program stored.
pub(crate) const fn hash_text(text: &[u8]) -> u64 {
    hash(BASIS, text)
}

/// Continues a hash with the text of a shape: the same as `Display` writes, in a constant.
const fn hash_shape(mut h: u64, shape: &Shape) -> u64 {
    match shape {
        Shape::Primitive(name) => hash(h, name.as_bytes()),
        Shape::Array(element, count) => {
            h = hash_shape(hash(h, b"["), &element.shape);
            hash(hash_decimal(hash(h, b";"), *count), b"]")
        }
        Shape::Struct(fields) => {
            h = hash(h, b"{");
            let mut i = 0;
            while i < fields.len() {
                let (name, layout) = &fields[i];
                h = hash(h, if i == 0 { b"" } else { b"," });
                h = hash_shape(hash(hash(h, name.as_bytes()), b":"), &layout.shape);
                i += 1;
            }
            hash(h, b"}")
        }
        Shape::Named(name, inner) => hash_shape(hash(hash_quoted(h, name), b"="), &inner.shape),
        Shape::Opaque(name, parts) => {
            h = hash_quoted(h, name);
            let mut i = 0;
            while i < parts.len() {
                h = hash_shape(hash(h, if i == 0 { b"(" } else { b"," }), &parts[i].shape);
                i += 1;
            }
            hash(h, if parts.is_empty() { b"" } else { b")" })
        }
    }
}

const fn hash_quoted(h: u64, name: &str) -> u64 {
    let mut h = hash(h, b"\"");
    let mut i = 0;
    while i < name.len() {
        let (escaped, len) = escape(name.as_bytes()[i]);
        h = hash(h, escaped.split_at(len).0);
        i += 1;
    }
    hash(h, b"\"")
}

const fn hash_decimal(h: u64, number: usize) -> u64 {
    let h = if number >= 10 { hash_decimal(h, number / 10) } else { h };
    hash(h, &[b'0' + (number % 10) as u8])
}

/// The Fowler-Noll-Vo hash (FNV-1a, 64 bits): short, and identical in every version of this
/// library.
const fn hash(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(PRIME);
        i += 1;
    }
    hash
}

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::{Plain, ProcessShared};
    use std::sync::atomic::AtomicU64;

    const PART: SharedLayout = SharedLayout::new("part", &[]);

    #[test]
    fn hash_of_known_text_matches_published_fnv1a() {
        assert_eq!(hash_text(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash_text(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn texts_of_layouts_are_canonical_and_hash_to_the_number() {
        for (layout, text) in [
            (u64::LAYOUT, "u64"),
            (<()>::LAYOUT, "()"),
            (<[u8; 0]>::LAYOUT, "[u8;0]"),
            (<[[f32; 12]; 345]>::LAYOUT, "[[f32;12];345]"),
            (PART, "\"part\""),
            (SharedLayout::new("whole", &[PART, PART]), "\"whole\"(\"part\",\"part\")"),
            (SharedLayout::new("a\"b\\c\né", &[]), r#""a\x22b\x5cc\x0a\xc3\xa9""#),
            (SharedLayout::named("meters", &f64::LAYOUT), "\"meters\"=f64"),
            (SharedLayout::structure(&[]), "{}"),
            (<[AtomicU64; 3] as ProcessShared>::LAYOUT, "[AtomicU64;3]"),
        ] {
            assert_eq!(layout.to_string(), text);
            assert_eq!(layout.number(), hash_text(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn layout_differs_by_number_of_parts() {
        assert_ne!(SharedLayout::new("whole", &[PART]), SharedLayout::new("whole", &[]));
        assert_ne!(SharedLayout::new("whole", &[PART]), SharedLayout::new("whole", &[PART, PART]));
    }
}
