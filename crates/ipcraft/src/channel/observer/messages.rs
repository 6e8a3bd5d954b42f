//! Copies of the messages in a channel.

use super::facts::{Slots, receiver_position, sender_position};
use super::{ChannelKind, Observer};
use crate::channel::broadcast::Overflow;
use crate::channel::ring::mpmc::word::{Generations, SlotState, SlotWord};
use crate::channel::ring::record::{self, Parsed};
use crate::channel::ring::seqlock;
use crate::error::{Error, ErrorKind, Result};

/// Slots that one call examines beyond those of one ring: a bound while senders are active.
const EXTRA_STEPS: u64 = 64;

/// A copy of a message that was in the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObservedMessage {
    /// 0, or 1 for a reply.
    pub direction: usize,
    /// Its position since the creation of the channel: in messages, or in bytes.
    pub position: u64,
    /// The bytes in shared memory, without the header of a reply or a record.
    pub bytes: Vec<u8>,
}

/// What an examined position holds.
enum Found {
    Message(Vec<u8>),
    /// No message of this position: it was taken, overwritten or skipped.
    Gone,
    /// Not sent yet.
    End,
}

impl Observer {
    /// Returns copies of up to `most` messages of each direction, the oldest first. The messages
    /// stay.
    ///
    /// It copies messages that were not received yet. Of a broadcast, it copies the newest messages
    /// in the ring, and of a `latest` channel the newest value.
    ///
    /// Each copy is whole: one that may have been overwritten meanwhile is left out. While senders
    /// are fast, all may be.
    ///
    /// # Errors
    ///
    /// Fails with [`Corrupted`](ErrorKind::Corrupted) if the shared state is invalid, or the owner
    /// has shrunk the object.
    pub fn messages(&self, most: usize) -> Result<Vec<ObservedMessage>> {
        let mut messages = Vec::new();
        for direction in 0..self.facts.rings.len() {
            let found = match self.facts.kind {
                ChannelKind::Bytes => self.records(most),
                _ => self.slots(direction, most),
            };
            messages.extend(found.map_err(|e| self.named(e))?);
        }
        Ok(messages)
    }

    fn slots(&self, direction: usize, most: usize) -> Result<Vec<ObservedMessage>> {
        let slots = self.facts.rings[direction];
        let tail = self.memory.word(sender_position(direction))?;
        let sent = tail.wrapping_sub(self.facts.initial_position);
        let mut position = match self.facts.kind {
            ChannelKind::Latest => tail.wrapping_sub(sent.min(1).min(most as u64)),
            ChannelKind::Broadcast => tail.wrapping_sub(sent.min(slots.count).min(most as u64)),
            _ => self.memory.word(receiver_position(direction))?,
        };
        let mut found = Vec::new();
        for _ in 0..slots.count.saturating_add(EXTRA_STEPS) {
            if found.len() >= most {
                break;
            }
            match self.examine(direction, slots, position, tail)? {
                Found::Message(bytes) => found.push(ObservedMessage {
                    direction,
                    position: position.wrapping_sub(self.facts.initial_position),
                    bytes,
                }),
                Found::Gone => {}
                Found::End => break,
            }
            position = position.wrapping_add(1);
        }
        Ok(found)
    }

    fn examine(&self, direction: usize, slots: Slots, position: u64, tail: u64) -> Result<Found> {
        match self.facts.kind {
            ChannelKind::Mpmc => self.examine_claimed(slots, position),
            ChannelKind::Broadcast | ChannelKind::Latest => {
                if position == tail {
                    return Ok(Found::End);
                }
                self.examine_sequenced(slots, position)
            }
            // The receiver may have passed the sender's position of a moment ago.
            _ if tail.wrapping_sub(position) as i64 <= 0 => Ok(Found::End),
            _ => self.examine_dense(direction, slots, position, tail),
        }
    }

