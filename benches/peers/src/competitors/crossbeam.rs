//! crossbeam-channel: `bounded`, between two threads of one process. It is no IPC, but a limit for
//! a work queue. `send` and `recv`, as its documentation shows; both spin briefly, then block.

use crossbeam_channel::{Receiver, Sender, bounded};

use super::SLOTS;
use crate::harness::Harness;
use crate::message::{Result, Words, failure};
use crate::work::{OneByOne, Put, Take};

/// Round trips over two queues.
pub(crate) fn round_trips<const N: usize>(harness: &mut Harness) -> Result<()> {
    let (there, at_server) = bounded::<Words<N>>(SLOTS);
    let (back, at_client) = bounded::<Words<N>>(SLOTS);
    harness
        .threads(|client| client.round_trips(there, at_client), |server| server.round_trips(back, at_server))
}

/// A stream, message by message.
pub(crate) fn stream<const N: usize>(harness: &mut Harness) -> Result<()> {
    let (sender, receiver) = bounded::<Words<N>>(SLOTS);
    harness.threads(|client| client.send(OneByOne(sender)), |server| server.recv(OneByOne(receiver)))
}

impl<const N: usize> Put<N> for Sender<Words<N>> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        self.send(*message).map_err(failure)
    }
}

impl<const N: usize> Take<N> for Receiver<Words<N>> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        self.recv().map_err(failure)
    }
}
