//! The figures of a channel.

use std::time::Duration;

use super::facts::HeaderCopy;
use super::{ChannelKind, Observer};
use crate::channel::broadcast::Overflow;
use crate::channel::endpoint::lease;
use crate::channel::ring::mpmc::word::{Generations, SlotState, SlotWord};
use crate::channel::ring::record;
use crate::channel::tuning::HINT_INTERVAL;
use crate::error::Result;
use crate::time;
use std::os::fd::AsFd;

/// The figures of a channel at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The monotonic clock when they were read.
    pub at: Duration,
    /// One direction, or requests and replies.
    pub directions: Vec<DirectionStats>,
}

/// The figures of one direction. Totals count from the creation of the channel on: in messages, or
/// in bytes with headers and padding for a [`bytes`](crate::channel::spsc::bytes) channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectionStats {
    /// What was sent.
    pub sent: u64,
    /// What was received, by all receivers together. For a broadcast that waits for subscribers,
    /// what the slowest one received. `None` where receivers leave no trace.
    pub received: Option<u64>,
    /// What was sent and not received: at most the capacity. For a broadcast, the lag of the
    /// slowest subscriber; for a `latest` channel, 0.
    pub depth: u64,
    /// The counters of the senders.
    pub senders: SideCounters,
    /// The counters of the receivers.
    pub receivers: SideCounters,
}

/// What the endpoints of one side did, since the creation of the channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SideCounters {
    /// Calls that had to wait: of senders for room, of receivers for a message.
    pub waits: u64,
    /// How often one of them blocked in the kernel. A long wait counts four per second.
    pub sleeps: u64,
    /// Notifications of a waiting peer: one system call each.
    pub wakes: u64,
    /// Messages that subscribers lost, because the publisher had overwritten them.
    pub lagged: u64,
    /// Leases that a work queue reclaimed after their endpoint left or died.
    pub recoveries: u64,
}

/// What happened between two readings, per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Rates {
    /// What was sent, in the unit of [`DirectionStats`].
    pub sent: f64,
    /// What was received, if that is known.
    pub received: Option<f64>,
    /// How often receivers blocked.
    pub sleeps: f64,
}

impl Stats {
    /// Returns the rates of a direction since an earlier reading. All are 0 if no time has passed.
    pub fn rates_since(&self, earlier: &Stats, direction: usize) -> Rates {
        let seconds = self.at.saturating_sub(earlier.at).as_secs_f64();
        let (Some(now), Some(before)) = (self.directions.get(direction), earlier.directions.get(direction))
        else {
            return Rates::default();
        };
        // A total that decreased is that of a new channel, or of a corrupted one.
        let per_second = |now: u64, before: u64| match now.checked_sub(before) {
            Some(number) if seconds > 0.0 => number as f64 / seconds,
            _ => 0.0,
        };
        Rates {
            sent: per_second(now.sent, before.sent),
            received: now.received.zip(before.received).map(|(now, before)| per_second(now, before)),
            sleeps: per_second(now.receivers.sleeps, before.receivers.sleeps),
        }
    }
}

impl Observer {
    /// Returns the totals, the depth and the counters.
    ///
    /// # Errors
    ///
    /// Fails with [`Corrupted`](crate::ErrorKind::Corrupted) if the owner has shrunk the object.
    pub fn stats(&self) -> Result<Stats> {
        let header = self.header()?;
        let at = time::now();
        let rings = 0..self.facts.rings.len();
        let directions = rings.map(|index| self.direction(&header, index)).collect::<Result<_>>()?;
        Ok(Stats { at, directions })
    }

    fn direction(&self, header: &HeaderCopy, index: usize) -> Result<DirectionStats> {
        let counters = |of_senders| {
            let [waits, sleeps, wakes, lagged, recoveries] = header.counters(index, of_senders);
            SideCounters { waits, sleeps, wakes, lagged, recoveries }
        };
        let (senders, receivers) = (counters(true), counters(false));
        let (mut tail, mut head) = (header.sender_position(index), header.receiver_position(index));
        let start = self.facts.initial_position;
        let total = |position: u64| position.wrapping_sub(start);
        let capacity = self.facts.rings[index].count;
        // The two positions were not read at the same moment.
        let between = |tail: u64, head: u64| match tail.wrapping_sub(head) {
            behind if behind > i64::MAX as u64 => 0,
            behind => behind.min(capacity),
        };
        let (received, depth) = match self.facts.kind {
            ChannelKind::Latest => (None, 0),
            ChannelKind::Broadcast => match self.slowest_lag(header)? {
                Some(lag) => (Some(total(tail).saturating_sub(lag)), lag),
                None => (None, 0),
            },
            ChannelKind::Mpmc => {
                tail = self.claimed_up_to(tail, true)?;
                head = self.claimed_up_to(head, false)?;
                (Some(total(head)), between(tail, head))
            }
            _ => (Some(total(head)), between(tail, head)),
        };
        let unit = if self.facts.kind == ChannelKind::Bytes { record::WORD as u64 } else { 1 };
        Ok(DirectionStats {
            sent: total(tail).wrapping_mul(unit),
            received: received.map(|received| received.wrapping_mul(unit)),
            depth: depth * unit,
            senders,
            receivers,
        })
    }

    /// The lag of the slowest subscriber, if the publisher waits for subscribers; 0 without any.
    fn slowest_lag(&self, header: &HeaderCopy) -> Result<Option<u64>> {
        if self.overflow() != Some(Overflow::Block) {
            return Ok(None);
        }
        let (_, subscribers) = self.facts.leases();
        let held = lease::held(self.fd.as_fd(), subscribers).map_err(|e| self.named(e))?;
        let mut slowest = 0;
        for lease in held {
            slowest = slowest.max(self.lag(header, lease)?.unwrap_or(0));
        }
        Ok(Some(slowest))
    }

    /// The position up to which one side of a work queue has claimed slots. The shared position is
    /// a hint that is updated at intervals; the words of the slots after it are exact.
    fn claimed_up_to(&self, hint: u64, by_senders: bool) -> Result<u64> {
        let slots = self.facts.rings[0];
        let generations = Generations::new(slots.count);
        let mut position = hint;
        for _ in 0..slots.count.min(4 * HINT_INTERVAL) {
            let word = self.memory.word(slots.slot(position)).map_err(|e| self.named(e))?;
            let word = SlotWord(word);
            let claimed = match generations.ahead(word, position) {
                0 if by_senders => word.state() != Some(SlotState::Free),
                0 => matches!(word.state(), Some(SlotState::Reading | SlotState::Abandoned)),
                ahead => ahead > 0,
            };
            if !claimed {
                break;
            }
            position = position.wrapping_add(1);
        }
        Ok(position)
    }
}
