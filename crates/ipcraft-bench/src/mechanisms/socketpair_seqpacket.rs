//! An unnamed pair of sequenced-packet sockets.

use std::io;
use std::path::Path;

use ipcraft::socket::seqpacket;

use super::records;
use crate::link::Ends;
use crate::raw::{seqpacket::Seqpacket, socket};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "socketpair_seqpacket",
    summary: "unnamed pair of Unix sequenced-packet sockets",
    sizes: super::unix_record_sizes,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let (client, server) = seqpacket::pair()?;
    Ok(Ends::new(records::Seqpacket(client), records::Seqpacket(server)))
}

fn raw(_scratch: &Path) -> io::Result<Ends> {
    let (client, server) = socket::pair(libc::SOCK_SEQPACKET)?;
    Ok(Ends::new(Seqpacket::new(client)?, Seqpacket::new(server)?))
}
