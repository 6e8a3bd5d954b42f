//! The handle.

#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use super::{ProcessShared, header};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::Mapping;
use crate::shm::posix::SharedMemory;

/// A value that several processes have in common: initialised once, and verified by everybody else.
///
/// Before it stands a header with a magic number, a version, and size, alignment and [layout](ProcessShared::LAYOUT)
/// of the type; memory in which it differs is refused. The value is used through a reference, so whatever changes it
/// is atomic. It is never dropped, and lives as long as the memory does.
///
/// With a name, for processes that know nothing else of each other:
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
/// In any memory, which its creator initialises before it passes it on:
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
    /// A value within `mapping`, aligned, and behind a header that says that it is one.
    value: NonNull<T>,
    /// Dropped unless a lock in the value is held.
    mapping: ManuallyDrop<Mapping>,
    /// The object that has the name, if it was made or opened by one.
    object: Option<SharedMemory>,
    _type: PhantomData<T>,
}

// SAFETY: because `value` is only used to make shared references, which a `Sync` type allows in every thread.
unsafe impl<T: ProcessShared> Send for Shared<T> {}
// SAFETY: because `value` is only used to make shared references, which a `Sync` type allows in every thread.
unsafe impl<T: ProcessShared> Sync for Shared<T> {}

impl<T: ProcessShared> Shared<T> {
    /// How many bytes of memory header and value take.
    pub const SIZE: usize = header::offset::<T>() + size_of::<T>();

    /// Initializes a value in memory that has none yet: new memory is all zero, and `initialize` is given the value
    /// that these bytes are.
    ///
    /// Pass the memory on when this has returned. Of several processes that try all the same, one succeeds. If
    /// `initialize` fails, the memory is uninitialized again, so that a later call can succeed.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if a value is there; [`InUse`](ErrorKind::InUse) if somebody has
    /// begun and not finished, be it that he died; [`WrongType`](ErrorKind::WrongType) if the memory holds something
    /// else; [`Invalid`](ErrorKind::Invalid) if it is smaller than [`SIZE`](Shared::SIZE);
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if it is read-only; the error of `initialize`.
    pub fn initialize(mapping: Mapping, initialize: impl FnOnce(&T) -> Result<()>) -> Result<Shared<T>> {
        let shared = Shared::over(mapping)?;
        header::claim(&shared.mapping)?;
        if let Err(error) = initialize(&shared) {
            header::release(&shared.mapping)?;
            return Err(error);
        }
        header::complete::<T>(&shared.mapping)?;
        Ok(shared)
    }

    /// Takes the value that is in this memory, if its header says that it is one of this type.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) with what differs; [`InUse`](ErrorKind::InUse) if its creator has not
    /// finished; [`Invalid`](ErrorKind::Invalid) if it is smaller than [`SIZE`](Shared::SIZE);
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if it is read-only.
    pub fn attach(mapping: Mapping) -> Result<Shared<T>> {
        let shared = Shared::over(mapping)?;
        header::check::<T>(&shared.mapping)?;
        Ok(shared)
    }

    /// The memory that it is in.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The object that has the name, if it was made or opened by one.
    pub fn object(&self) -> Option<&SharedMemory> {
        self.object.as_ref()
    }

    /// `shm_unlink(3)`: removes the name, as [`SharedMemory::remove`] does. Whoever has the value keeps it.
    ///
    /// # Errors
    ///
    /// Those of [`SharedMemory::remove`]; [`Invalid`](ErrorKind::Invalid) if it was not made or opened by name.
    pub fn remove(&self) -> Result<()> {
        match &self.object {
            Some(object) => object.remove(),
            None => Err(Error::new("shm_unlink", ErrorKind::Invalid).with_hint("the value has no name")),
        }
    }

    pub(super) fn with_object(mut self, object: SharedMemory) -> Shared<T> {
        self.object = Some(object);
        self
    }

    /// A value that may be used only when the header says that it is there, or by the one who writes the header.
    fn over(mapping: Mapping) -> Result<Shared<T>> {
        // A header that can be claimed is one that can be written.
        mapping.atomic_u64(0)?;
        let value = mapping.pointer(header::offset::<T>(), size_of::<T>(), align_of::<T>())?.cast();
        Ok(Shared { value, mapping: ManuallyDrop::new(mapping), object: None, _type: PhantomData })
    }
}

/// An error for an object that is too small for a value.
pub(super) fn too_small<T: ProcessShared>(size: usize) -> Error {
    let limit = Limit { name: "its size", value: size as u64, requested: Some(Shared::<T>::SIZE as u64) };
    Error::new(header::ATTACH, ErrorKind::WrongType).with_limit(Some(limit))
}

impl<T: ProcessShared> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: because the value is mapped and aligned while `self` lives, and `ProcessShared` promises that any
        // bytes are one and may change.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ProcessShared> Drop for Shared<T> {
    /// Unmaps the memory, unless a guard of a lock in it was leaked: the kernel and the C library have the address of a
    /// lock that is held, and would write to whatever was mapped there next.
    fn drop(&mut self) {
        if !self.is_held() {
            // SAFETY: because this is the only place that drops the mapping, and nothing uses it afterwards.
            unsafe { ManuallyDrop::drop(&mut self.mapping) };
        }
    }
}

impl<T: ProcessShared + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&**self).finish()
    }
}
