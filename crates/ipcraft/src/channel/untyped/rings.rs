//! The core's traits for messages that are bytes.

#![allow(unsafe_code)]

use std::ptr::NonNull;

use crate::channel::core::SendRing;
use crate::channel::endpoint::Endpoint;
use crate::channel::ring::{TryResult, broadcast, mpmc, seqlock, spsc};
use crate::channel::shared::slot_array::ByteSlots;
use crate::shm::copy::copy;

/// Copies a whole message into its slot.
///
/// # Safety
///
/// `into` is a slot for messages of this size, which this endpoint may write.
unsafe fn write(into: NonNull<u8>, message: &[u8]) {
    // SAFETY: because the caller promised the room, and private memory is apart from shared memory.
    unsafe { copy(message.as_ptr(), into.as_ptr(), message.len()) };
}

/// Replaces the content of `buffer` by a message.
///
/// # Safety
///
/// `from` is a mapped slot for messages of `length` bytes.
pub(super) unsafe fn read(from: NonNull<u8>, length: usize, buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(length, 0);
    // SAFETY: because the caller promised the bytes, and private memory is apart from shared
    // memory.
    unsafe { copy(from.as_ptr(), buffer.as_mut_ptr(), length) };
}

// Each ring is made by `Sender::new` with slots for messages of the size that `Sender` checks.

impl SendRing<[u8]> for spsc::RawWriter<ByteSlots> {
    fn may_send(&self, endpoint: &mut Endpoint) -> bool {
        !self.needs_check() && !endpoint.peer_status_changed()
    }

    fn checked(&mut self, endpoint: &Endpoint) {
        self.set_check_interval(endpoint.check_interval());
    }

    fn push(&mut self, message: &[u8], _inline: bool) -> TryResult<()> {
        let Some(slot) = self.slot_ptr()? else { return Ok(None) };
        // SAFETY: because the ring has room there, and the slot has the size of the message.
        unsafe { write(slot, message) };
        self.commit(1);
        Ok(Some(()))
    }
}

impl SendRing<[u8]> for mpmc::Writer {
    fn push(&mut self, message: &[u8], _inline: bool) -> TryResult<()> {
        if self.claim()?.is_none() {
            return Ok(None);
        }
        if let Some(slot) = self.slot_ptr() {
            // SAFETY: because the slot is claimed, and has the size of the message.
            unsafe { write(slot, message) };
        }
        self.commit();
        Ok(Some(()))
    }
}

impl SendRing<[u8]> for broadcast::Writer {
    fn push(&mut self, message: &[u8], _inline: bool) -> TryResult<()> {
        let Some(slot) = self.slot_ptr()? else { return Ok(None) };
        // SAFETY: because the ring has room there, and the slot has the size of the message.
        unsafe { write(slot, message) };
        self.commit();
        Ok(Some(()))
    }
}

impl SendRing<[u8]> for seqlock::Writer {
    fn may_send(&self, endpoint: &mut Endpoint) -> bool {
        endpoint.tick_without_receivers();
        true
    }

    fn push(&mut self, message: &[u8], _inline: bool) -> TryResult<()> {
        self.begin();
        // SAFETY: because it is the ring's next slot, which has the size of the message.
        unsafe { write(self.slot_ptr(), message) };
        self.commit();
        Ok(Some(()))
    }
}
