//! Two FIFOs, one each way, unlinked as soon as they are open.

use std::io;
use std::path::Path;

use crate::link::Ends;
use crate::raw::file::{Files, fifo};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "fifo",
    summary: "two named pipes (FIFOs), one each way",
    implementations: &[(Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn raw(scratch: &Path) -> io::Result<Ends> {
    let there = fifo(&scratch.join("there"))?;
    let back = fifo(&scratch.join("back"))?;
    Ok(Ends::new(Files::new(back.0, there.1), Files::new(there.0, back.1)))
}
