//! A sequenced-packet connection to a listener at a path.

use std::io;
use std::path::Path;

use ipcraft::socket::seqpacket;

use super::records;
use crate::link::Ends;
use crate::raw::{seqpacket::Seqpacket, socket};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "unix_seqpacket",
    summary: "Unix sequenced-packet sockets, connected at a path",
    sizes: super::unix_record_sizes,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn ipcraft(scratch: &Path) -> io::Result<Ends> {
    let path = scratch.join("listener");
    let listener = seqpacket::Listener::bind(&path)?;
    let client = seqpacket::Connection::connect(&path)?;
    let server = listener.accept()?;
    std::fs::remove_file(path)?;
    Ok(Ends::new(records::Seqpacket(client), records::Seqpacket(server)))
}

fn raw(scratch: &Path) -> io::Result<Ends> {
    let (client, server) = socket::connected_at(&scratch.join("listener"), libc::SOCK_SEQPACKET)?;
    Ok(Ends::new(Seqpacket::new(client)?, Seqpacket::new(server)?))
}
