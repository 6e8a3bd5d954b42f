//! Unix sockets of each type, as unnamed pairs and connected at a path.

use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use ipcraft::socket::{datagram, seqpacket, stream};

use crate::baseline::sockets::{self, Address};
use crate::link::{Duplex, Endpoints, Link, exact_length};
use crate::mechanism::{Implementation, Mechanism};

/// An unnamed pair of stream sockets.
pub(crate) static PAIR_STREAM: Mechanism = Mechanism {
    id: "socketpair_stream",
    summary: "unnamed pair of Unix stream sockets",
    family: "socket",
    pollable: true,
    gives_up: "processes need a common ancestor",
    implementations: &[
        (Implementation::Ipcraft, |_| {
            let (client, server) = stream::pair()?;
            Ok(Endpoints::new(Duplex(client), Duplex(server)))
        }),
        (Implementation::Baseline, |_| {
            let (client, server) = sockets::pair(libc::SOCK_STREAM)?;
            Ok(Endpoints::new(sockets::Stream(client), sockets::Stream(server)))
        }),
    ],
    ..Mechanism::BLOCKING
};

/// An unnamed pair of datagram sockets.
pub(crate) static PAIR_DATAGRAM: Mechanism = Mechanism {
    id: "socketpair_datagram",
    summary: "unnamed pair of Unix datagram sockets",
    family: "socket",
    pollable: true,
    gives_up: "processes need a common ancestor",
    sizes: record_sizes,
    implementations: &[
        (Implementation::Ipcraft, |_| {
            let (client, server) = datagram::pair()?;
            Ok(Endpoints::new(Datagram(client), Datagram(server)))
        }),
        (Implementation::Baseline, |_| {
            let (client, server) = sockets::pair(libc::SOCK_DGRAM)?;
            Ok(Endpoints::new(sockets::Datagram(client), sockets::Datagram(server)))
        }),
    ],
    ..Mechanism::BLOCKING
};

/// An unnamed pair of sequenced-packet sockets.
pub(crate) static PAIR_SEQPACKET: Mechanism = Mechanism {
    id: "socketpair_seqpacket",
    summary: "unnamed pair of Unix sequenced-packet sockets",
    family: "socket",
    pollable: true,
    gives_up: "processes need a common ancestor",
    sizes: record_sizes,
    implementations: &[
        (Implementation::Ipcraft, |_| {
            let (client, server) = seqpacket::pair()?;
            Ok(Endpoints::new(Seqpacket(client), Seqpacket(server)))
        }),
        (Implementation::Baseline, |_| {
            let (client, server) = sockets::pair(libc::SOCK_SEQPACKET)?;
            Ok(Endpoints::new(sockets::Seqpacket::new(client)?, sockets::Seqpacket::new(server)?))
        }),
    ],
    ..Mechanism::BLOCKING
};

/// A stream connection to a listener at a path.
pub(crate) static STREAM: Mechanism = Mechanism {
    id: "unix_stream",
    summary: "Unix stream sockets, connected at a path",
    family: "socket",
    pollable: true,
    gives_up: "leaves a file to remove",
    implementations: &[
        (Implementation::Ipcraft, |scratch| {
            let path = scratch.join("listener");
            let listener = stream::Listener::bind(&path)?;
            let client = stream::Stream::connect(&path)?;
            let server = listener.accept()?;
            std::fs::remove_file(path)?;
            Ok(Endpoints::new(Duplex(client), Duplex(server)))
        }),
        (Implementation::Baseline, |scratch| {
            let (client, server) = sockets::connected_at(&scratch.join("listener"), libc::SOCK_STREAM)?;
            Ok(Endpoints::new(sockets::Stream(client), sockets::Stream(server)))
        }),
    ],
    ..Mechanism::BLOCKING
};

/// Two datagram sockets, each bound to its own path and connected to the other.
pub(crate) static DATAGRAM: Mechanism = Mechanism {
    id: "unix_datagram",
    summary: "Unix datagram sockets, each bound to a path",
    family: "socket",
    pollable: true,
    gives_up: "leaves a file to remove; a dead peer is noticed only by sending",
    sizes: record_sizes,
    implementations: &[
        (Implementation::Ipcraft, |scratch| {
            let paths = datagram_paths(scratch);
            let client = datagram::Socket::bind(&paths[0])?;
            let server = datagram::Socket::bind(&paths[1])?;
            client.connect(&paths[1])?;
            server.connect(&paths[0])?;
            paths.iter().try_for_each(std::fs::remove_file)?;
            Ok(Endpoints::new(Datagram(client), Datagram(server)))
        }),
        (Implementation::Baseline, |scratch| {
            let paths = datagram_paths(scratch);
            let addresses = [&Address::path(&paths[0])?, &Address::path(&paths[1])?];
            let (client, server) = sockets::crossed(libc::AF_UNIX, addresses)?;
            paths.iter().try_for_each(std::fs::remove_file)?;
            Ok(Endpoints::new(sockets::Datagram(client), sockets::Datagram(server)))
        }),
    ],
    ..Mechanism::BLOCKING
};

/// A sequenced-packet connection to a listener at a path.
pub(crate) static SEQPACKET: Mechanism = Mechanism {
    id: "unix_seqpacket",
    summary: "Unix sequenced-packet sockets, connected at a path",
    family: "socket",
    pollable: true,
    gives_up: "leaves a file to remove",
    sizes: record_sizes,
    implementations: &[
        (Implementation::Ipcraft, |scratch| {
            let path = scratch.join("listener");
            let listener = seqpacket::Listener::bind(&path)?;
            let client = seqpacket::Connection::connect(&path)?;
            let server = listener.accept()?;
            std::fs::remove_file(path)?;
            Ok(Endpoints::new(Seqpacket(client), Seqpacket(server)))
        }),
        (Implementation::Baseline, |scratch| {
            let (client, server) = sockets::connected_at(&scratch.join("listener"), libc::SOCK_SEQPACKET)?;
            Ok(Endpoints::new(sockets::Seqpacket::new(client)?, sockets::Seqpacket::new(server)?))
        }),
    ],
    ..Mechanism::BLOCKING
};

fn datagram_paths(scratch: &Path) -> [std::path::PathBuf; 2] {
    [scratch.join("client"), scratch.join("server")]
}

/// A Unix record has to fit into the sender's buffer, less what the kernel uses of it.
fn record_sizes() -> RangeInclusive<usize> {
    const KERNEL_OVERHEAD_BYTES: usize = 32;
    let buffer = sockets::pair(libc::SOCK_DGRAM).and_then(|(one, _)| sockets::send_buffer(&one));
    1..=buffer.map_or(4096, |bytes| bytes.saturating_sub(KERNEL_OVERHEAD_BYTES))
}

/// A connected datagram socket.
struct Datagram(datagram::Socket);

impl Link for Datagram {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Ok(self.0.send(message)?)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        exact_length(self.0.recv(buffer)?, buffer.len())
    }
}

/// A connected sequenced-packet socket.
struct Seqpacket(seqpacket::Connection);

impl Link for Seqpacket {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Ok(self.0.send(message)?)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let received = self.0.recv(buffer)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        exact_length(received, buffer.len())
    }
}
