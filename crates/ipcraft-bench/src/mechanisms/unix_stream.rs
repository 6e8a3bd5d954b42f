//! A stream connection to a listener at a path.

use std::io;
use std::path::Path;

use crate::link::Ends;
use crate::raw::{socket, stream::Stream};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "unix_stream",
    summary: "Unix stream sockets, connected at a path",
    implementations: &[(Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn raw(scratch: &Path) -> io::Result<Ends> {
    let (client, server) = socket::connected_at(&scratch.join("listener"), libc::SOCK_STREAM)?;
    Ok(Ends::new(Stream(client), Stream(server)))
}
