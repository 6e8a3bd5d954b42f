//! A page of words that parent and children share.
#![allow(unsafe_code)]

use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// The bytes of the mapping; the words fill it.
const SIZE: NonZeroUsize = NonZeroUsize::new(4096).expect("a page is not empty");

/// Words in memory that every child started later shares with this process.
///
/// Clones refer to the same words.
#[derive(Clone, Debug)]
pub struct Shared(Arc<Mapping>);

#[derive(Debug)]
struct Mapping(NonNull<AtomicU64>);

// SAFETY: because the mapping is only reached as atomics.
unsafe impl Send for Mapping {}
// SAFETY: because the mapping is only reached as atomics, also from several threads.
unsafe impl Sync for Mapping {}

impl Shared {
    /// The number of words.
    pub const LEN: usize = SIZE.get() / size_of::<u64>();

    /// Returns words that are zero.
    ///
    /// # Errors
    ///
    /// Those of mmap(2).
    pub fn new() -> nix::Result<Shared> {
        let (access, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED);
        // SAFETY: because the kernel chooses an address that nothing else occupies.
        let address = unsafe { mmap_anonymous(None, SIZE, access, flags) }?;
        Ok(Shared(Arc::new(Mapping(address.cast()))))
    }

    /// The words.
    pub fn words(&self) -> &[AtomicU64; Self::LEN] {
        // SAFETY: because the mapping has this many words, is aligned to a page, lives as long as
        // `self`, and zero is a valid word.
        unsafe { self.0.0.cast().as_ref() }
    }

    /// Returns the first words.
    pub(crate) fn read(&self, count: usize) -> Vec<u64> {
        self.words()[..count].iter().map(|word| word.load(Ordering::SeqCst)).collect()
    }

    /// Replaces the first words.
    pub(crate) fn write(&self, values: &[u64]) {
        for (word, &value) in self.words().iter().zip(values) {
            word.store(value, Ordering::SeqCst);
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: because this is the whole mapping, and the last reference to it has ended.
        let _ = unsafe { munmap(self.0.cast(), SIZE.get()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::Child;

    #[test]
    fn words_written_by_a_child_are_seen_by_its_parent() {
        let shared = Shared::new().unwrap();
        let child = Child::start(|| shared.words()[3].store(7, Ordering::SeqCst));
        child.join();
        assert_eq!(shared.read(4), [0, 0, 0, 7]);
        shared.write(&[1, 2]);
        assert_eq!(shared.read(4), [1, 2, 0, 7]);
    }
}
