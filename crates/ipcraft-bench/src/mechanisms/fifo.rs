//! Two FIFOs, one each way, unlinked as soon as they are open.

use std::io;
use std::path::Path;

use ipcraft::fifo::{Fifo, Reader, Writer};

use crate::baseline::pipes::{self, Files};
use crate::link::{Endpoints, Halves};
use crate::mechanism::{Implementation, Mechanism};

/// Two FIFOs.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "fifo",
    summary: "two named pipes (FIFOs), one each way",
    family: "pipe",
    pollable: true,
    gives_up: "leaves a file to remove",
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Baseline, baseline)],
    ..Mechanism::BLOCKING
};

fn ipcraft(scratch: &Path) -> io::Result<Endpoints> {
    let there = open_both(&scratch.join("there"))?;
    let back = open_both(&scratch.join("back"))?;
    let client = Halves { reader: back.0, writer: there.1 };
    let server = Halves { reader: there.0, writer: back.1 };
    Ok(Endpoints::new(client, server))
}

/// Opens the reader without waiting for a writer, since this process opens both.
fn open_both(path: &Path) -> io::Result<(Reader, Writer)> {
    let fifo = Fifo::create_new(path)?;
    let ends = (fifo.try_open_read()?, fifo.open_write()?);
    fifo.remove()?;
    Ok(ends)
}

fn baseline(scratch: &Path) -> io::Result<Endpoints> {
    let there = pipes::fifo(&scratch.join("there"))?;
    let back = pipes::fifo(&scratch.join("back"))?;
    Ok(Endpoints::new(Files::new(back.0, there.1), Files::new(there.0, back.1)))
}
