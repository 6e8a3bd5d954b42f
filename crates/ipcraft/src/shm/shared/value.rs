//! The handle of a shared value.

#![allow(unsafe_code)]

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use super::ProcessShared;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::Mapping;
use crate::shm::header::{self, Header, Identity};
use crate::shm::posix::SharedMemory;

const ATTACH: &str = "Shared::attach";
const INITIALIZE: &str = "Shared::initialize";

/// The kind of a shared value in the header; other kinds are channels.
const KIND: u64 = 0;

/// A value of type `T` in shared memory: initialized once, verified by every other process.
///
/// A header precedes the value. It holds a magic number, a version, and the size, the alignment and
/// the [layout](ProcessShared::LAYOUT) of `T`. Memory whose header differs is rejected. The value
/// is used through `&T`, so its fields are atomics or locks. It is never dropped and lives as long
/// as the memory.
///
/// By name, for processes that share nothing else:
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
/// use ipcraft::{name, shm::{Shared, posix}};
///
/// let name = format!("/{}", name::unique("doc-shared"));
/// let options = posix::Options::new().remove_on_drop(true);
/// let counter = Shared::<AtomicU64>::create_with(&options, &name, |counter| {
///     counter.store(40, SeqCst);
///     Ok(())
/// })?;
/// let other: Shared<AtomicU64> = Shared::open(&name)?; // usually in another process
/// other.fetch_add(2, SeqCst);
/// assert_eq!(counter.load(SeqCst), 42);
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// In any mapping, which the creator initializes before it passes the memory on:
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
/// use ipcraft::shm::{Shared, memfd::Memfd};
///
/// let memory = Memfd::create("turns", Shared::<[AtomicU32; 4]>::SIZE)?;
/// let turns = Shared::<[AtomicU32; 4]>::initialize(memory.map()?, |turns| {
///     turns[3].store(1, SeqCst);
///     Ok(())
/// })?;
/// let received = Shared::<[AtomicU32; 4]>::attach(memory.map()?)?; // usually in another process
/// assert_eq!(received[3].load(SeqCst), 1);
/// assert!(Shared::<[AtomicU32; 5]>::attach(memory.map()?).is_err());
/// # Ok::<(), ipcraft::Error>(())
/// ```
pub struct Shared<T: ProcessShared> {
    /// An aligned value within `mapping`, behind a header that this handle wrote or verified.
    value: NonNull<T>,
    /// Unmapped on drop unless a lock in the value is held.
    mapping: ManuallyDrop<Mapping>,
    /// The named object, if the value was created or opened by name.
    object: Option<SharedMemory>,
    _type: PhantomData<T>,
}

// SAFETY: because `value` is only used to make shared references, which a `Sync` type allows in
// every thread.
unsafe impl<T: ProcessShared> Send for Shared<T> {}
// SAFETY: because `value` is only used to make shared references, which a `Sync` type allows in
// every thread.
unsafe impl<T: ProcessShared> Sync for Shared<T> {}

impl<T: ProcessShared> Shared<T> {
    /// Offset of the value from the start of the memory.
    const OFFSET: usize = if align_of::<T>() > header::SIZE { align_of::<T>() } else { header::SIZE };

    /// Bytes of memory that the header and the value need.
    pub const SIZE: usize = Self::OFFSET + size_of::<T>();

