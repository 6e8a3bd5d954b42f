//! An unnamed pair of stream sockets.

use std::io;
use std::path::Path;

use crate::link::Ends;
use crate::raw::{socket, stream::Stream};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "socketpair_stream",
    summary: "unnamed pair of Unix stream sockets",
    implementations: &[(Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn raw(_scratch: &Path) -> io::Result<Ends> {
    let (client, server) = socket::pair(libc::SOCK_STREAM)?;
    Ok(Ends::new(Stream(client), Stream(server)))
}
