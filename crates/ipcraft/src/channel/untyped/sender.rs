//! The sending endpoint.

#![allow(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use super::Channel;
use crate::channel::core::{Core, Forever, Never, NoRecovery, Patience, Ring, SendRing, Within};
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::recovery::Recovery;
use crate::channel::endpoint::{Endpoint, LeaseRanges, Role};
use crate::channel::ring::{
    Corrupt, broadcast as broadcast_ring, mpmc as mpmc_ring, seqlock, spsc as spsc_ring,
};
use crate::channel::shared::slot_array::ByteSlots;
use crate::channel::spsc::bytes;
use crate::channel::{ChannelKind, broadcast, handle, latest, mpmc, spsc};
use crate::error::{Error, ErrorKind, Limit, Result};

/// Sends messages as bytes.
#[derive(Debug)]
pub struct Sender {
    kind: Kind,
    message_len: usize,
}

enum Kind {
    Spsc(Core<spsc_ring::RawWriter<ByteSlots>>),
    Mpmc(Core<mpmc_ring::Writer>),
    Broadcast(Core<broadcast_ring::Writer>),
    Latest(Core<seqlock::Writer>),
    Bytes(bytes::Sender),
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Spsc(_) => "Spsc",
            Kind::Mpmc(_) => "Mpmc",
            Kind::Broadcast(_) => "Broadcast",
            Kind::Latest(_) => "Latest",
            Kind::Bytes(_) => "Bytes",
        })
    }
}

impl Sender {
    pub(super) fn new(channel: &Channel) -> Result<Sender> {
        let kind = match channel.kind() {
            ChannelKind::Spsc => Kind::Spsc(open_spsc(channel)?),
            ChannelKind::Mpmc => Kind::Mpmc(open_mpmc(channel)?),
            ChannelKind::Broadcast => Kind::Broadcast(open_broadcast(channel)?),
            ChannelKind::Latest => Kind::Latest(open_latest(channel)?),
            ChannelKind::Bytes => {
                Kind::Bytes(bytes::Sender::new(&channel.region, acquire(channel, &spsc::LEASES)?)?)
            }
            ChannelKind::Request => return Err(channel.unsupported()),
        };
        Ok(Sender { kind, message_len: channel.message_len() })
    }

    /// Sends a message, and blocks until there is space.
    ///
    /// # Errors
    ///
    /// * [`Invalid`](ErrorKind::Invalid) if the message has not the size of the type;
    /// * [`TooLarge`](ErrorKind::TooLarge) if a record is longer than the channel allows;
    /// * [`Disconnected`](ErrorKind::Disconnected) if all receivers have left or died;
    /// * [`Corrupted`](ErrorKind::Corrupted) if the shared state is invalid.
    pub fn send(&mut self, message: &[u8]) -> Result<()> {
        self.send_with(message, Forever, bytes::Sender::send)
    }

    /// [`send`](Sender::send) that fails with [`Full`](ErrorKind::Full) instead of blocking.
    pub fn try_send(&mut self, message: &[u8]) -> Result<()> {
        self.send_with(message, Never, bytes::Sender::try_send)
    }

    /// [`send`](Sender::send) that fails with [`TimedOut`](ErrorKind::TimedOut) after `timeout`.
    pub fn send_timeout(&mut self, message: &[u8], timeout: Duration) -> Result<()> {
        self.send_with(message, Within(timeout), |sender, record| sender.send_timeout(record, timeout))
    }

    fn send_with(
        &mut self,
        message: &[u8],
        patience: impl Patience,
        send_record: impl FnOnce(&mut bytes::Sender, &[u8]) -> Result<()>,
    ) -> Result<()> {
        if !matches!(self.kind, Kind::Bytes(_)) && message.len() != self.message_len {
            return Err(wrong_size(message.len(), self.message_len));
        }
        match &mut self.kind {
            Kind::Spsc(core) => push(core, message, patience),
            Kind::Mpmc(core) => push(core, message, patience),
            Kind::Broadcast(core) => push(core, message, patience),
            Kind::Latest(core) => {
                core.push_fast(message);
                Ok(())
            }
            Kind::Bytes(sender) => send_record(sender, message),
        }
    }
}

fn push<R: SendRing<[u8]> + Ring>(core: &mut Core<R>, message: &[u8], patience: impl Patience) -> Result<()> {
    core.push_slow(message, patience)
}

fn acquire(channel: &Channel, leases: &LeaseRanges) -> Result<Lease> {
    handle::acquire(&channel.region, leases.senders.clone(), "open sender")
}

fn endpoint(channel: &Channel, lease: Lease, leases: &LeaseRanges) -> Result<Endpoint> {
    Endpoint::new(channel.region.clone(), 0, Arc::new(lease), Role::Sender, leases)
}

fn open_spsc(channel: &Channel) -> Result<Core<spsc_ring::RawWriter<ByteSlots>>> {
    let endpoint = endpoint(channel, acquire(channel, &spsc::LEASES)?, &spsc::LEASES)?;
    let slots =
        channel.region.data_area().byte_slots(channel.facts.capacity, channel.facts.rings[0].stride)?;
    // SAFETY: because `endpoint` keeps the region, which keeps the control block.
    let writer = unsafe { spsc_ring::RawWriter::resume(slots, channel.region.control(0)) };
    let writer = writer.map_err(|Corrupt| endpoint.corrupted())?;
    Ok(Core::new(writer, NoRecovery, endpoint))
}

fn open_mpmc(channel: &Channel) -> Result<Core<mpmc_ring::Writer>> {
    let lease = acquire(channel, &mpmc::LEASES)?;
    let slots = channel.sequenced_slots()?;
    let recovery = Recovery::new(&channel.region, slots);
    recovery.reclaim_predecessor(&lease)?;
    let endpoint = endpoint(channel, lease, &mpmc::LEASES)?;
    // SAFETY: because `endpoint` keeps the region, which keeps the control block.
    let writer = unsafe { mpmc_ring::Writer::resume(slots, channel.region.control(0), endpoint.lease_id()) };
    let writer = writer.map_err(|Corrupt| endpoint.corrupted())?;
    Ok(Core::new(writer, recovery, endpoint))
}

fn open_broadcast(channel: &Channel) -> Result<Core<broadcast_ring::Writer>> {
    let leases = broadcast::leases(&channel.region);
    let mut endpoint = endpoint(channel, acquire(channel, &leases)?, &leases)?;
    endpoint.notify_wakes_all();
    // SAFETY: because `endpoint` keeps the region, which keeps the control block.
    let ring = unsafe { seqlock::Writer::resume(channel.sequenced_slots()?, channel.region.control(0)) };
    let cursors = broadcast::cursors(&channel.region)?;
    let writer = broadcast_ring::Writer::new(ring, cursors, broadcast::overflow(&channel.region));
    Ok(Core::new(writer, cursors, endpoint))
}

fn open_latest(channel: &Channel) -> Result<Core<seqlock::Writer>> {
    let mut endpoint = endpoint(channel, acquire(channel, &latest::LEASES)?, &latest::LEASES)?;
    endpoint.notify_wakes_all();
    // SAFETY: because `endpoint` keeps the region, which keeps the control block.
    let ring = unsafe { seqlock::Writer::resume(channel.sequenced_slots()?, channel.region.control(0)) };
    Ok(Core::new(ring, NoRecovery, endpoint))
}

#[cold]
fn wrong_size(found: usize, needed: usize) -> Error {
    let limit = Limit { name: "the size of a message", value: needed as u64, requested: Some(found as u64) };
    Error::new("send", ErrorKind::Invalid).with_limit(Some(limit))
}
