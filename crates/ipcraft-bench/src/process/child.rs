//! A child process that never outlives its supervisor.
#![allow(unsafe_code)]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};

use super::failure::Failure;

/// How long a process may take to end after it has closed its control connection.
const MAX_EXIT_TIME: Duration = Duration::from_secs(2);

/// A child process. Dropping it ends the child and reaps it.
///
/// A forked child also dies with the thread that started it (`PR_SET_PDEATHSIG`).
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    /// How long the child may take to end by itself once its control connection is closed.
    exit_time: Duration,
    /// Set once the child was waited for; its pid may then belong to another process.
    reaped: bool,
}

impl Process {
    /// Forks a process that runs one task and exits.
    pub(crate) fn fork(task: impl FnOnce() -> io::Result<()>) -> io::Result<Process> {
        let parent = getpid();
        // SAFETY: because fork(2) in a program with several threads leaves the child with one
        // thread and copies of all locks. The task takes no lock of this program, and glibc keeps
        // its allocator usable in such a child.
        match unsafe { fork() }? {
            ForkResult::Child => run_and_exit(parent, task),
            ForkResult::Parent { child } => {
                Ok(Process { pid: child, exit_time: Duration::ZERO, reaped: false })
            }
        }
    }

    /// Takes over a child that was started by `exec`. It gets time to clean up when it is ended.
    pub(crate) fn from_child(child: &Child) -> Process {
        Process { pid: Pid::from_raw(child.id() as i32), exit_time: MAX_EXIT_TIME, reaped: false }
    }

    /// Returns how a traced child has stopped since the last call. Fails if the child has ended.
    pub(crate) fn stopped(&mut self) -> Result<Option<WaitStatus>, Failure> {
        match self.status() {
            Ok(stopped) => Ok(stopped),
            Err(how) => Err(Failure::Failed(format!("its process ended: {how}"))),
        }
    }

    /// Waits until the child has ended, and kills it if it takes too long. Returns how it ended.
    pub(crate) fn end(&mut self) -> String {
        self.end_within(MAX_EXIT_TIME)
    }

    fn end_within(&mut self, time: Duration) -> String {
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            if let Err(how) = self.status() {
                return how;
            }
            thread::sleep(Duration::from_millis(2));
        }
        // A child that has ended needs no signal, and no caller could handle the error.
        let _ = kill(self.pid, Signal::SIGKILL);
        loop {
            match waitpid(self.pid, None) {
                Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(Errno::ECHILD) => break,
                // A traced child may report a stop before its end.
                Ok(_) | Err(_) => {}
            }
        }
        self.reaped = true;
        "it had to be killed".into()
    }

    /// Returns a state change without an end, or how the child ended.
    fn status(&mut self) -> Result<Option<WaitStatus>, String> {
        let how = match waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => return Ok(None),
            Ok(WaitStatus::Exited(_, code)) => format!("exit status: {code}"),
            Ok(WaitStatus::Signaled(_, signal, _)) => format!("killed by {signal}"),
            Ok(stopped) => return Ok(Some(stopped)),
            Err(error) => format!("waitpid(2): {error}"),
        };
        self.reaped = true;
        Err(how)
    }

    /// Returns the child's process id.
    pub(crate) fn id(&self) -> Pid {
        self.pid
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.reaped {
            self.end_within(self.exit_time);
        }
    }
}

/// Never returns into the caller's code, whose destructors and tests belong to the parent.
fn run_and_exit(parent: Pid, task: impl FnOnce() -> io::Result<()>) -> ! {
    let work = AssertUnwindSafe(|| {
        exit_with_parent(parent.as_raw().unsigned_abs())?;
        prepare()?;
        task()
    });
    let code = match catch_unwind(work) {
        Ok(Ok(())) => 0,
        Ok(Err(_)) => 1,
        Err(_) => 101,
    };
    // SAFETY: because _exit(2) ends the process and runs none of its code.
    unsafe { libc::_exit(code) }
}

/// Makes the kernel kill this process when the thread that started it ends (`PR_SET_PDEATHSIG`).
///
/// # Errors
/// `BrokenPipe` if that process has ended already.
pub fn exit_with_parent(parent: u32) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid().as_raw().unsigned_abs() != parent {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    Ok(())
}

/// Leaves the ending signals to the supervisor, since a terminal or a service manager sends them to
/// a whole group, and makes timed sleeps exact.
fn prepare() -> io::Result<()> {
    for ending in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        // SAFETY: because SIG_IGN runs no code of this program.
        unsafe { signal(ending, SigHandler::SigIgn) }?;
    }
    prctl::set_timerslack(1)?;
    Ok(())
}
