//! The receiving endpoint.

#![allow(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use super::Channel;
use super::rings::read;
use crate::channel::core::broadcast::lagged;
use crate::channel::core::{Core, Forever, Never, NoRecovery, Patience, RecvRing, Within};
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::recovery::Recovery;
use crate::channel::endpoint::{Endpoint, LeaseRanges, Role};
use crate::channel::ring::newest::Newest;
use crate::channel::ring::{
    Corrupt, broadcast as broadcast_ring, mpmc as mpmc_ring, seqlock, spsc as spsc_ring,
};
use crate::channel::shared::slot_array::ByteSlots;
use crate::channel::spsc::bytes;
use crate::channel::{ChannelKind, broadcast, handle, latest, mpmc, spsc};
use crate::error::Result;

/// Receives messages as bytes.
#[derive(Debug)]
pub struct Receiver {
    kind: Kind,
    message_len: usize,
}

enum Kind {
    Spsc(Core<spsc_ring::RawReader<ByteSlots>>),
    Mpmc(Core<mpmc_ring::Reader>),
    Broadcast(Core<broadcast_ring::Reader>),
    /// With the version that was received last.
    Latest(Core<Newest>, u64),
    Bytes(bytes::Receiver),
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Spsc(_) => "Spsc",
            Kind::Mpmc(_) => "Mpmc",
            Kind::Broadcast(_) => "Broadcast",
            Kind::Latest(..) => "Latest",
            Kind::Bytes(_) => "Bytes",
        })
    }
}

impl Receiver {
    pub(super) fn new(channel: &Channel) -> Result<Receiver> {
        let kind = match channel.kind() {
            ChannelKind::Spsc => Kind::Spsc(open_spsc(channel)?),
            ChannelKind::Mpmc => Kind::Mpmc(open_mpmc(channel)?),
            ChannelKind::Broadcast => Kind::Broadcast(open_broadcast(channel)?),
            ChannelKind::Latest => Kind::Latest(open_latest(channel)?, 0),
            ChannelKind::Bytes => {
                Kind::Bytes(bytes::Receiver::new(&channel.region, acquire(channel, &spsc::LEASES)?)?)
            }
            ChannelKind::Request => return Err(channel.unsupported()),
        };
        Ok(Receiver { kind, message_len: channel.message_len() })
    }

    /// Receives a message into `buffer`, whose content it replaces. Blocks until there is one.
    ///
    /// # Errors
    ///
    /// * [`Disconnected`](crate::ErrorKind::Disconnected) if all senders have left or died, and no
    ///   message is left;
    /// * [`Lagged`](crate::ErrorKind::Lagged) if a broadcast overwrote messages, with their number:
    ///   the next call continues after them;
    /// * [`Corrupted`](crate::ErrorKind::Corrupted) if the shared state is invalid.
    pub fn recv(&mut self, buffer: &mut Vec<u8>) -> Result<()> {
        self.recv_with(buffer, Forever, bytes::Receiver::recv)
    }

    /// [`recv`](Receiver::recv) that fails with [`Empty`](crate::ErrorKind::Empty) instead of
    /// blocking.
    pub fn try_recv(&mut self, buffer: &mut Vec<u8>) -> Result<()> {
        self.recv_with(buffer, Never, bytes::Receiver::try_recv)
    }

    /// [`recv`](Receiver::recv) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) after
    /// `timeout`.
    pub fn recv_timeout(&mut self, buffer: &mut Vec<u8>, timeout: Duration) -> Result<()> {
        self.recv_with(buffer, Within(timeout), |receiver, buffer| receiver.recv_timeout(buffer, timeout))
    }

    fn recv_with(
        &mut self,
        buffer: &mut Vec<u8>,
        patience: impl Patience,
        recv_record: impl FnOnce(&mut bytes::Receiver, &mut Vec<u8>) -> Result<usize>,
    ) -> Result<()> {
        let len = self.message_len;
        match &mut self.kind {
            Kind::Spsc(core) => {
                let slot = core.attempt(patience, spsc_ring::RawReader::slot_ptr)?;
                // SAFETY: because the ring found the message there, and its slots have this size.
                unsafe { read(slot, len, buffer) };
                core.ring.skip();
                core.notify();
            }
            Kind::Mpmc(core) => {
                core.attempt(patience, mpmc_ring::Reader::claim)?;
                let slot = core.ring.slot_ptr().ok_or_else(|| core.endpoint.corrupted())?;
                // SAFETY: because the message is claimed, and its slots have this size.
                unsafe { read(slot, len, buffer) };
                core.ring.free();
                core.notify();
            }
            Kind::Broadcast(core) => recv_broadcast(core, len, buffer, patience)?,
            Kind::Latest(core, known) => {
                let version = core.attempt(patience, |ring| {
                    let Some((slot, version)) = ring.slot_ptr(*known)? else { return Ok(None) };
                    // SAFETY: because the ring found the value there, and its slots have this size.
                    unsafe { read(slot, len, buffer) };
                    // A value that was overwritten meanwhile has a successor.
                    Ok(ring.validate().then_some(version))
                })?;
                *known = version;
            }
            Kind::Bytes(receiver) => drop(recv_record(receiver, buffer)?),
        }
        Ok(())
    }
}

