//! Which types may live in memory that several processes write.

#![allow(unsafe_code)]

use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
    AtomicUsize,
};

use super::SharedLayout;

/// A type that may live in shared memory, and be referred to while other processes change it.
///
/// The atomic integers are such types, and arrays of them. Plain integers are not: `&u64` promises the compiler that
/// nobody writes, so use [`AtomicU64`], or keep plain data in a [`Mapping`](crate::shm::Mapping) and copy it. Nor is
/// `AtomicBool`, of which a peer could make something that is neither true nor false. A `f64` travels as the bits of
/// an [`AtomicU64`].
///
/// [`shared_struct!`](crate::shared_struct) makes a structure such a type:
///
/// ```
/// use std::sync::atomic::AtomicU64;
/// use ipcraft::shm::Shared;
///
/// ipcraft::shared_struct! {
///     struct Counters {
///         hits: AtomicU64,
///         misses: AtomicU64,
///     }
/// }
/// assert!(Shared::<Counters>::SIZE >= 16);
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
    const LAYOUT: SharedLayout;

    /// Whether a thread of this process holds a lock in it, so that the memory has to stay mapped.
    ///
    /// A type with parts asks its parts.
    fn is_held(&self) -> bool {
        false
    }
}

macro_rules! atomics {
    ($($atomic:ident)*) => {
        $(
            // SAFETY: because an atomic integer has any bytes for a value, changes under a shared reference, and has
            // the layout of the integer.
            unsafe impl ProcessShared for $atomic {
                const LAYOUT: SharedLayout = SharedLayout::new(stringify!($atomic), &[]);
            }
        )*
    };
}

atomics! {
    AtomicU8 AtomicU16 AtomicU32 AtomicU64 AtomicUsize
    AtomicI8 AtomicI16 AtomicI32 AtomicI64 AtomicIsize
}

// SAFETY: because an array is its elements one after another, and these are such types.
unsafe impl<T: ProcessShared, const N: usize> ProcessShared for [T; N] {
    const LAYOUT: SharedLayout = SharedLayout::new("array", &[T::LAYOUT]).repeated(N);

    fn is_held(&self) -> bool {
        self.iter().any(T::is_held)
    }
}

/// Declares a structure that [may live in shared memory](crate::shm::ProcessShared): `repr(C)`, and every field of such
/// a type: atomics, the locks of [`sync`](crate::sync), other such structures, and arrays of them.
///
/// Its layout is made of its name, and of the names and layouts of its fields, so that programs which declare it alike
/// understand each other, and others notice.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use ipcraft::{shm::{Shared, memfd::Memfd}, sync::Mutex};
///
/// ipcraft::shared_struct! {
///     /// What the workers have in common.
///     pub struct Zone {
///         pub requests: AtomicU64,
///         pub total: Mutex<u64>,
///     }
/// }
///
/// let memory = Memfd::create("zone", Shared::<Zone>::SIZE)?;
/// let zone = Shared::<Zone>::initialize(memory.map()?, |zone| zone.total.init(0))?;
/// zone.requests.fetch_add(1, Relaxed);
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[macro_export]
macro_rules! shared_struct {
    ($(#[$attribute:meta])* $visible:vis struct $name:ident {
        $($(#[$of_field:meta])* $seen:vis $field:ident: $type:ty),* $(,)?
    }) => {
        $(#[$attribute])*
        #[repr(C)]
        $visible struct $name {
            $($(#[$of_field])* $seen $field: $type,)*
        }

        // SAFETY: because every field is such a type, which naming its layout checks, and repr(C) fixes their order.
        unsafe impl $crate::shm::ProcessShared for $name {
            const LAYOUT: $crate::shm::SharedLayout = $crate::shm::SharedLayout::new(
                concat!(stringify!($name), $(" ", stringify!($field)),*),
                &[$(<$type as $crate::shm::ProcessShared>::LAYOUT),*],
            );

            fn is_held(&self) -> bool {
                false $(|| $crate::shm::ProcessShared::is_held(&self.$field))*
            }
        }
    };
}
