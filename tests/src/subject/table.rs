//! The table of mechanisms.

use std::path::Path;

use ipcraft::ErrorKind;
use ipcraft::fifo::Fifo;
use ipcraft::pipe;

use super::{Ends, Subject};

/// Every mechanism, and again backwards where the two directions are not made alike.
pub static SUBJECTS: &[Subject] = &[
    Subject { name: "pipe", connect: pipe, ..STREAM },
    Subject { name: "pipe_duplex", connect: duplex, ..STREAM },
    Subject { name: "pipe_duplex_back", connect: duplex_back, ..STREAM },
    Subject { name: "fifo", connect: fifo, ..STREAM },
];

/// What the byte streams have in common.
const STREAM: Subject =
    Subject { name: "", records: false, ends: true, gone: ErrorKind::Disconnected, connect: pipe };

fn pipe(_: &Path) -> Ends {
    let (reader, writer) = pipe::pipe().unwrap();
    Ends::new(writer, reader)
}

fn duplex(_: &Path) -> Ends {
    let (left, right) = pipe::duplex().unwrap();
    Ends::new(left, right)
}

fn duplex_back(_: &Path) -> Ends {
    let (left, right) = pipe::duplex().unwrap();
    Ends::new(right, left)
}

fn fifo(directory: &Path) -> Ends {
    let fifo = Fifo::create_new(directory.join("fifo")).unwrap();
    let reader = fifo.try_open_read().unwrap();
    Ends::new(fifo.try_open_write().unwrap(), reader)
}
