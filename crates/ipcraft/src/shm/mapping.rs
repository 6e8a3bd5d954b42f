//! A range of shared memory in this process's address space, with safe accesses.

#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

use memmap2::{MmapOptions, MmapRaw};
use nix::errno::Errno;

use super::Access;
use super::copy::copy;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::support::limits;
use crate::sys::sysv_shm::Attachment;

/// Shared memory mapped into this process.
///
/// It gives out no `&[u8]` and no `&T`: a reference promises the compiler that nothing else writes,
/// but other processes may. Copy in and out, or use atomics. All methods take `&self`: threads may
/// use a mapping concurrently and share it by `Arc`.
///
/// Dropping it unmaps the memory and leaves the object unchanged. A forked child inherits the
/// mapping; exec and death remove it.
#[derive(Debug)]
pub struct Mapping {
    /// The first of `length` bytes that stay mapped until `_memory` is dropped; page-aligned.
    pub(super) start: NonNull<u8>,
    pub(super) length: usize,
    /// The bytes of the object that had no memory yet when it was mapped.
    pub(super) missing: usize,
    pub(super) access: Access,
    pub(super) name: Option<Arc<str>>,
    _memory: Memory,
}

/// The owner of the mapping.
#[derive(Debug)]
enum Memory {
    File { _map: MmapRaw },
    Segment { _attachment: Attachment },
}

