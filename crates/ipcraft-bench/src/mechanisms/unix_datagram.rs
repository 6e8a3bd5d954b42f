//! Two datagram sockets, each bound to a path of its own and connected to the other.

use std::io;
use std::path::Path;

use ipcraft::socket::datagram;

use super::records;
use crate::link::Ends;
use crate::raw::{address::Address, datagram::Datagram, socket};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "unix_datagram",
    summary: "Unix datagram sockets, each bound to a path",
    sizes: super::unix_record_sizes,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn ipcraft(scratch: &Path) -> io::Result<Ends> {
    let paths = [scratch.join("client"), scratch.join("server")];
    let client = datagram::Socket::bind(&paths[0])?;
    let server = datagram::Socket::bind(&paths[1])?;
    client.connect(&paths[1])?;
    server.connect(&paths[0])?;
    paths.iter().try_for_each(std::fs::remove_file)?;
    Ok(Ends::new(records::Datagram(client), records::Datagram(server)))
}

fn raw(scratch: &Path) -> io::Result<Ends> {
    let paths = [scratch.join("client"), scratch.join("server")];
    let addresses = [&Address::path(&paths[0])?, &Address::path(&paths[1])?];
    let (client, server) = socket::crossed(libc::AF_UNIX, addresses)?;
    paths.iter().try_for_each(std::fs::remove_file)?;
    Ok(Ends::new(Datagram(client), Datagram(server)))
}
