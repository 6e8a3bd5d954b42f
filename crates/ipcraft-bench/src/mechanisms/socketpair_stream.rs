//! An unnamed pair of stream sockets.

use std::io;
use std::path::Path;

use ipcraft::socket::stream;

use crate::link::{Duplex, Ends};
use crate::raw::{socket, stream::Stream};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "socketpair_stream",
    summary: "unnamed pair of Unix stream sockets",
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let (client, server) = stream::pair()?;
    Ok(Ends::new(Duplex(client), Duplex(server)))
}

fn raw(_scratch: &Path) -> io::Result<Ends> {
    let (client, server) = socket::pair(libc::SOCK_STREAM)?;
    Ok(Ends::new(Stream(client), Stream(server)))
}
