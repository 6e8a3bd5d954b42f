//! Two pipes, one each way.

use std::io;
use std::path::Path;

use ipcraft::pipe;

use crate::link::{Duplex, Ends};
use crate::raw::file::{self, Files};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "pipe",
    summary: "two anonymous pipes, one each way",
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let (client, server) = pipe::duplex()?;
    Ok(Ends::new(Duplex(client), Duplex(server)))
}

fn raw(_scratch: &Path) -> io::Result<Ends> {
    let (there, back) = (file::pipe()?, file::pipe()?);
    Ok(Ends::new(Files::new(back.0, there.1), Files::new(there.0, back.1)))
}
