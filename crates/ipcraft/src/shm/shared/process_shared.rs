//! Types that can live in shared memory.

#![allow(unsafe_code)]

use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
    AtomicUsize,
};

use super::SharedLayout;

/// A type that can live in shared memory and be referenced while other processes change it.
///
/// Atomic integers and arrays of them are such types. Plain integers are not: `&u64` promises the
/// compiler that nothing writes. Use [`AtomicU64`], or keep plain data in a
/// [`Mapping`](crate::shm::Mapping) and copy it. `AtomicBool` is not either, since a peer could
/// store a byte that is neither true nor false. An `f64` can be stored as the bits of an
/// [`AtomicU64`].
///
/// [`shared_struct!`](crate::shared_struct) defines such a structure:
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
/// * Any bytes are a valid value, including bytes that no correct program would write.
/// * All of it may change behind a shared reference: it consists of atomics and other such types.
/// * Nothing in it is meaningful to one process only: no pointers, references or descriptors, and
///   no thread ids that are trusted.
/// * Its layout is fixed (`repr(C)`, `repr(transparent)`), and [`LAYOUT`](ProcessShared::LAYOUT)
///   changes with it.
/// * It may be forgotten without being dropped, and appear at other addresses in other processes.
pub unsafe trait ProcessShared: Sync {
    /// The layout that processes compare before they attach to a value of this type.
    const LAYOUT: SharedLayout;

    /// Returns whether a thread of this process holds a lock in it, so that the memory must stay
    /// mapped.
    ///
    /// A composite type combines the answers of its parts.
    fn is_held(&self) -> bool {
        false
    }
}

macro_rules! atomics {
    ($($atomic:ident)*) => {
        $(
            // SAFETY: because any bytes are a valid atomic integer, it may change behind a shared
            // reference, and it has the layout of the integer.
            unsafe impl ProcessShared for $atomic {
                const LAYOUT: SharedLayout = SharedLayout::primitive(stringify!($atomic));
            }
        )*
    };
}

atomics! {
    AtomicU8 AtomicU16 AtomicU32 AtomicU64 AtomicUsize
    AtomicI8 AtomicI16 AtomicI32 AtomicI64 AtomicIsize
}

// SAFETY: because an array consists of its elements without padding, and they are such types.
unsafe impl<T: ProcessShared, const N: usize> ProcessShared for [T; N] {
    const LAYOUT: SharedLayout = SharedLayout::array(&T::LAYOUT, N);

    fn is_held(&self) -> bool {
        self.iter().any(T::is_held)
    }
}

/// Declares a structure that [can live in shared memory](crate::shm::ProcessShared): `repr(C)`,
/// with fields of such types: atomics, the locks of [`sync`](crate::sync), other such structures,
/// and arrays of them.
///
/// The [layout](crate::shm::SharedLayout) covers the name of the structure, and the names and layouts of its fields.
/// Programs with equal declarations interoperate; others detect the difference.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use ipcraft::{shm::{Shared, memfd::Memfd}, sync::Mutex};
///
/// ipcraft::shared_struct! {
///     /// State that all workers share.
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

        // SAFETY: because every field is such a type, as the use of its LAYOUT checks, and repr(C)
        // fixes the order.
        unsafe impl $crate::shm::ProcessShared for $name {
            const LAYOUT: $crate::shm::SharedLayout = $crate::shm::SharedLayout::named(
                stringify!($name),
                &$crate::shm::SharedLayout::structure(
                    &[$((stringify!($field), <$type as $crate::shm::ProcessShared>::LAYOUT)),*],
                ),
            );

            fn is_held(&self) -> bool {
                false $(|| $crate::shm::ProcessShared::is_held(&self.$field))*
            }
        }
    };
}