// SAFETY: because the memory belongs to the process, and any thread may drop `_memory`.
unsafe impl Send for Mapping {}
// SAFETY: because only atomics and copies that tolerate concurrent writes access the bytes at
// `start`, and no other field changes after construction.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// `mmap(2)` with `MAP_SHARED`: maps the first `length` bytes of a file that is at least that
    /// long, of which `missing` bytes have no memory yet.
    pub(super) fn for_file(
        fd: BorrowedFd<'_>,
        length: usize,
        missing: usize,
        access: Access,
        name: Option<&Arc<str>>,
    ) -> Result<Mapping> {
        let mut options = MmapOptions::new();
        options.len(length);
        let fd = fd.as_raw_fd();
        let mapped = match access {
            Access::ReadOnly => options.map_raw_read_only(fd),
            Access::ReadWrite => options.map_raw(fd),
        };
        let map = mapped.map_err(|e| map_error(e.raw_os_error(), length).with_object(name))?;
        // The kernel maps nothing at address 0.
        let start = NonNull::new(map.as_mut_ptr()).ok_or_else(|| map_error(None, length))?;
        let memory = Memory::File { _map: map };
        Ok(Mapping { start, length, missing, access, name: name.cloned(), _memory: memory })
    }

    /// Takes ownership of an attached System V segment of `length` bytes.
    pub(super) fn for_segment(
        attachment: Attachment,
        length: usize,
        access: Access,
        name: &Arc<str>,
    ) -> Mapping {
        let start = attachment.start();
        let memory = Memory::Segment { _attachment: attachment };
        // The kernel allocates a segment's pages on first access.
        Mapping { start, length, missing: length, access, name: Some(name.clone()), _memory: memory }
    }

    /// Returns the number of accessible bytes: the size of the object when it was mapped.
    ///
    /// The kernel maps whole pages, but bytes beyond this length on the last page are out of
    /// bounds.
    #[allow(clippy::len_without_is_empty, reason = "no mapping is empty")]
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns whether the memory was mapped for reading only, or for writing too.
    #[inline]
    pub fn access(&self) -> Access {
        self.access
    }

    /// Copies the bytes at `offset` into `buffer`, filling it.
    ///
    /// While a peer writes, each byte is the old or the new one, so the copy may mix both. Validate
    /// the copy, not the memory, which may have changed again.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) with the length of the mapping if the range is not within
    /// it; nothing was copied.
    #[inline]
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<()> {
        let from = self.range("read_at", offset, buffer.len())?;
        // SAFETY: because `range` checked the bytes, and a private buffer cannot lie within a
        // mapping that gives out references to atomics only.
        unsafe { copy(from.as_ptr(), buffer.as_mut_ptr(), buffer.len()) };
        Ok(())
    }

    /// Copies all of `bytes` to `offset`.
    ///
    /// Peers see the bytes change in no particular order. Publish the data by an atomic with
    /// `Release`, or by another mechanism.
    ///
    /// # Errors
    ///
    /// * [`Invalid`](ErrorKind::Invalid) with the length of the mapping if the range is not within
    ///   it;
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) if the mapping is read-only.
    ///
    /// In both cases nothing was copied.
    #[inline]
    pub fn write_at(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        let into = self.writable_range("write_at", offset, bytes.len())?;
        // SAFETY: because `writable_range` checked the bytes, and private bytes cannot lie within a
        // mapping that gives out references to atomics only.
        unsafe { copy(bytes.as_ptr(), into.as_ptr(), bytes.len()) };
        Ok(())
    }

    /// Returns the byte at `offset` as an atomic.
    ///
    /// # Errors
    ///
    /// As for [`atomic_u32`](Mapping::atomic_u32).
    #[inline]
    pub fn atomic_u8(&self, offset: usize) -> Result<&AtomicU8> {
        let at = self.writable_ptr::<AtomicU8>(offset)?;
        // SAFETY: because `writable_ptr` checked that the byte is mapped and writable while `self`
        // is borrowed, and any byte is valid.
        Ok(unsafe { at.as_ref() })
    }

    /// Returns the four bytes at `offset` as an atomic, in native byte order.
    ///
    /// # Errors
    ///
    /// * [`Invalid`](ErrorKind::Invalid) if they are not within the mapping, or `offset` is not a
    ///   multiple of their size;
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) if the mapping is read-only.
    #[inline]
    pub fn atomic_u32(&self, offset: usize) -> Result<&AtomicU32> {
        let at = self.writable_ptr::<AtomicU32>(offset)?;
        // SAFETY: because `writable_ptr` checked that the bytes are mapped, writable and aligned
        // while `self` is borrowed, and any bytes are valid.
        Ok(unsafe { at.as_ref() })
    }

    /// Returns the eight bytes at `offset` as an atomic, in native byte order.
    ///
    /// # Errors
    ///
    /// As for [`atomic_u32`](Mapping::atomic_u32).
    #[inline]
    pub fn atomic_u64(&self, offset: usize) -> Result<&AtomicU64> {
        let at = self.writable_ptr::<AtomicU64>(offset)?;
        // SAFETY: because `writable_ptr` checked that the bytes are mapped, writable and aligned
        // while `self` is borrowed, and any bytes are valid.
        Ok(unsafe { at.as_ref() })
    }

    /// Returns a pointer to `length` bytes at `offset`, aligned to `align`, for unsafe code.
    ///
    /// The pointer is valid while the mapping lives. Peers may write at any time: use atomic or
    /// volatile accesses, and create references to atomics only. On a read-only mapping a write
    /// raises `SIGSEGV`.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if the range is not within the mapping, its start is
    /// misaligned, or `align` is not a power of two.
    #[inline]
    pub fn pointer(&self, offset: usize, length: usize, align: usize) -> Result<NonNull<u8>> {
        let at = self.range("pointer", offset, length)?;
        if align.is_power_of_two() && at.addr().get() & (align - 1) == 0 {
            Ok(at)
        } else {
            Err(self.misaligned(align))
        }
    }

    #[inline]
    fn range(&self, operation: &'static str, offset: usize, length: usize) -> Result<NonNull<u8>> {
        if offset <= self.length && length <= self.length - offset {
            // SAFETY: because the result is within the mapped bytes, or one past them for an empty
            // range.
            Ok(unsafe { self.start.add(offset) })
        } else {
            Err(self.out_of_bounds(operation, offset, length))
        }
    }

    #[inline]
    fn writable_range(&self, operation: &'static str, offset: usize, length: usize) -> Result<NonNull<u8>> {
        match self.access {
            Access::ReadWrite => self.range(operation, offset, length),
            Access::ReadOnly => Err(self.read_only(operation)),
        }
    }

    #[inline]
    fn writable_ptr<T>(&self, offset: usize) -> Result<NonNull<T>> {
        let at = self.writable_range("atomic", offset, size_of::<T>())?.cast::<T>();
        if at.is_aligned() { Ok(at) } else { Err(self.misaligned(align_of::<T>())) }
    }

    #[cold]
    fn out_of_bounds(&self, operation: &'static str, offset: usize, length: usize) -> Error {
        let end = offset.saturating_add(length) as u64;
        let limit =
            Limit { name: "the length of the mapping", value: self.length as u64, requested: Some(end) };
        Error::new(operation, ErrorKind::Invalid).with_object(self.name.as_ref()).with_limit(Some(limit))
    }

    #[cold]
    fn misaligned(&self, align: usize) -> Error {
        let advice = if align.is_power_of_two() {
            "use an offset that is a multiple of the alignment"
        } else {
            "use a power of two as the alignment"
        };
        Error::new("pointer", ErrorKind::Invalid).with_object(self.name.as_ref()).with_hint(advice)
    }

    #[cold]
    fn read_only(&self, operation: &'static str) -> Error {
        Error::new(operation, ErrorKind::PermissionDenied)
            .with_object(self.name.as_ref())
            .with_hint("map the memory for reading and writing")
    }

    pub(super) fn failed(&self, operation: &'static str, errno: Errno) -> Error {
        Error::from_errno(operation, errno).with_object(self.name.as_ref())
    }
}

fn map_error(errno: Option<i32>, length: usize) -> Error {
    match errno.map(Errno::from_raw) {
        Some(Errno::ENOMEM) => Error::from_errno("mmap", Errno::ENOMEM).with_limit(limits::mapping(length)),
        Some(Errno::EAGAIN) => Error::from_errno("mmap", Errno::EAGAIN)
            .with_kind(ErrorKind::LimitReached)
            .with_limit(limits::locked(length)),
        Some(errno) => Error::from_errno("mmap", errno),
        // memmap2 rejects lengths beyond the address space without a system call.
        None => Error::new("mmap", ErrorKind::Invalid),
    }
}