fn recv_broadcast(
    core: &mut Core<broadcast_ring::Reader>,
    len: usize,
    buffer: &mut Vec<u8>,
    patience: impl Patience,
) -> Result<()> {
    let lost = core.attempt(patience, |ring| {
        Ok(match ring.slot_ptr()? {
            None => None,
            Some(broadcast_ring::Next::Lagged(number)) => Some(number),
            Some(broadcast_ring::Next::Message(slot)) => {
                // SAFETY: because the ring found the message there, and its slots have this size.
                unsafe { read(slot, len, buffer) };
                // If it was overwritten meanwhile, the next attempt finds how many were lost.
                ring.validate().then_some(0)
            }
        })
    })?;
    if lost > 0 {
        return Err(lagged(lost, &core.endpoint).into());
    }
    core.ring.skip();
    core.ring.make_room();
    RecvRing::<u8>::notify(&mut core.ring, &mut core.endpoint);
    Ok(())
}

fn acquire(channel: &Channel, leases: &LeaseRanges) -> Result<Lease> {
    handle::acquire(&channel.region, leases.receivers.clone(), "open receiver")
}

fn endpoint(channel: &Channel, lease: Lease, leases: &LeaseRanges) -> Result<Endpoint> {
    Endpoint::new(channel.region.clone(), 0, Arc::new(lease), Role::Receiver, leases)
}

fn open_spsc(channel: &Channel) -> Result<Core<spsc_ring::RawReader<ByteSlots>>> {
    let endpoint = endpoint(channel, acquire(channel, &spsc::LEASES)?, &spsc::LEASES)?;
    let slots =
        channel.region.data_area().byte_slots(channel.facts.capacity, channel.facts.rings[0].stride)?;
    // SAFETY: because `endpoint` keeps the region, which keeps the control block.
    let reader = unsafe { spsc_ring::RawReader::resume(slots, channel.region.control(0)) };
    Ok(Core::new(reader, NoRecovery, endpoint))
}

fn open_mpmc(channel: &Channel) -> Result<Core<mpmc_ring::Reader>> {
    let lease = acquire(channel, &mpmc::LEASES)?;
    let slots = channel.sequenced_slots()?;
    let recovery = Recovery::new(&channel.region, slots);
    recovery.reclaim_predecessor(&lease)?;
    let endpoint = endpoint(channel, lease, &mpmc::LEASES)?;
    // SAFETY: because `endpoint` keeps the region, which keeps the control block.
    let reader = unsafe { mpmc_ring::Reader::resume(slots, channel.region.control(0), endpoint.lease_id()) };
    let reader = reader.map_err(|Corrupt| endpoint.corrupted())?;
    Ok(Core::new(reader, recovery, endpoint))
}

fn open_broadcast(channel: &Channel) -> Result<Core<broadcast_ring::Reader>> {
    let leases = broadcast::leases(&channel.region);
    let lease = acquire(channel, &leases)?;
    let number = lease.number();
    let (slots, cursors) = (channel.sequenced_slots()?, broadcast::cursors(&channel.region)?);
    let mut endpoint = endpoint(channel, lease, &leases)?;
    // SAFETY: because `endpoint` keeps the region, which keeps the control block.
    let ring = unsafe { seqlock::Reader::at(slots, channel.region.control(0), 0) };
    let reader = broadcast_ring::Reader::join(ring, cursors, number, broadcast::overflow(&channel.region));
    // A publisher that polled while this cursor was joining may have blocked.
    endpoint.notify_all();
    Ok(Core::new(reader, NoRecovery, endpoint))
}

fn open_latest(channel: &Channel) -> Result<Core<Newest>> {
    let endpoint = endpoint(channel, acquire(channel, &latest::LEASES)?, &latest::LEASES)?;
    let start = channel.facts.initial_position;
    // SAFETY: because `endpoint` keeps the region, which keeps the control block.
    let ring = unsafe { seqlock::Reader::at(channel.sequenced_slots()?, channel.region.control(0), start) };
    Ok(Core::new(Newest::new(ring, start), NoRecovery, endpoint))
}
