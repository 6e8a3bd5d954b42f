//! Two FIFOs, one each way, unlinked as soon as they are open.

use std::io;
use std::path::Path;

use ipcraft::fifo::{Fifo, Reader, Writer};

use crate::link::{Ends, Halves};
use crate::raw::file::{self, Files};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "fifo",
    summary: "two named pipes (FIFOs), one each way",
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn ipcraft(scratch: &Path) -> io::Result<Ends> {
    let there = open_both(&scratch.join("there"))?;
    let back = open_both(&scratch.join("back"))?;
    let client = Halves { reader: back.0, writer: there.1 };
    let server = Halves { reader: there.0, writer: back.1 };
    Ok(Ends::new(client, server))
}

/// The reader does not wait for a writer, since both are this process.
fn open_both(path: &Path) -> io::Result<(Reader, Writer)> {
    let fifo = Fifo::create_new(path)?;
    let ends = (fifo.try_open_read()?, fifo.open_write()?);
    fifo.remove()?;
    Ok(ends)
}

fn raw(scratch: &Path) -> io::Result<Ends> {
    let there = file::fifo(&scratch.join("there"))?;
    let back = file::fifo(&scratch.join("back"))?;
    Ok(Ends::new(Files::new(back.0, there.1), Files::new(there.0, back.1)))
}
