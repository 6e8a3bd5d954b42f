//! Two pipes, one each way.

use std::io;
use std::path::Path;

use crate::link::Ends;
use crate::raw::file::{Files, pipe};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "pipe",
    summary: "two anonymous pipes, one each way",
    implementations: &[(Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn raw(_scratch: &Path) -> io::Result<Ends> {
    let (there, back) = (pipe()?, pipe()?);
    Ok(Ends::new(Files::new(back.0, there.1), Files::new(there.0, back.1)))
}
