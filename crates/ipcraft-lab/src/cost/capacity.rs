//! How many units a machine permits, up to a bound.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use corosensei::Coroutine;
use ipcraft::futex;
use ipcraft_bench::Placement;
use ipcraft_step::{Child, Shared};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::{Limit, Unit, creation, errno, limit, room};
use crate::Error;
use crate::coroutine::{BoxedFuture, Yielder, resume, suspend};
use crate::worker::{self, Team};

/// The most units that are created: enough to see a limit, and not to exhaust a machine.
pub const MAX_UNITS: usize = 10_000;
/// Units between two checks of the memory.
const STEP: usize = 500;
const MAX_TIME: Duration = Duration::from_secs(120);

/// How many units there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// The unit.
    pub unit: Unit,
    /// How many were created, at most [`MAX_UNITS`].
    pub created: usize,
    /// The limit that stopped the creation; null if all were created.
    pub stopped_by: Option<Limit>,
    /// The limit that would stop it next, as computed.
    pub next: Option<Limit>,
}

/// Creates up to [`MAX_UNITS`] units that exist at the same time.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or takes two minutes.
pub fn capacity(unit: Unit) -> Result<Capacity, Error> {
    let next = limit::nearest(unit);
    let shared = Shared::new()?;
    let cpus = worker::cpus(Placement::SameCore).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let team = Team::start(&shared, cpus, &[0], &|_, desk| {
        let mut units = Units::new(unit);
        let mut stopped = None;
        while units.len() < MAX_UNITS && stopped.is_none() {
            stopped = room::too_little_memory(unit, STEP).or_else(|| {
                let grown = units.grow(units.len() + STEP);
                grown.err().map(|errno| limit::behind(unit, errno))
            });
        }
        if let Some(limit) = stopped {
            limit.report(desk);
        }
        desk.report(1, units.len() as u64);
        desk.report(0, 1);
        units.leave();
    })?;
    if !team.ends_within(MAX_TIME) || team.desk(0).figure(0) != 1 {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    let desk = team.desk(0);
    Ok(Capacity { unit, created: desk.figure(1) as usize, stopped_by: Limit::reported(desk), next })
}

/// Units that exist at the same time: each has begun and waits.
pub(super) struct Units {
    unit: Unit,
    futures: Vec<BoxedFuture>,
    coroutines: Vec<Coroutine<(), (), ()>>,
    threads: usize,
    processes: Vec<Child>,
    /// How many threads or processes have begun.
    begun: Arc<Shared>,
}

impl Units {
    pub(super) fn new(unit: Unit) -> Units {
        let begun = Arc::new(Shared::new().expect("a page of memory"));
        let (futures, coroutines, processes) = (Vec::new(), Vec::new(), Vec::new());
        Units { unit, futures, coroutines, threads: 0, processes, begun }
    }

    pub(super) fn len(&self) -> usize {
        self.futures.len() + self.coroutines.len() + self.threads + self.processes.len()
    }

    pub(super) fn pids(&self) -> Vec<Pid> {
        self.processes.iter().map(Child::pid).collect()
    }

    /// Creates units until there are this many.
    pub(super) fn grow(&mut self, count: usize) -> nix::Result<()> {
        while self.len() < count.min(MAX_UNITS) {
            self.add()?;
        }
        Ok(())
    }

    fn add(&mut self) -> nix::Result<()> {
        match self.unit {
            Unit::Future => {
                let mut future: BoxedFuture = Box::pin(suspend());
                resume(&mut future);
                self.futures.push(future);
            }
            Unit::Coroutine => {
                let suspend = |yielder: &Yielder, ()| yielder.suspend(());
                let mut coroutine = Coroutine::with_stack(creation::stack()?, suspend);
                coroutine.resume(());
                self.coroutines.push(coroutine);
            }
            Unit::Thread => {
                let begun = self.begun.clone();
                let spawned = thread::Builder::new().spawn(move || begin_and_wait(&begun));
                spawned.map_err(|error| errno(&error))?;
                self.threads += 1;
            }
            Unit::Process => {
                let begun = self.begun.clone();
                self.processes.push(Child::try_start(move || begin_and_wait(&begun))?);
            }
        }
        Ok(())
    }

    /// Waits until every thread or process has begun.
    pub(super) fn await_all(&self) {
        let expected = (self.threads + self.processes.len()) as u64;
        while self.begun.words()[0].load(Relaxed) < expected {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Leaves the units to the end of this process, which comes now: unwinding thousands of stacks
    /// takes longer.
    pub(super) fn leave(self) {
        std::mem::forget(self.coroutines);
    }
}

/// What a thread or process does: it waits on a word that does not change.
fn begin_and_wait(begun: &Shared) {
    begun.words()[0].fetch_add(1, Relaxed);
    let never = std::sync::atomic::AtomicU32::new(0);
    loop {
        let _ = futex::wait(&never, 0);
    }
}
