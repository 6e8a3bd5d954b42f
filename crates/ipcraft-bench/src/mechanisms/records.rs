//! The library's record-keeping sockets as links, for paired and for named ones alike.

use std::io;

use ipcraft::socket::{datagram, seqpacket};

use crate::link::{Link, exact_length};

/// A connected datagram socket.
pub(super) struct Datagram(pub(super) datagram::Socket);

impl Link for Datagram {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Ok(self.0.send(message)?)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        exact_length(self.0.recv(buffer)?, buffer.len())
    }
}

/// A connected sequenced-packet socket.
pub(super) struct Seqpacket(pub(super) seqpacket::Connection);

impl Link for Seqpacket {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Ok(self.0.send(message)?)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let received = self.0.recv(buffer)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        exact_length(received, buffer.len())
    }
}
