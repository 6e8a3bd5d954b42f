//! Which types may live in memory that several processes write.

#![allow(unsafe_code)]

use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
    AtomicUsize,
};

use super::Layout;

/// A type that may live in shared memory, and be referred to while other processes change it.
///
/// The atomic integers are such types, and arrays of them. Plain integers are not: `&u64` promises the compiler that
/// nobody writes, so use [`AtomicU64`], or keep plain data in a [`Mapping`](crate::shm::Mapping) and copy it. Nor is
/// `AtomicBool`, of which a peer could make something that is neither true nor false. A `f64` travels as the bits of
/// an [`AtomicU64`].
///
/// ```
/// use std::sync::atomic::AtomicU64;
/// use ipcraft::shm::{Layout, ProcessShared};
///
/// #[repr(C)]
/// struct Counters {
///     hits: AtomicU64,
///     misses: AtomicU64,
/// }
///
/// // SAFETY: because both fields are such types, and repr(C) fixes their order.
/// unsafe impl ProcessShared for Counters {
///     const LAYOUT: Layout = Layout::new("Counters 1", &[AtomicU64::LAYOUT, AtomicU64::LAYOUT]);
/// }
/// ```
///
/// # Safety
///
/// * Any bytes are a valid value, also such as no correct program would write.
/// * All of it may change under a shared reference: it is made of atomics and other types of this trait.
/// * Nothing in it means anything to one process only: no pointers, references, descriptors or thread ids that are
///   trusted.
/// * Its layout is fixed (`repr(C)`, `repr(transparent)`), and [`LAYOUT`](ProcessShared::LAYOUT) changes when it does.
/// * It may be forgotten without being dropped, and appear in other processes at other addresses.
pub unsafe trait ProcessShared: Sync {
    /// What a process compares before it takes a value for one of this type.
    const LAYOUT: Layout;
}

macro_rules! process_shared {
    ($($atomic:ident)*) => {
        $(
            // SAFETY: because an atomic integer has any bytes for a value, changes under a shared reference, and has
            // the layout of the integer.
            unsafe impl ProcessShared for $atomic {
                const LAYOUT: Layout = Layout::new(stringify!($atomic), &[]);
            }
        )*
    };
}

process_shared! {
    AtomicU8 AtomicU16 AtomicU32 AtomicU64 AtomicUsize
    AtomicI8 AtomicI16 AtomicI32 AtomicI64 AtomicIsize
}

// SAFETY: because an array is its elements one after another, and these are such types.
unsafe impl<T: ProcessShared, const N: usize> ProcessShared for [T; N] {
    const LAYOUT: Layout = Layout::new("array", &[T::LAYOUT]);
}
