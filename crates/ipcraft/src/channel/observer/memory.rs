//! Private copies of a channel's memory.

use std::io::IoSliceMut;

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::getpid;

use super::OBSERVE;
use crate::channel::shared::atomic::fence;
use crate::error::{Error, ErrorKind, Result};
use crate::shm::Mapping;
use std::sync::atomic::Ordering::SeqCst;

/// The memory of a channel, mapped for reading. All reads are copies.
#[derive(Debug)]
pub(super) struct ObservedMemory(pub(super) Mapping);

impl ObservedMemory {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Copies the bytes at `offset`, all after those of earlier calls.
    ///
    /// The kernel makes the copy (`process_vm_readv(2)` on this process). So memory whose owner has
    /// shrunk it gives an error instead of `SIGBUS`. Where a filter forbids that call, this process
    /// copies itself.
    pub(super) fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<()> {
        if buffer.is_empty() {
            return Ok(());
        }
        let from = self.0.pointer(offset, buffer.len(), 1)?;
        fence(SeqCst);
        let remote = [RemoteIoVec { base: from.as_ptr().addr(), len: buffer.len() }];
        match process_vm_readv(getpid(), &mut [IoSliceMut::new(buffer)], &remote) {
            Ok(copied) if copied == buffer.len() => {}
            Ok(_) | Err(Errno::EFAULT) => {
                return Err(Error::new(OBSERVE, ErrorKind::Corrupted)
                    .with_hint("its owner has shrunk the object; remove and recreate it"));
            }
            Err(_) => self.0.read_at(offset, buffer)?,
        }
        fence(SeqCst);
        Ok(())
    }

    /// Copies the word at `offset`.
    pub(super) fn word(&self, offset: usize) -> Result<u64> {
        let mut bytes = [0; size_of::<u64>()];
        self.read(offset, &mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }
}
