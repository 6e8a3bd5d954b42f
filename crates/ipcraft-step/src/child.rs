//! A child process that runs a closure.
//!
//! The process is a fork of its parent: it inherits the endpoints of anonymous mechanisms, and
//! shares nothing else with its parent except what the mechanism carries.
#![allow(unsafe_code)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{self, Signal};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{ForkResult, Pid, getpid, getppid};

/// The exit code of a role that panicked, as Rust programs have it.
const PANICKED: i32 = 101;

/// The children that are not reaped yet, for the watchdog.
static LIVING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// A child process; killed and reaped when dropped.
#[derive(Debug)]
pub struct Child {
    /// Belongs to the child until `wait` reaps it, so the id cannot have passed to another process.
    pid: Pid,
    reaped: bool,
}

impl Child {
    /// Forks a child that runs `role` and exits. If the role panics, [`join`](Child::join) fails.
    ///
    /// This process drops `role` without running it, so that the child alone has what was moved
    /// into it. The child also inherits what was not moved.
    ///
    /// # Panics
    ///
    /// If fork(2) fails.
    pub fn start(role: impl FnOnce()) -> Child {
        Child::try_start(role).expect("fork")
    }

    /// [`start`](Child::start) that reports a failure.
    ///
    /// # Errors
    ///
    /// Those of fork(2).
    pub fn try_start(role: impl FnOnce()) -> nix::Result<Child> {
        let parent = getpid();
        // Held across the fork, so that the child's copy is not locked by a thread that it lacks.
        let mut living = living();
        // SAFETY: because glibc makes its allocator and locks usable in the child of a threaded
        // process. The other threads, the runner and the watchdog, are blocked meanwhile.
        match unsafe { nix::unistd::fork() }? {
            ForkResult::Parent { child } => {
                living.push(child);
                Ok(Child { pid: child, reaped: false })
            }
            ForkResult::Child => {
                // The children of the test process are its own to end, not this one's.
                living.clear();
                drop(living);
                let outcome = catch_unwind(AssertUnwindSafe(|| play(parent, role)));
                exit_now(outcome.map_or(PANICKED, |()| 0))
            }
        }
    }

    /// Returns the process id in the form that `nix` takes.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Returns the process id in the form that the library takes.
    ///
    /// # Panics
    ///
    /// Never, since fork(2) returns a positive id.
    pub fn id(&self) -> ipcraft::Pid {
        self.pid.as_raw().try_into().expect("a positive id")
    }

    /// Blocks until the child is blocked in a system call.
    ///
    /// # Panics
    ///
    /// If it ends instead.
    pub fn wait_asleep(&self) {
        const POLL_INTERVAL: Duration = Duration::from_millis(2);
        while !(self.is_asleep() && is_still(POLL_INTERVAL, || self.is_asleep())) {
            sleep(POLL_INTERVAL);
        }
    }

    /// Whether the child is blocked in a system call.
    ///
    /// # Panics
    ///
    /// If it has ended.
    pub fn is_asleep(&self) -> bool {
        match self.state() {
            Some('Z') | None => panic!("the child ended before it had to wait"),
            Some(state) => state == 'S',
        }
    }

    /// Whether [`wait`](Child::wait) would return immediately.
    ///
    /// # Errors
    ///
    /// `ECHILD` if it was reaped before.
    pub fn has_status_change(&self) -> nix::Result<bool> {
        let peek = WaitPidFlag::WEXITED | WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        Ok(waitid(Id::Pid(self.pid), peek | WaitPidFlag::__WALL)? != WaitStatus::StillAlive)
    }

    /// Whether the child has ended. It need not be reaped yet.
    pub fn has_ended(&self) -> bool {
        let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT | WaitPidFlag::__WALL;
        self.reaped || !matches!(waitid(Id::Pid(self.pid), peek), Ok(WaitStatus::StillAlive))
    }

    /// Blocks until the child has stopped by a signal. Returns false if it has ended instead.
    pub fn wait_stopped(&self) -> bool {
        let either =
            WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::__WALL;
        loop {
            match waitid(Id::Pid(self.pid), either) {
                Err(Errno::EINTR) => {}
                status => return matches!(status, Ok(WaitStatus::Stopped(..))),
            }
        }
    }

    /// The state letter of proc_pid_stat(5), which follows the command's name in parentheses.
    pub(crate) fn state(&self) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.chars().next()
    }

    /// Kills it with `SIGKILL` and returns when it is gone: its descriptors are closed then.
    pub fn kill(self) {
        drop(self);
    }

    /// Waits for the end of its role.
    ///
    /// # Panics
    ///
    /// If the role panicked or a signal ended the child.
    pub fn join(mut self) {
        let status = self.wait().expect("waitpid of a child");
        assert_eq!(status, WaitStatus::Exited(self.pid, 0), "the child failed");
    }

    /// waitpid(2): its next change of state.
    ///
    /// # Errors
    ///
    /// `ECHILD` if it was reaped before.
    pub fn wait(&mut self) -> nix::Result<WaitStatus> {
        loop {
            match waitpid(self.pid, Some(WaitPidFlag::__WALL)) {
                Err(Errno::EINTR) => {}
                Ok(end @ (WaitStatus::Exited(..) | WaitStatus::Signaled(..))) => {
                    self.reaped = true;
                    living().retain(|&pid| pid != self.pid);
                    return Ok(end);
                }
                other => return other,
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        while !self.reaped && signal::kill(self.pid, Signal::SIGKILL).is_ok() {
            // A traced child may report stops before its end.
            let _ = self.wait();
        }
    }
}

/// Kills every child that was not reaped, for a watchdog that is about to abort this process.
pub fn kill_all() {
    for &pid in living().iter() {
        let _ = signal::kill(pid, Signal::SIGKILL);
    }
}

fn living() -> std::sync::MutexGuard<'static, Vec<Pid>> {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_still(time: Duration, condition: impl FnOnce() -> bool) -> bool {
    sleep(time);
    condition()
}

fn play(parent: Pid, role: impl FnOnce()) {
    // First, so that nothing that blocks here can outlive the parent.
    prctl::set_pdeathsig(Signal::SIGKILL).expect("PR_SET_PDEATHSIG");
    // If the parent died before the line above, no signal comes. A parent in another pid namespace
    // has the id 0.
    if [parent, Pid::from_raw(0)].contains(&getppid()) {
        role();
    }
}

fn exit_now(code: i32) -> ! {
    // SAFETY: because _exit(2) runs no handlers or destructors, which belong to the parent.
    unsafe { libc::_exit(code) }
}
