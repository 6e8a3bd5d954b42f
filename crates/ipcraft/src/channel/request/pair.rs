//! One who sends in one direction and receives in the other.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::seating;
use crate::channel::WaitStrategy;
use crate::channel::end::{End, Role};
use crate::channel::region::Region;
use crate::channel::seat::Seat;
use crate::error::{ErrorKind, Result};

/// Two ends in one seat.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) outgoing: End,
    pub(super) incoming: End,
    /// Whether the channel has a name.
    is_named: bool,
}

impl Pair {
    /// Takes the ends that send to one flow and receive from the other.
    pub(super) fn new(region: &Arc<Region>, seat: Seat, outgoing: usize, incoming: usize) -> Result<Pair> {
        let seat = Arc::new(seat);
        let end = |flow, role| End::new(region.clone(), flow, seat.clone(), role, &seating(flow));
        let is_named = region.name().is_some();
        Ok(Pair {
            outgoing: end(outgoing, Role::Sender)?,
            incoming: end(incoming, Role::Receiver)?,
            is_named,
        })
    }

    pub(super) fn set_wait_strategy(&mut self, waiting: WaitStrategy) {
        self.outgoing.set_wait_strategy(waiting);
        self.incoming.set_wait_strategy(waiting);
    }

    /// The descriptor that is both ends, for another process to go on.
    pub(super) fn into_fd(mut self) -> Result<OwnedFd> {
        if self.is_named {
            let error = self.outgoing.error(ErrorKind::Invalid);
            return Err(error.with_hint("open the channel by its name there"));
        }
        drop(self.incoming.vacate());
        let seat = self.outgoing.vacate().and_then(Seat::into_sole).map(Seat::into_fd);
        seat.ok_or_else(|| self.outgoing.error(ErrorKind::InUse))
    }
}

impl Drop for Pair {
    /// Leaves the seat before either end tells anybody, or the first to be told would find it taken.
    fn drop(&mut self) {
        drop((self.outgoing.vacate(), self.incoming.vacate()));
    }
}
