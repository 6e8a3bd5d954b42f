//! Owned messages.

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

/// Iterator over the messages in a queue, from [`Queue::drain`]. It ends when the queue is empty.
#[derive(Debug)]
pub struct Drain<'queue> {
    pub(super) queue: &'queue Queue,
}

impl Iterator for Drain<'_> {
    type Item = Result<Message>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.queue.try_recv_message() {
            Err(e) if e.kind() == ErrorKind::Empty => None,
            other => Some(other),
        }
    }
}
