//! Two UDP sockets on the loopback interface, connected to each other.
//!
//! UDP drops what finds no room, so a stream over it is held back by acknowledgements; a message lost all the same is an
//! error. The library has no UDP, since std's is what a program should use: its implementation here is std's.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;

use crate::link::{Ends, Link, exact_length};
use crate::raw::{address::Address, datagram::Datagram, socket};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "udp",
    summary: "UDP over loopback, held back by acknowledgements",
    sizes: || 1..=LARGEST,
    in_flight: Some(IN_FLIGHT),
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

/// The largest payload of an IPv4 datagram.
const LARGEST: usize = 65_507;

/// Well within a receive buffer of the default size.
const IN_FLIGHT: usize = 96 << 10;

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    client.connect(server.local_addr()?)?;
    server.connect(client.local_addr()?)?;
    Ok(Ends::new(Udp(client), Udp(server)))
}

struct Udp(UdpSocket);

impl Link for Udp {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let sent = retry(|| self.0.send(message))?;
        exact_length(sent, message.len())
    }

    /// std cannot tell the true length of a datagram that was cut; the raw twin can.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let received = retry(|| self.0.recv(buffer))?;
        exact_length(received, buffer.len())
    }
}

/// std leaves an interrupted transfer to the caller.
fn retry(mut transfer: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match transfer() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn raw(_scratch: &Path) -> io::Result<Ends> {
    let loopback = Address::loopback();
    let (client, server) = socket::crossed(libc::AF_INET, [&loopback, &loopback])?;
    Ok(Ends::new(Datagram(client), Datagram(server)))
}
