//! A stream connection to a listener at a path.

use std::io;
use std::path::Path;

use ipcraft::socket::stream;

use crate::link::{Duplex, Ends};
use crate::raw::{socket, stream::Stream};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "unix_stream",
    summary: "Unix stream sockets, connected at a path",
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn ipcraft(scratch: &Path) -> io::Result<Ends> {
    let path = scratch.join("listener");
    let listener = stream::Listener::bind(&path)?;
    let client = stream::Stream::connect(&path)?;
    let server = listener.accept()?;
    std::fs::remove_file(path)?;
    Ok(Ends::new(Duplex(client), Duplex(server)))
}

fn raw(scratch: &Path) -> io::Result<Ends> {
    let (client, server) = socket::connected_at(&scratch.join("listener"), libc::SOCK_STREAM)?;
    Ok(Ends::new(Stream(client), Stream(server)))
}
