//! A sequenced-packet connection to a listener at a path.

use std::io;
use std::path::Path;

use crate::link::Ends;
use crate::raw::{seqpacket::Seqpacket, socket};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "unix_seqpacket",
    summary: "Unix sequenced-packet sockets, connected at a path",
    sizes: super::unix_record_sizes,
    implementations: &[(Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn raw(scratch: &Path) -> io::Result<Ends> {
    let (client, server) = socket::connected_at(&scratch.join("listener"), libc::SOCK_SEQPACKET)?;
    Ok(Ends::new(Seqpacket::new(client)?, Seqpacket::new(server)?))
}
