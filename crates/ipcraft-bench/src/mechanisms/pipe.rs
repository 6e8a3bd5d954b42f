//! Two anonymous pipes, one each way.

use std::io;
use std::path::Path;

use ipcraft::pipe;

use crate::baseline::pipes::{self, Files};
use crate::link::{Duplex, Endpoints};
use crate::mechanism::{Implementation, Mechanism};

/// Two anonymous pipes.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "pipe",
    summary: "two anonymous pipes, one each way",
    family: "pipe",
    pollable: true,
    gives_up: "processes need a common ancestor",
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Baseline, baseline)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Endpoints> {
    let (client, server) = pipe::duplex()?;
    Ok(Endpoints::new(Duplex(client), Duplex(server)))
}

fn baseline(_scratch: &Path) -> io::Result<Endpoints> {
    let (there, back) = (pipes::pipe()?, pipes::pipe()?);
    Ok(Endpoints::new(Files::new(back.0, there.1), Files::new(there.0, back.1)))
}
