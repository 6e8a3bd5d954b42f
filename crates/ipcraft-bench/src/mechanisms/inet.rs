//! TCP and UDP over the loopback interface.
//!
//! The library has neither, since programs should use those of the standard library. The library's
//! implementations here are therefore the standard library's, used as in the `tcp` example.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;

use crate::baseline::sockets::{self, Address};
use crate::link::{Duplex, Endpoints, Link, exact_length};
use crate::mechanism::{Implementation, Mechanism, Promise};

/// A TCP connection that does not delay small messages. Acknowledgements limit a stream: otherwise
/// a slice fits into the buffers, which the kernel grows per connection.
pub(crate) static TCP: Mechanism = Mechanism {
    id: "tcp",
    summary: "TCP over loopback, TCP_NODELAY",
    family: "inet",
    pollable: true,
    in_flight: Some(MAX_TCP_IN_FLIGHT),
    implementations: &[(Implementation::Ipcraft, tcp), (Implementation::Baseline, tcp_baseline)],
    ..Mechanism::BLOCKING
};

/// Two UDP sockets, connected to each other. UDP drops what does not fit into the receive buffer,
/// so acknowledgements limit a stream; a lost message is an error.
pub(crate) static UDP: Mechanism = Mechanism {
    id: "udp",
    summary: "UDP over loopback, limited by acknowledgements",
    family: "inet",
    pollable: true,
    gives_up: "messages may be lost",
    sizes: || 1..=MAX_UDP_PAYLOAD,
    in_flight: Some(MAX_UDP_IN_FLIGHT),
    promise: Promise::BestEffort,
    implementations: &[(Implementation::Ipcraft, udp), (Implementation::Baseline, udp_baseline)],
    ..Mechanism::BLOCKING
};

/// The kernel grows the buffers of a connection to many times this number of bytes.
const MAX_TCP_IN_FLIGHT: usize = 1 << 20;

/// The bytes of the largest payload of an IPv4 datagram.
const MAX_UDP_PAYLOAD: usize = 65_507;

/// Much less than the bytes of a receive buffer of the default size.
const MAX_UDP_IN_FLIGHT: usize = 96 << 10;

fn tcp(_scratch: &Path) -> io::Result<Endpoints> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    Ok(Endpoints::new(Duplex(client), Duplex(server)))
}

fn tcp_baseline(_scratch: &Path) -> io::Result<Endpoints> {
    let (client, server) = sockets::connected_over_loopback()?;
    sockets::enable(&client, libc::IPPROTO_TCP, libc::TCP_NODELAY)?;
    sockets::enable(&server, libc::IPPROTO_TCP, libc::TCP_NODELAY)?;
    Ok(Endpoints::new(sockets::Stream(client), sockets::Stream(server)))
}

fn udp(_scratch: &Path) -> io::Result<Endpoints> {
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    client.connect(server.local_addr()?)?;
    server.connect(client.local_addr()?)?;
    Ok(Endpoints::new(Udp(client), Udp(server)))
}

struct Udp(UdpSocket);

impl Link for Udp {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let sent = retry(|| self.0.send(message))?;
        exact_length(sent, message.len())
    }

    /// The standard library does not report the true length of a truncated datagram; the baseline
    /// does.
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let received = retry(|| self.0.recv(buffer))?;
        exact_length(received, buffer.len())
    }
}

/// Repeats an interrupted transfer, which the standard library leaves to the caller.
fn retry(mut transfer: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match transfer() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn udp_baseline(_scratch: &Path) -> io::Result<Endpoints> {
    let loopback = Address::loopback();
    let (client, server) = sockets::crossed(libc::AF_INET, [&loopback, &loopback])?;
    Ok(Endpoints::new(sockets::Datagram(client), sockets::Datagram(server)))
}