    /// Initializes a value in new memory: `initialize` receives the value that the zero bytes form.
    ///
    /// Pass the memory on after this returns. If several processes call it concurrently, one
    /// succeeds.
    ///
    /// # Errors
    ///
    /// * [`AlreadyExists`](ErrorKind::AlreadyExists) if the memory already holds a value;
    /// * [`InUse`](ErrorKind::InUse) if another process began to initialize and has not finished,
    ///   or died;
    /// * [`WrongType`](ErrorKind::WrongType) if the memory holds other data;
    /// * [`Invalid`](ErrorKind::Invalid) if the memory is smaller than [`SIZE`](Shared::SIZE);
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) if the mapping is read-only;
    /// * the error of `initialize`; the memory is then new again, and a later call can succeed.
    pub fn initialize(mapping: Mapping, initialize: impl FnOnce(&T) -> Result<()>) -> Result<Shared<T>> {
        let shared = Shared::over(mapping)?;
        Header::of(&shared.mapping)?.claim(INITIALIZE)?;
        if let Err(error) = initialize(&shared) {
            Header::of(&shared.mapping)?.release();
            return Err(error);
        }
        Header::of(&shared.mapping)?.publish(Self::identity());
        Ok(shared)
    }

    /// Attaches to the value in this memory, if the header matches `T`.
    ///
    /// # Errors
    ///
    /// * [`WrongType`](ErrorKind::WrongType) with the property that differs;
    /// * [`InUse`](ErrorKind::InUse) if the creator has not finished;
    /// * [`Invalid`](ErrorKind::Invalid) if the memory is smaller than [`SIZE`](Shared::SIZE);
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) if the mapping is read-only.
    pub fn attach(mapping: Mapping) -> Result<Shared<T>> {
        Shared::attach_to(mapping, None)
    }

    /// The same for the memory of an object that has a name.
    pub(super) fn attach_to(mapping: Mapping, object: Option<&Arc<str>>) -> Result<Shared<T>> {
        let shared = Self::over(mapping)?;
        shared.check(object)?;
        Ok(shared)
    }

    fn check(&self, object: Option<&Arc<str>>) -> Result<()> {
        let named = |error: Error| error.with_object(object);
        let (found, expected) = (Header::of(&self.mapping)?.read(ATTACH).map_err(named)?, Self::identity());
        header::check(
            ATTACH,
            [
                ("the kind of its contents", found.kind, expected.kind),
                ("the size of its value", found.size, expected.size),
                ("the alignment of its value", found.details[0], expected.details[0]),
            ],
        )
        .map_err(named)?;
        if found.layout == expected.layout {
            return Ok(());
        }
        let needed = format!("{:#x} of {}", expected.layout, type_name::<T>());
        Err(Error::new(ATTACH, ErrorKind::WrongType)
            .with_mismatch(object, ("the layout of its value", &format!("{:#x}", found.layout), &needed))
            .with_hint(header::OTHER_DEFINITION))
    }

    fn identity() -> Identity {
        Identity {
            kind: KIND,
            layout: T::LAYOUT.number(),
            size: size_of::<T>() as u64,
            details: [align_of::<T>() as u64, 0, 0],
        }
    }

    /// Returns the memory that holds the value.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Returns the named object, if the value was created or opened by name.
    pub fn object(&self) -> Option<&SharedMemory> {
        self.object.as_ref()
    }

    /// `shm_unlink(3)`: removes the name, as [`SharedMemory::remove`] does. Existing handles keep
    /// working.
    ///
    /// # Errors
    ///
    /// Those of [`SharedMemory::remove`]; [`Invalid`](ErrorKind::Invalid) if the value was not
    /// created or opened by name.
    pub fn remove(&self) -> Result<()> {
        match &self.object {
            Some(object) => object.remove(),
            None => Err(Error::new("shm_unlink", ErrorKind::Invalid).with_hint("remove named values only")),
        }
    }

    pub(super) fn with_object(mut self, object: SharedMemory) -> Shared<T> {
        self.object = Some(object);
        self
    }

    /// A handle that may be used after the header was verified, or to initialize the value.
    fn over(mapping: Mapping) -> Result<Shared<T>> {
        Header::of(&mapping)?;
        let value = mapping.pointer(Self::OFFSET, size_of::<T>(), align_of::<T>())?.cast();
        Ok(Shared { value, mapping: ManuallyDrop::new(mapping), object: None, _type: PhantomData })
    }
}

/// The error for an object that is too small for a value.
pub(super) fn too_small<T: ProcessShared>(size: usize) -> Error {
    let limit = Limit { name: "its size", value: size as u64, requested: Some(Shared::<T>::SIZE as u64) };
    Error::new(ATTACH, ErrorKind::WrongType).with_limit(Some(limit))
}

impl<T: ProcessShared> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: because `value` is mapped and aligned while `self` lives, and by the contract of
        // `ProcessShared` any bytes are a valid `T` that may change behind a shared reference.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ProcessShared> Drop for Shared<T> {
    /// Unmaps the memory, unless a lock in it is held because its guard was leaked.
    ///
    /// The kernel and the C library keep the address of a held lock, and would write to whatever is
    /// mapped there next.
    fn drop(&mut self) {
        if !self.is_held() {
            // SAFETY: because only this line drops the mapping, and nothing uses it afterwards.
            unsafe { ManuallyDrop::drop(&mut self.mapping) };
        }
    }
}

impl<T: ProcessShared + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&**self).finish()
    }
}
