//! Processes: [`ipcraft::process`] under tokio.
//!
//! A pidfd polls as readable when its process has ended. So waiting needs neither a `SIGCHLD`
//! handler nor a thread, and works for processes that are not children.
//!
//! ```
//! use std::process::Command;
//! use ipcraft::process::Inherit;
//! use ipcraft_tokio::process;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> ipcraft::Result<()> {
//! let child = process::spawn(&mut Command::new("true"), Inherit::new())?;
//! let status = child.wait().await?.status();
//! assert!(status.is_some_and(|status| status.success()));
//! # Ok(()) }
//! ```

use std::os::fd::OwnedFd;
use std::process::Command;

use ipcraft::process::{self, CommandExt, Exit, Inherit};
use ipcraft::{ErrorKind, Pid, Result, pipe};

use crate::pause::Pause;
use crate::{Async, IntoAsync};

/// The async form of [`process::PidFd`].
pub type PidFd = Async<process::PidFd>;

impl Async<process::PidFd> {
    /// `waitid(2)` with `P_PIDFD`: waits until the process has ended, and reaps it if it is a
    /// child.
    ///
    /// Cancel safe: a dropped future has reaped nothing. The kernel withholds the status of a
    /// traced child until its tracer has waited; meanwhile this waits by the timer of the runtime.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](process::PidFd::wait).
    #[doc(alias = "waitid")]
    pub async fn wait(&self) -> Result<Exit> {
        let mut pause = Pause::new();
        loop {
            let exit = self.read_with(|process| match process.try_wait() {
                Err(error) if error.kind() == ErrorKind::WouldBlock && process.has_ended()? => Ok(None),
                exit => exit.map(Some),
            });
            match exit.await? {
                Some(exit) => return Ok(exit),
                None => pause.sleep().await,
            }
        }
    }
}

/// A child whose end and whose streams can be awaited.
///
/// Dropping it neither ends nor reaps the child, as with [`std::process::Child`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Child {
    /// The write end of the child's standard input, if the command made it a pipe.
    pub stdin: Option<Async<pipe::Writer>>,
    /// The read end of the child's standard output, if the command made it a pipe.
    pub stdout: Option<Async<pipe::Reader>>,
    /// The read end of the child's standard error, if the command made it a pipe.
    pub stderr: Option<Async<pipe::Reader>>,
    pidfd: PidFd,
    id: Pid,
}

/// `fork(2)` and `execve(2)`: starts the program with these descriptors and its standard streams,
/// as [`CommandExt::spawn_pidfd`] does.
///
/// # Errors
///
/// Those of [`CommandExt::spawn_pidfd`] and of [`Async::new`]. If registering fails, the child runs
/// on, and is not reaped.
///
/// # Panics
///
/// As [`Async::new`], after the child was started.
pub fn spawn(command: &mut Command, descriptors: Inherit) -> Result<Child> {
    let (mut child, pidfd) = command.spawn_pidfd(descriptors)?;
    let id = Pid::from(&child);
    let reader = |stream: OwnedFd| pipe::Reader::from(stream).into_async();
    Ok(Child {
        stdin: child.stdin.take().map(|s| pipe::Writer::from(OwnedFd::from(s)).into_async()).transpose()?,
        stdout: child.stdout.take().map(|stream| reader(stream.into())).transpose()?,
        stderr: child.stderr.take().map(|stream| reader(stream.into())).transpose()?,
        pidfd: pidfd.into_async()?,
        id,
    })
}

impl Child {
    /// Returns the process id. It may belong to another process after [`wait`](Child::wait).
    pub fn id(&self) -> Pid {
        self.id
    }

    /// Returns the pidfd, to signal the child for instance.
    pub fn pidfd(&self) -> &process::PidFd {
        self.pidfd.get_ref()
    }

    /// Waits until the child has ended, and reaps it.
    ///
    /// Cancel safe: a dropped future has reaped nothing. Unlike tokio's, it does not close
    /// [`stdin`](Child::stdin).
    ///
    /// # Errors
    ///
    /// Those of [`PidFd::wait`](Async::wait).
    pub async fn wait(&self) -> Result<Exit> {
        self.pidfd.wait().await
    }
}
