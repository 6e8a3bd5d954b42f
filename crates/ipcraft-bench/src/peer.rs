//! A process of our own: forked, watched, and never left behind.
#![allow(unsafe_code)]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::control::Control;
use crate::supervise::Failure;

/// Which side of a connection a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Asks, or sends.
    Client,
    /// Answers, or receives.
    Server,
}

impl Role {
    /// The other side.
    pub fn other(self) -> Role {
        match self {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        }
    }

    /// Makes the messages of the two directions different.
    pub(crate) fn salt(self) -> u8 {
        match self {
            Role::Client => 0x5a,
            Role::Server => 0xc3,
        }
    }
}

/// A child process and the control connection to it. Dropping it kills the child and reaps it.
///
/// The child also dies with the thread that started it (`PR_SET_PDEATHSIG`), however that ends.
pub(crate) struct Peer {
    pid: Pid,
    control: Control,
    /// True once the child has been waited for, after which its number may belong to somebody else.
    reaped: bool,
}

impl Peer {
    /// Forks a process that does one task and exits.
    pub(crate) fn start(task: impl FnOnce(&mut Control) -> io::Result<()>) -> io::Result<Peer> {
        let (supervisor, peer) = Control::pair()?;
        let parent = getpid();
        // SAFETY: because fork(2) in a program with several threads leaves the child with one thread and copies of
        // all locks. The task takes no lock of this program, and glibc keeps its allocator usable in such a child.
        match unsafe { fork() }? {
            ForkResult::Child => {
                drop(supervisor);
                run_and_exit(parent, peer, task)
            }
            ForkResult::Parent { child } => Ok(Peer { pid: child, control: supervisor, reaped: false }),
        }
    }

    /// Sends a command.
    pub(crate) fn command(&mut self, command: &impl Serialize) -> Result<(), Failure> {
        let sent = self.control.send(command);
        sent.map_err(|error| Failure::Failed(format!("a peer takes no commands: {error}")))
    }

    /// Waits a moment for a report.
    pub(crate) fn report<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        let report = self.unread()?;
        if report.is_none() {
            self.change()?;
        }
        Ok(report)
    }

    /// A report, if there is one, whatever has become of the child.
    pub(crate) fn unread<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        match self.control.receive() {
            Ok(report) => Ok(Some(report)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.change()?;
                Err(Failure::Failed("a peer hung up".into()))
            }
            Err(error) => Err(Failure::Failed(format!("a peer's report is unreadable: {error}"))),
        }
    }

    /// How the child, if it is traced, has stopped since the last call; a failure when it is gone.
    pub(crate) fn change(&mut self) -> Result<Option<WaitStatus>, Failure> {
        let how = match waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => return Ok(None),
            Ok(WaitStatus::Exited(_, code)) => format!("a peer exited with code {code}"),
            Ok(WaitStatus::Signaled(_, signal, _)) => format!("a peer was killed by {signal}"),
            Ok(stopped) => return Ok(Some(stopped)),
            Err(Errno::ECHILD) => "a peer is gone".into(),
            Err(error) => return Err(Failure::Failed(format!("a peer stopped in an unknown way: {error}"))),
        };
        self.reaped = true;
        Err(Failure::Failed(how))
    }

    /// From now on looking for a report does not wait for one.
    pub(crate) fn never_wait(&self) -> io::Result<()> {
        self.control.never_wait()
    }

    /// The child's process id.
    pub(crate) fn id(&self) -> Pid {
        self.pid
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if self.reaped {
            return;
        }
        // A child that is gone already needs neither, and there is nobody to tell.
        let _ = kill(self.pid, Signal::SIGKILL);
        while !is_over(waitpid(self.pid, None)) {}
    }
}

/// A traced child may report a stop before its end.
fn is_over(state: nix::Result<WaitStatus>) -> bool {
    matches!(state, Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(Errno::ECHILD))
}

/// Never returns into the caller's code, whose destructors and tests belong to the parent.
fn run_and_exit(parent: Pid, mut control: Control, task: impl FnOnce(&mut Control) -> io::Result<()>) -> ! {
    let work = AssertUnwindSafe(|| {
        settle(parent)?;
        task(&mut control)
    });
    let code = match catch_unwind(work) {
        Ok(Ok(())) => 0,
        Ok(Err(_)) => 1,
        Err(_) => 101,
    };
    // SAFETY: because _exit(2) ends the process and runs nothing of it any more.
    unsafe { libc::_exit(code) }
}

/// Ties the process to its parent, leaves Ctrl-C to it, and makes timed sleeps exact.
fn settle(parent: Pid) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != parent {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    // SAFETY: because SIG_IGN and SIG_DFL run no code of this program.
    unsafe {
        signal(Signal::SIGINT, SigHandler::SigIgn)?;
        signal(Signal::SIGTERM, SigHandler::SigDfl)?;
    }
    prctl::set_timerslack(1)?;
    Ok(())
}

/// Gives this process the lowest priority there is (`SCHED_IDLE`): it runs only when nobody else wants the core.
pub(crate) fn become_idle() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: because sched_setscheduler(2) reads one structure of the right type.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
