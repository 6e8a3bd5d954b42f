//! What a competitor gets in its process to create its endpoints and to run slices.

use std::process;
use std::sync::mpsc;
use std::thread;

use ipcraft_bench::{Control, Part, Role, catch_failure, exit_with_parent, pin};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::message::Result;
use crate::scratch::Scratch;
use crate::watch::Watch;
use crate::work::{self, Call, Duplex, Lock, Put, PutRange, Report, Serve, Slice, Take, TakeRange};

/// What a competitor's process gets on its command line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Assignment {
    /// The process that started this one.
    pub(crate) parent: u32,
    pub(crate) scenario: String,
    pub(crate) competitor: String,
    pub(crate) scratch: Scratch,
    /// The sides that this process plays: two for threads.
    pub(crate) parts: Vec<Part>,
}

/// Runs a competitor's process. It ends with the process that started it.
pub(crate) fn run(assignment: &Assignment, competitor: fn(&mut Harness) -> Result<()>) -> Result<()> {
    exit_with_parent(assignment.parent)?;
    let harnesses = assignment.parts.iter().map(|&part| Harness::new(part, &assignment.scratch));
    let mut harnesses = harnesses.collect::<Result<Vec<_>>>()?;
    let mut first = harnesses.remove(0);
    first.other = harnesses.pop().map(Box::new);
    first.guarded(competitor);
    Ok(())
}

/// One side of a connection.
pub(crate) struct Harness {
    part: Part,
    scratch: Scratch,
    control: Control,
    /// The other side, for competitors that run as threads.
    other: Option<Box<Harness>>,
    pinned: bool,
}

impl Harness {
    fn new(part: Part, scratch: &Scratch) -> Result<Harness> {
        let control = Control::inherited(part.role)?;
        Ok(Harness { part, scratch: scratch.clone(), control, other: None, pinned: false })
    }

    /// Returns which side this is.
    pub(crate) fn role(&self) -> Role {
        self.part.role
    }

    /// Returns the names and the directory of this connection.
    pub(crate) fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Waits until the other side has called this too, and returns its text.
    pub(crate) fn exchange(&mut self, text: &str) -> Result<String> {
        Ok(self.control.exchange(text)?)
    }

    /// Runs round trips until the supervisor ends the session.
    pub(crate) fn round_trips<const N: usize>(&mut self, out: impl Put<N>, back: impl Take<N>) -> Result<()> {
        let mut duplex = Duplex(out, back);
        match self.role() {
            Role::Client => self.call(duplex),
            Role::Server => self.serve(|slice| work::answer::<N>(slice, &mut duplex)),
        }
    }

    /// Calls the other side until the supervisor ends the session.
    pub(crate) fn call<const N: usize>(&mut self, mut client: impl Call<N>) -> Result<()> {
        self.serve(|slice| work::ask(slice, &mut client))
    }

    /// Replies to calls until the supervisor ends the session.
    pub(crate) fn reply<const N: usize>(&mut self, mut server: impl Serve<N>) -> Result<()> {
        self.serve(|slice| work::answer(slice, &mut server))
    }

    /// Locks and unlocks until the supervisor ends the session, as the other side does.
    pub(crate) fn compete(&mut self, mut lock: impl Lock) -> Result<()> {
        self.serve(|slice| work::compete(slice, &mut lock))
    }

    /// Locks and unlocks alone until the supervisor ends the session.
    pub(crate) fn lock(&mut self, mut lock: impl Lock) -> Result<()> {
        self.repeat(|_| lock.locked(|number| *number += 1))
    }

    /// Keeps `held` until this process is killed by [`outlive`](Harness::outlive) of the other one.
    pub(crate) fn be_killed<T>(&mut self, held: T) -> Result<()> {
        self.exchange(&process::id().to_string())?;
        let served = self.serve(|_| Ok(Report::default()));
        drop(held);
        served
    }

    /// Repeats a call until it blocks, kills the other process, and measures the time until the
    /// blocked call returns. A call that returns an error before the kill fails the competitor.
    ///
    /// The call runs in this thread, since some endpoints cannot be moved to another one. The other
    /// thread kills, watches and replies, so that a call that never returns is reported, too.
    pub(crate) fn outlive(&mut self, mut blocking: impl FnMut() -> Result<()>) -> Result<()> {
        let peer = Pid::from_raw(self.exchange("survivor")?.parse()?);
        let (pinned, control, watch) = (self.pinned, &mut self.control, Watch::new(peer));
        thread::scope(|scope| {
            let (requests, requested) = mpsc::channel();
            let (returned, returns) = mpsc::channel();
            let watch = &watch;
            scope.spawn(move || {
                let served: Result<()> =
                    control.serve(pinned, |slice: &Slice| watch.kill(slice.first, &requests, &returns));
                if let Err(error) = served {
                    control.fail(error.to_string());
                }
                // The call may block forever.
                if watch.is_stuck() {
                    process::exit(0);
                }
            });
            while requested.recv().is_ok() {
                returned.send(watch.repeat(&mut blocking))?;
            }
            Ok(())
        })
    }

    /// Sends streams until the supervisor ends the session.
    pub(crate) fn send(&mut self, mut sender: impl PutRange) -> Result<()> {
        self.serve(|slice| work::send(slice, &mut sender))
    }

    /// Receives streams until the supervisor ends the session.
    pub(crate) fn recv(&mut self, mut receiver: impl TakeRange) -> Result<()> {
        self.serve(|slice| work::recv(slice, &mut receiver))
    }

    /// Repeats one operation with consecutive numbers until the supervisor ends the session.
    pub(crate) fn repeat(&mut self, mut operation: impl FnMut(u64) -> Result<()>) -> Result<()> {
        self.serve(|slice| work::repeat(slice, &mut operation))
    }

    /// Repeatedly creates and drops a connection until the supervisor ends the session.
    pub(crate) fn repeat_setup<T>(
        &mut self,
        mut set_up: impl FnMut(&Scratch, u64) -> Result<T>,
    ) -> Result<()> {
        let scratch = self.scratch.clone();
        self.serve(|slice| work::repeat_setup(slice, |number| set_up(&scratch, number)))
    }

    /// Repeats an operation that returns when this side had its turn, until the session ends.
    pub(crate) fn take_turns(&mut self, mut turn: impl FnMut() -> Result<()>) -> Result<()> {
        let times = self.role() == Role::Client;
        self.serve(|slice| {
            let report = work::repeat(slice, |_| turn())?;
            Ok(if times { report } else { Report { usage: report.usage, ..Report::default() } })
        })
    }

    /// Runs both sides in threads of this process, each bound to its core.
    pub(crate) fn threads(
        &mut self,
        client: impl FnOnce(&mut Harness) -> Result<()> + Send,
        server: impl FnOnce(&mut Harness) -> Result<()> + Send,
    ) -> Result<()> {
        let mut other = self.other.take().ok_or("the other thread's part is missing")?;
        thread::scope(|scope| {
            scope.spawn(|| other.guarded(server));
            scope.spawn(|| self.guarded(client));
        });
        Ok(())
    }

    /// Binds the thread to its core, runs the task, and reports an error or a panic.
    fn guarded(&mut self, task: impl FnOnce(&mut Harness) -> Result<()>) {
        self.pinned = self.part.core.is_some_and(pin);
        if let Err(reason) = catch_failure(|| task(self)) {
            self.control.fail(reason);
        }
    }

    fn serve(&mut self, work: impl FnMut(&Slice) -> Result<Report>) -> Result<()> {
        self.control.serve(self.pinned, work)
    }
}
