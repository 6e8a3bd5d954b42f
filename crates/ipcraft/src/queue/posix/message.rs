//! Owned messages.

use std::iter::FusedIterator;
use std::mem;

use super::Queue;
use crate::error::{ErrorKind, Result};

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The contents.
    pub bytes: Vec<u8>,
    /// The priority that the sender chose.
    pub priority: u32,
}

/// Iterator over the messages in a queue, from [`Queue::drain`]. It ends after as many messages as
/// the queue had, or when the queue is empty.
#[derive(Debug)]
pub struct Drain<'queue> {
    pub(super) queue: &'queue Queue,
    /// How many messages may follow; the error if the kernel did not report their number.
    pub(super) left: Result<usize>,
}

impl Iterator for Drain<'_> {
    type Item = Result<Message>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = match mem::replace(&mut self.left, Ok(0)) {
            Ok(left) => left.checked_sub(1)?,
            Err(unknown) => return Some(Err(unknown)),
        };
        match self.queue.try_recv_message() {
            Err(e) if e.kind() == ErrorKind::Empty => None,
            other => {
                self.left = Ok(left);
                Some(other)
            }
        }
    }
}

impl FusedIterator for Drain<'_> {}
