//! Numbered, checked messages over a link: what all workloads are made of.

use std::io;

use crate::link::Link;
use crate::payload::Payload;
use crate::peer::Role;

/// How many messages at the start of a slice are checked in every byte.
const CHECKED_IN_FULL: u64 = 4;

/// One side of a slice: its link, the message it sends next and the one it expects next.
pub(super) struct Exchange<'a> {
    link: &'a mut dyn Link,
    outgoing: Payload,
    incoming: Payload,
    sent: u64,
    received: u64,
    buffer: Vec<u8>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(link: &'a mut dyn Link, role: Role, size: usize) -> Exchange<'a> {
        Exchange {
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
    pub(super) fn receive(&mut self) -> io::Result<()> {
        if self.received < CHECKED_IN_FULL {
            return self.receive_thoroughly();
        }
        self.link.receive(&mut self.buffer)?;
        self.incoming.check_ends(&self.buffer, self.received)?;
        self.received += 1;
        Ok(())
    }

    /// The buffer is cleared first, so that what the previous message left there cannot stand in for bytes that never came.
    #[cold]
    fn receive_thoroughly(&mut self) -> io::Result<()> {
        self.buffer.fill(0);
        self.link.receive(&mut self.buffer)?;
        self.incoming.check_all(&self.buffer, self.received)?;
        self.received += 1;
        Ok(())
    }

    /// Sends a byte that says "go on".
    pub(super) fn acknowledge(&mut self) -> io::Result<()> {
        self.link.send(&[ACKNOWLEDGEMENT])
    }

    /// Waits for the byte that says "go on".
    pub(super) fn await_acknowledgement(&mut self) -> io::Result<()> {
        let mut byte = [0];
        self.link.receive(&mut byte)?;
        if byte == [ACKNOWLEDGEMENT] {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "an acknowledgement is corrupt"))
    }
}

const ACKNOWLEDGEMENT: u8 = 0x06;
