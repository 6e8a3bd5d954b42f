//! Types that can be copied into shared memory, or be protected by a lock there.

#![allow(unsafe_code)]

use super::SharedLayout;

/// Plain data: a type for which any bytes are a valid value with the same meaning in every process.
///
/// Integers, floats and arrays of them are plain. `bool`, `char`, enums and references are not:
/// some bytes are no valid value of them. [`plain_struct!`](crate::plain_struct) defines plain
/// structures:
///
/// ```
/// ipcraft::plain_struct! {
///     /// A point.
///     #[derive(Debug, PartialEq)]
///     pub struct Point {
///         pub x: f64,
///         pub y: f64,
///     }
/// }
/// # assert_eq!(Point { x: 1.0, y: 2.0 }, Point { y: 2.0, x: 1.0 });
/// ```
///
/// # Safety
///
/// * Any initialized bytes are a valid value.
/// * All of its bytes are initialized: padding would leak bytes of this process's memory to others.
/// * Nothing in it is meaningful to one process only: no pointers, references or descriptors.
/// * Its layout is fixed (`repr(C)`, `repr(transparent)`), and [`LAYOUT`](Plain::LAYOUT) changes
///   with it.
pub unsafe trait Plain: Copy + Send + Sync + 'static {
    /// The layout that processes compare before they interpret bytes as this type.
    const LAYOUT: SharedLayout;
}

macro_rules! plain {
    ($($number:ident)*) => {
        $(
            // SAFETY: because any bytes are a valid number, and a number refers to nothing.
            unsafe impl Plain for $number {
                const LAYOUT: SharedLayout = SharedLayout::primitive(stringify!($number));
            }
        )*
    };
}

plain! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }

// SAFETY: because the type has no bytes.
unsafe impl Plain for () {
    const LAYOUT: SharedLayout = SharedLayout::primitive("()");
}

// SAFETY: because an array consists of its elements without padding, and they are plain data.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {
    const LAYOUT: SharedLayout = SharedLayout::array(&T::LAYOUT, N);
}

/// Declares a structure of [plain data](crate::shm::Plain): `repr(C)`, with plain fields.
///
/// The [layout](crate::shm::SharedLayout) covers the names and layouts of the fields, in their
/// order. Programs with equal fields interoperate; others detect the difference. The name of the
/// structure may differ.
///
/// ```
/// use ipcraft::shm::Plain;
///
/// ipcraft::plain_struct! {
///     #[derive(Debug, Default)]
///     struct Totals {
///         requests: u64,
///         by_status: [u32; 6],
///     }
/// }
/// let totals = Totals { requests: 1, ..Totals::default() };
/// assert_eq!(totals.by_status.len(), 6);
/// assert_eq!(Totals::LAYOUT.to_string(), "{requests:u64,by_status:[u32;6]}");
/// ```
///
/// A structure with padding does not compile, since the padding would be shared too: declare a
/// field in its place.
///
/// ```compile_fail
/// ipcraft::plain_struct! {
///     struct Gap {
///         small: u8,
///         large: u64,
///     }
/// }
/// ```
///
/// A field of another type does not compile:
///
/// ```compile_fail
/// ipcraft::plain_struct! {
///     struct Bad {
///         name: String,
///     }
/// }
/// ```
#[macro_export]
macro_rules! plain_struct {
    ($(#[$attribute:meta])* $visible:vis struct $name:ident {
        $($(#[$of_field:meta])* $seen:vis $field:ident: $type:ty),* $(,)?
    }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy)]
        #[repr(C)]
        $visible struct $name {
            $($(#[$of_field])* $seen $field: $type,)*
        }

        const _: () = assert!(
            ::core::mem::size_of::<$name>() == 0 $(+ ::core::mem::size_of::<$type>())*,
            concat!(stringify!($name), " has padding: declare a field in its place"),
        );

        // SAFETY: because every field is plain data, as the use of its LAYOUT checks, repr(C) fixes
        // the order, and the assertion above excludes padding.
        unsafe impl $crate::shm::Plain for $name {
            const LAYOUT: $crate::shm::SharedLayout = $crate::shm::SharedLayout::structure(
                &[$((stringify!($field), <$type as $crate::shm::Plain>::LAYOUT)),*],
            );
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    plain_struct! {
        #[derive(Debug, Default, PartialEq)]
        struct Pair {
            first: u32,
            second: [u16; 2],
        }
    }

    #[test]
    fn layouts_of_different_types_and_lengths_differ() {
        let all =
            [u32::LAYOUT, i32::LAYOUT, f32::LAYOUT, <[u32; 2]>::LAYOUT, <[u32; 3]>::LAYOUT, Pair::LAYOUT];
        for (i, one) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|other| one != other), "{i}");
        }
    }

    plain_struct! {
        struct Nested {
            r#type: u64,
            all: [[Pair; 2]; 10],
        }
    }

    #[test]
    fn layout_of_nested_structs_hashes_its_canonical_text() {
        let text = "{r#type:u64,all:[[{first:u32,second:[u16;2]};2];10]}";
        assert_eq!(Nested::LAYOUT.to_string(), text);
        assert_eq!(Nested::LAYOUT.number(), crate::shm::hash_text(text.as_bytes()));
    }
}
