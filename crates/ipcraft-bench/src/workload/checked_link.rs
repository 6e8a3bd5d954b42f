//! Numbered, checked messages over a link, from which all workloads are built.

use std::io;

use super::payload::Payload;
use crate::link::Link;
use crate::link::Role;

/// The messages at the start of a slice that are checked in every byte.
const MAX_FULL_CHECKS: u64 = 4;

/// One side of a slice: its link, the next message to send and the next one expected.
pub(super) struct CheckedLink<'a> {
    link: &'a mut dyn Link,
    outgoing: Payload,
    incoming: Payload,
    sent: u64,
    received: u64,
    buffer: Vec<u8>,
}

impl<'a> CheckedLink<'a> {
    pub(super) fn new(link: &'a mut dyn Link, role: Role, size: usize) -> CheckedLink<'a> {
        CheckedLink {
            link,
            outgoing: Payload::new(size, role.salt()),
            incoming: Payload::new(size, role.other().salt()),
            sent: 0,
            received: 0,
            buffer: vec![0; size],
        }
    }

    /// Sends the next message.
    #[inline]
    pub(super) fn send(&mut self) -> io::Result<()> {
        self.link.send(self.outgoing.message(self.sent))?;
        self.sent += 1;
        Ok(())
    }

    /// Receives the next message and checks that it is the one expected.
    #[inline]
    pub(super) fn recv(&mut self) -> io::Result<()> {
        if self.received < MAX_FULL_CHECKS {
            return self.recv_and_check_all();
        }
        self.link.recv(&mut self.buffer)?;
        self.incoming.check_ends(&self.buffer, self.received)?;
        self.received += 1;
        Ok(())
    }

    /// Clears the buffer first, so that bytes of the previous message cannot replace missing ones.
    #[cold]
    fn recv_and_check_all(&mut self) -> io::Result<()> {
        self.buffer.fill(0);
        self.link.recv(&mut self.buffer)?;
        self.incoming.check_all(&self.buffer, self.received)?;
        self.received += 1;
        Ok(())
    }

    /// Sends an acknowledgement.
    pub(super) fn acknowledge(&mut self) -> io::Result<()> {
        self.link.send(&[ACKNOWLEDGEMENT])
    }

    /// Waits for an acknowledgement.
    pub(super) fn await_acknowledgement(&mut self) -> io::Result<()> {
        let mut byte = [0];
        self.link.recv(&mut byte)?;
        if byte == [ACKNOWLEDGEMENT] {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "an acknowledgement is corrupt"))
    }
}

/// The byte of an acknowledgement.
const ACKNOWLEDGEMENT: u8 = 0x06;
