//! The architecture of a pre-forking server such as nginx: a master that is controlled by signals,
//! and workers that accept on one socket and share memory.
//!
//! | signal to the master | effect |
//! |---|---|
//! | `SIGHUP` | starts new workers; when they are ready, the old ones finish their open requests and exit |
//! | `SIGUSR1` | reopens the log, and passes it to the workers |
//! | `SIGQUIT` | exits when all accepted requests are answered |
//! | `SIGTERM` | exits immediately |
//!
//! A worker that dies is replaced. If it died during a change to the shared table, the next worker
//! that locks the table repairs it.
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

use ipcraft_examples::{Outcome, argument, expect, role};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Limit of each wait.
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match role().as_deref() {
        Some("--master") => master::run(Path::new(&argument()?)),
        Some("--worker") => {
            worker::run(argument()?.parse()?, env::args().nth(3).ok_or("no generation")?.parse()?)
        }
        _ => driver::run(),
    }
}

/// The socket of the server in this directory.
fn socket_in(directory: &Path) -> PathBuf {
    directory.join("socket")
}

/// The log of the server in this directory: one line per answered request.
fn log_in(directory: &Path) -> PathBuf {
    directory.join("access.log")
}

/// Waits until a descriptor is readable, and returns which ones are. Fails after the timeout.
fn readable(descriptors: &[BorrowedFd<'_>]) -> Outcome<Vec<bool>> {
    let mut entries: Vec<_> = descriptors.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    let timeout = PollTimeout::try_from(TIMEOUT)?;
    let count = loop {
        match poll(&mut entries, timeout) {
            Err(Errno::EINTR) => {}
            polled => break polled?,
        }
    };
    expect("whether the timeout passed", count == 0, false)?;
    Ok(entries.iter().map(|entry| entry.any() == Some(true)).collect())
}
