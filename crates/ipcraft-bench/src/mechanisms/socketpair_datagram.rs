//! An unnamed pair of datagram sockets.

use std::io;
use std::path::Path;

use ipcraft::socket::datagram;

use super::records;
use crate::link::Ends;
use crate::raw::{datagram::Datagram, socket};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "socketpair_datagram",
    summary: "unnamed pair of Unix datagram sockets",
    sizes: super::unix_record_sizes,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let (client, server) = datagram::pair()?;
    Ok(Ends::new(records::Datagram(client), records::Datagram(server)))
}

fn raw(_scratch: &Path) -> io::Result<Ends> {
    let (client, server) = socket::pair(libc::SOCK_DGRAM)?;
    Ok(Ends::new(Datagram(client), Datagram(server)))
}
