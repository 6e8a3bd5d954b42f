//! Data that may be copied into memory that processes share, or be guarded by a lock there.

#![allow(unsafe_code)]

use super::SharedLayout;

/// Plain data: a type of which any bytes are a value, and that means the same to every process.
///
/// The integers and floats are such types, and arrays of them. `bool`, `char`, enums and references are not: of some
/// bytes they make nothing. [`plain_struct!`](crate::plain_struct) makes a structure such a type:
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
/// * Any initialised bytes are a valid value.
/// * All of its bytes are initialised: it has no padding, which would carry bytes of this process's memory to others.
/// * Nothing in it means anything to one process only: no pointers, references or descriptors.
/// * Its layout is fixed (`repr(C)`, `repr(transparent)`), and [`LAYOUT`](Plain::LAYOUT) changes when it does.
pub unsafe trait Plain: Copy + Send + Sync + 'static {
    /// What a process compares before it takes bytes for a value of this type.
    const LAYOUT: SharedLayout;
}

macro_rules! plain {
    ($($number:ident)*) => {
        $(
            // SAFETY: because a number has any bytes for a value, and refers to nothing.
            unsafe impl Plain for $number {
                const LAYOUT: SharedLayout = SharedLayout::new(stringify!($number), &[]);
            }
        )*
    };
}

plain! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }

// SAFETY: because no bytes are a value of it.
unsafe impl Plain for () {
    const LAYOUT: SharedLayout = SharedLayout::new("()", &[]);
}

// SAFETY: because an array is its elements one after another, and these are such types.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {
    const LAYOUT: SharedLayout = SharedLayout::new("array", &[T::LAYOUT]).repeated(N);
}

/// Declares a structure of [plain data](crate::shm::Plain): `repr(C)`, and every field of such a type.
///
/// Its layout is made of its name, and of the names and layouts of its fields, so that programs which declare it alike
/// understand each other, and others notice.
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
/// assert_ne!(Totals::LAYOUT, u64::LAYOUT);
/// ```
///
/// A structure with gaps between its fields does not compile, since what is in a gap would be shared too: name the gap.
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
/// A field that is not plain data does not compile:
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
            concat!(stringify!($name), " has padding: name the gap with a field"),
        );

        // SAFETY: because every field is plain data, which naming its layout checks, repr(C) fixes their order, and
        // nothing is between them, which their sizes tell.
        unsafe impl $crate::shm::Plain for $name {
            const LAYOUT: $crate::shm::SharedLayout = $crate::shm::SharedLayout::new(
                concat!(stringify!($name), $(" ", stringify!($field)),*),
                &[$(<$type as $crate::shm::Plain>::LAYOUT),*],
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
    fn a_layout_tells_types_and_lengths_apart() {
        let all =
            [u32::LAYOUT, i32::LAYOUT, f32::LAYOUT, <[u32; 2]>::LAYOUT, <[u32; 3]>::LAYOUT, Pair::LAYOUT];
        for (i, one) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|other| one != other), "{i}");
        }
    }
}
