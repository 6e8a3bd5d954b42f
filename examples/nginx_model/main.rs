//! The architecture of a pre-forking server such as nginx: a master that is controlled by signals, and workers that accept
//! on one socket and share memory.
//!
//! | signal to the master | what it does |
//! |---|---|
//! | `SIGHUP` | starts new workers; when they are up the old ones finish what they have in hand, and end |
//! | `SIGUSR1` | opens the log anew, and hands it to the workers |
//! | `SIGQUIT` | ends when all that was accepted is answered |
//! | `SIGTERM` | ends at once |
//!
//! A worker that dies is replaced. If it died in the middle of a change to the shared table, the next worker to lock the
//! table repairs it.
//!
//! Run it: `cargo run -p ipcraft-examples --example nginx_model`

mod client;
mod driver;
mod master;
mod wire;
mod worker;
mod zone;

use std::env;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipcraft_examples::{Outcome, argument, expect, part};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How long anybody waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match part().as_deref() {
        Some("--master") => master::run(Path::new(&argument()?)),
        Some("--worker") => {
            worker::run(argument()?.parse()?, env::args().nth(3).ok_or("no generation")?.parse()?)
        }
        _ => driver::run(),
    }
}

/// Where a server in this directory listens.
fn socket_in(directory: &Path) -> PathBuf {
    directory.join("socket")
}

/// Where it writes a line for each request that it has answered.
fn log_in(directory: &Path) -> PathBuf {
    directory.join("access.log")
}

/// Waits until there is something to read, and says where; an error if that takes too long.
fn readable(descriptors: &[BorrowedFd<'_>]) -> Outcome<Vec<bool>> {
    let mut entries: Vec<_> = descriptors.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    let timeout = PollTimeout::try_from(PATIENCE)?;
    let count = loop {
        match poll(&mut entries, timeout) {
            Err(Errno::EINTR) => {}
            polled => break polled?,
        }
    };
    expect("whether nothing has happened for long", count == 0, false)?;
    Ok(entries.iter().map(|entry| entry.any() == Some(true)).collect())
}
