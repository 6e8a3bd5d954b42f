//! Threads that the kernel knows, and threads that it does not.
//!
//! A **user-level** thread is a coroutine: the program switches between them, and the kernel sees
//! one thread. A **kernel-level** thread is what the kernel schedules. The same work runs as either
//! here, in real processes on one core, and shows what the difference is.

mod blocking;
mod count;
mod order;
mod share;
mod suspension;

use std::sync::Arc;
use std::thread;

use ipcraft_bench::{CpuPair, Placement};
use serde::{Deserialize, Serialize};

use crate::coroutine::{UserThreads, Yielder};
use crate::{Error, Skipped, worker};

pub use blocking::{Blocked, Way, blocked, hogged};
pub use count::{Count, Switch, counts};
pub use order::{Order, order};
pub use share::{Share, share};
pub use suspension::{Guard, Updates, updates};

/// What runs the threads of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The program: each thread runs until it suspends itself.
    User,
    /// The kernel: each thread runs until it blocks or is preempted.
    Kernel,
}

impl Level {
    /// Both levels.
    pub const ALL: [Level; 2] = [Level::User, Level::Kernel];
}

/// What the experiments found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threads {
    /// One of three threads blocks in read(2).
    pub blocked_read: Vec<Blocked>,
    /// One of three threads computes and never suspends itself.
    pub never_yields: Vec<Blocked>,
    /// A process with three threads beside a process with one.
    pub shares: Vec<Share>,
    /// The order of turns of two processes with three threads each.
    pub orders: Vec<Order>,
    /// What one switch executes.
    pub switches: Vec<Count>,
    /// Two coroutines add to one counter.
    pub updates: Vec<Updates>,
}

/// Runs all experiments.
///
/// # Errors
///
/// [`Error::Failed`] if a process or thread cannot be started, or takes half a minute.
pub fn threads() -> Result<(Threads, Vec<Skipped>), Error> {
    let mut skipped = Vec::new();
    let switches = match counts() {
        Err(Error::Refused) => {
            skipped
                .push(Skipped::new("instructions and system calls of a switch", Error::Refused.to_string()));
            Vec::new()
        }
        counted => counted?,
    };
    let threads = Threads {
        blocked_read: Way::ALL.into_iter().map(blocked).collect::<Result<_, _>>()?,
        never_yields: Level::ALL.into_iter().map(hogged).collect::<Result<_, _>>()?,
        shares: Level::ALL.into_iter().map(share).collect::<Result<_, _>>()?,
        orders: Level::ALL.into_iter().map(order).collect::<Result<_, _>>()?,
        switches,
        updates: Guard::ALL.into_iter().map(updates).collect(),
    };
    Ok((threads, skipped))
}

/// How a thread lets the others of its process run.
pub(crate) enum Turn<'a> {
    /// It suspends itself.
    User(&'a Yielder),
    /// The kernel preempts it.
    Kernel,
}

impl Turn<'_> {
    /// Ends the turn of a thread that no other can preempt.
    pub(crate) fn end(&self) {
        if let Turn::User(yielder) = self {
            yielder.suspend(());
        }
    }

    /// Lets the others run until the condition holds.
    pub(crate) fn wait(&self, condition: impl Fn() -> bool) {
        while !condition() {
            self.end();
            thread::yield_now();
        }
    }
}

/// Runs the same body as several threads of this process, until all have ended.
pub(crate) fn run(level: Level, threads: usize, body: impl Fn(usize, &Turn<'_>) + Send + Sync + 'static) {
    let body = Arc::new(body);
    match level {
        Level::User => {
            let mut all = UserThreads::default();
            for thread in 0..threads {
                let body = body.clone();
                all.start(move |yielder| body(thread, &Turn::User(yielder)));
            }
            all.run();
        }
        Level::Kernel => {
            let start = |thread| {
                let body = body.clone();
                thread::spawn(move || body(thread, &Turn::Kernel))
            };
            let started: Vec<_> = (0..threads).map(start).collect();
            for thread in started {
                thread.join().expect("the thread does not panic");
            }
        }
    }
}

/// The core on which both levels are compared.
fn one_core() -> Result<CpuPair, Error> {
    worker::cpus(Placement::SameCore).ok_or(Error::Failed(nix::Error::ENODEV))
}
