//! What a switch between two processes costs, by each way that a user process has.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::event::EventFd;
use ipcraft::signal::Signal;
use ipcraft_bench::{Placement, pin};
use ipcraft_step::Child;
use serde::Serialize;

use super::Time;
use super::dispatch::board::{Board, Word};
use super::dispatch::process::Process;
use super::dispatch::{CorePair, RunError, Scale, Way, job, report};
use super::job::Burst;
use super::quantum;
use super::record::{self, Record};
use crate::control_group::FreezableGroup;
use crate::cost::{self, Case, Unit, What};

/// The quantum of the dispatcher.
const QUANTUM: Time = Time::UNIT;
/// The same in real time.
const UNIT: Duration = Duration::from_millis(1);
/// The jobs whose groups are frozen in turns, and the CPU time of each.
const JOBS: usize = 3;
const LENGTH: Time = Time::units(100);
/// Jobs that do not end in this time are given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// The samples of the hand-over without a dispatcher.
const ROUNDS: usize = 7;

/// How one process leaves the core and another one gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// The dispatcher stops one process by `SIGSTOP`, and continues another by `SIGCONT`.
    Signals,
    /// The dispatcher changes priorities of `SCHED_FIFO`.
    Priorities,
    /// The dispatcher freezes the control group of one process, and thaws that of another.
    Freezing,
    /// One process wakes the other by a futex, and waits. There is no dispatcher.
    Futex,
}

impl Switch {
    /// All ways.
    pub const ALL: [Switch; 4] = [Switch::Signals, Switch::Priorities, Switch::Freezing, Switch::Futex];
}

/// What a switch costs by one way.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// The way.
    pub way: Switch,
    /// How many switches were measured.
    pub switches: usize,
    /// The median from the last work of a job to the first of the next, in nanoseconds. By a futex:
    /// the lower quartile of samples, each a mean of many switches.
    pub switch_ns: u64,
    /// The core of the dispatcher, if there is one.
    pub dispatcher_cpu: Option<usize>,
}

/// Measures a switch by this way, on one core. The dispatcher has a quantum of 1 ms.
///
/// # Errors
/// Fails if the jobs cannot be run, or a right is missing.
pub fn cost(way: Switch, cpu: Option<usize>) -> Result<Cost, RunError> {
    let by_dispatcher = |by: Way| {
        let run = quantum::round_robin(QUANTUM, by, cpu)?;
        let dispatcher_cpu = Some(run.dispatcher_cpu);
        let (switches, switch_ns) = (run.metrics.switches, run.switch_ns.unwrap_or(0));
        Ok(Cost { way, switches, switch_ns, dispatcher_cpu })
    };
    match way {
        Switch::Signals => by_dispatcher(Way::Signals),
        Switch::Priorities => by_dispatcher(Way::Priorities),
        Switch::Freezing => freezing(cpu),
        Switch::Futex => futex(),
    }
}

fn futex() -> Result<Cost, RunError> {
    let case = Case { placement: Placement::SameCore, ..Case::new(What::Switch(Unit::Process), 2) };
    let measured = cost::measure(&[case], ROUNDS).map_err(|error| RunError::Failed(error.to_string()))?;
    let ns = measured[0].ns.as_ref().map(|estimate| estimate.value);
    let ns = ns.ok_or_else(|| RunError::Refused("a second process: none can be started".into()))?;
    let switches = measured[0].samples * cost::KERNEL_SWITCHES;
    Ok(Cost { way: Switch::Futex, switches, switch_ns: ns as u64, dispatcher_cpu: None })
}

/// Freezes and thaws the groups of three jobs in turns.
fn freezing(cpu: Option<usize>) -> Result<Cost, RunError> {
    let cores = CorePair::choose(cpu)?;
    let groups: Result<Vec<FreezableGroup>, String> = (0..JOBS).map(|_| FreezableGroup::create()).collect();
    let groups = groups.map_err(refused)?;
    let turns = || {
        pin(cores.dispatcher);
        take_turns(&groups, cores)
    };
    // A thread of its own: the core of the caller stays as it is.
    let records = std::thread::scope(|scope| scope.spawn(turns).join())
        .unwrap_or_else(|_| Err(RunError::Failed("the thread of the jobs has panicked".into())))?;
    let switches = report::switches(&records);
    let median = switches.get(switches.len() / 2).copied();
    Ok(Cost {
        way: Switch::Freezing,
        switches: switches.len(),
        switch_ns: median.unwrap_or(0),
        dispatcher_cpu: Some(cores.dispatcher),
    })
}

fn take_turns(groups: &[FreezableGroup], cores: CorePair) -> Result<Vec<Record>, RunError> {
    let board = Board::new(JOBS)?;
    let bell = EventFd::new(0)?;
    let mut processes = Vec::with_capacity(JOBS);
    let started = groups.iter().try_for_each(|group| {
        processes.push(start(processes.len(), &board, &bell, group, cores)?);
        Ok(())
    });
    let outcome = started.and_then(|()| alternate(&mut processes, groups));
    // A frozen process of version 1 does not die.
    for group in groups {
        let _ = group.thaw();
    }
    outcome?;
    Ok(processes.iter().map(|process| record::read(&board, process.id, process.cpu_ns())).collect())
}

/// Starts a job whose group is frozen.
fn start<'a>(
    id: usize,
    board: &'a Board,
    bell: &EventFd,
    group: &FreezableGroup,
    cores: CorePair,
) -> Result<Process<'a>, RunError> {
    let scale = Scale::new(UNIT)?;
    let desk = board.desk(id);
    desk.set(Word::Limit, u64::MAX);
    desk.set(Word::MayRun, 1);
    let child = Child::try_start(|| {
        pin(cores.jobs);
        job::compete(desk, &[Burst::Compute(LENGTH)], scale, bell, (None, None));
    })?;
    let process = Process::new(id, child, desk)?;
    process.pidfd.wait_stopped()?;
    group.add(process.pid()).map_err(refused)?;
    process.pidfd.send_signal(Signal::CONT)?;
    if let Err(error) = group.freeze() {
        let _ = group.thaw();
        return Err(refused(error));
    }
    Ok(process)
}

/// Lets each job run for a quantum, until all have ended.
fn alternate(processes: &mut [Process<'_>], groups: &[FreezableGroup]) -> Result<(), RunError> {
    let deadline = Instant::now() + PATIENCE;
    while !processes.iter_mut().all(Process::has_ended) {
        if Instant::now() > deadline {
            return Err(RunError::Failed(format!("frozen jobs did not end in {PATIENCE:?}")));
        }
        for (process, group) in processes.iter_mut().zip(groups) {
            if !process.has_ended() {
                group.thaw().map_err(refused)?;
                sleep(UNIT);
                group.freeze().map_err(refused)?;
            }
        }
    }
    Ok(())
}

fn refused(error: String) -> RunError {
    RunError::Refused(format!("{error}: needs a writable control group"))
}
