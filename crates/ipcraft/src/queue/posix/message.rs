//! Messages with memory of their own.

use super::Queue;
use crate::error::{ErrorKind, Result};

/// A message that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What was sent.
    pub bytes: Vec<u8>,
    /// The priority that it was sent with.
    pub priority: u32,
}

/// The messages in a queue, from [`Queue::drain`]: ends when it finds the queue empty.
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
