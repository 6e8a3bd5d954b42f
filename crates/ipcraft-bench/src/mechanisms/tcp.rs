//! A TCP connection over the loopback interface, without delaying small messages.
//! A stream is held back by acknowledgements, or a slice of it would fit the buffers that the kernel grows for a connection.
//!
//! The library has no TCP, since std's is what a program should use: its implementation here is std's, used as the
//! library's `tcp` example does.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;

use crate::link::{Duplex, Ends};
use crate::raw::{socket, stream::Stream};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "tcp",
    summary: "TCP over loopback, TCP_NODELAY",
    in_flight: Some(IN_FLIGHT),
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

/// The kernel lets a connection's buffers grow to many times this.
const IN_FLIGHT: usize = 1 << 20;

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    Ok(Ends::new(Duplex(client), Duplex(server)))
}

fn raw(_scratch: &Path) -> io::Result<Ends> {
    let (client, server) = socket::connected_over_loopback()?;
    socket::enable(&client, libc::IPPROTO_TCP, libc::TCP_NODELAY)?;
    socket::enable(&server, libc::IPPROTO_TCP, libc::TCP_NODELAY)?;
    Ok(Ends::new(Stream(client), Stream(server)))
}