    /// A message of a ring whose positions define which slots are full.
    fn examine_dense(&self, direction: usize, slots: Slots, position: u64, tail: u64) -> Result<Found> {
        if tail.wrapping_sub(position) > slots.count {
            return Err(corrupted());
        }
        let mut bytes = self.copy(slots, position)?;
        // A sender overwrites a slot only after the receiver's position has passed it.
        let head = self.memory.word(receiver_position(direction))?;
        if head.wrapping_sub(position) as i64 > 0 {
            return Ok(Found::Gone);
        }
        if direction == 1 {
            // A reply begins with its tag. A rejected request has a frame without a reply.
            let tag = bytes.first_chunk().map_or(0, |tag| u64::from_ne_bytes(*tag));
            if tag & 1 == 1 {
                return Ok(Found::Gone);
            }
            bytes.drain(..size_of::<u64>().min(bytes.len()));
        }
        Ok(Found::Message(bytes))
    }

    /// A message of a ring with a sequence lock per slot.
    fn examine_sequenced(&self, slots: Slots, position: u64) -> Result<Found> {
        let is_there =
            || Ok::<_, Error>(self.memory.word(slots.slot(position))? == seqlock::written(position));
        if !is_there()? {
            return Ok(Found::Gone);
        }
        let bytes = self.copy(slots, position)?;
        // A publisher that waits for subscribers does not mark the slot that it overwrites, which
        // is that of its next position.
        let is_overwritten = self.overflow() == Some(Overflow::Block)
            && self.memory.word(sender_position(0))?.wrapping_sub(position) >= slots.count;
        Ok(if is_there()? && !is_overwritten { Found::Message(bytes) } else { Found::Gone })
    }

    /// A message of a work queue, in which each slot states its content.
    fn examine_claimed(&self, slots: Slots, position: u64) -> Result<Found> {
        let before = SlotWord(self.memory.word(slots.slot(position))?);
        let state = before.state().ok_or_else(corrupted)?;
        match Generations::new(slots.count).ahead(before, position) {
            0 if matches!(state, SlotState::Full | SlotState::Abandoned) => {}
            0 if state == SlotState::Free => return Ok(Found::End),
            0 => return Ok(Found::Gone),
            ahead if ahead > 0 => return Ok(Found::Gone),
            _ => return Ok(Found::End),
        }
        let bytes = self.copy(slots, position)?;
        let after = SlotWord(self.memory.word(slots.slot(position))?);
        Ok(if after == before { Found::Message(bytes) } else { Found::Gone })
    }

    fn copy(&self, slots: Slots, position: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; slots.size];
        self.memory.read(slots.slot(position) + slots.message, &mut bytes)?;
        Ok(bytes)
    }

    fn records(&self, most: usize) -> Result<Vec<ObservedMessage>> {
        let words = self.facts.rings[0];
        let tail = self.memory.word(sender_position(0))?;
        let mut position = self.memory.word(receiver_position(0))?;
        let mut found = Vec::new();
        while found.len() < most && tail.wrapping_sub(position) as i64 > 0 {
            let header = self.memory.word(words.slot(position))?;
            let parsed = record::parse(header, position, tail, words.count);
            // What the receiver has passed may be overwritten.
            let head = self.memory.word(receiver_position(0))?;
            if head.wrapping_sub(position) as i64 > 0 {
                position = head;
                continue;
            }
            let record = match parsed.map_err(|_| corrupted())? {
                Parsed::Padding(until) => {
                    position = until;
                    continue;
                }
                Parsed::Record(record) => record,
            };
            let mut bytes = vec![0; record.length];
            self.memory.read(words.slot(record.start), &mut bytes)?;
            let head = self.memory.word(receiver_position(0))?;
            if head.wrapping_sub(position) as i64 <= 0 {
                let at = position.wrapping_sub(self.facts.initial_position).wrapping_mul(record::WORD as u64);
                found.push(ObservedMessage { direction: 0, position: at, bytes });
            }
            position = record.end;
        }
        Ok(found)
    }
}

fn corrupted() -> Error {
    Error::new("observe channel", ErrorKind::Corrupted)
        .with_hint("its shared state is invalid; remove and recreate it")
}
