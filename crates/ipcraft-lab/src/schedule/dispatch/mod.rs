//! A policy that schedules real processes on one core.
//!
//! The jobs are children of the dispatcher. Each computes until its own CPU clock has reached
//! the end of its burst, and blocks in a pipe for its I/O. The dispatcher lets one of them run at a
//! time, by [`Way::Signals`] or [`Way::Priorities`]. The same policy object runs in
//! exact time in [`ideal`](super::ideal).

pub(crate) mod board;
pub(crate) mod device;
mod engine;
pub(crate) mod job;
mod priorities;
pub(crate) mod process;
pub(crate) mod report;
mod signals;
mod start;

use std::thread;
use std::time::Duration;

use ipcraft_bench::Cores;
use serde::Serialize;

use super::Metrics;
use super::job::Job;
use super::policy::{Id, Policy};
use super::record::{Record, RecordCheck};
use super::time::{TICKS_PER_UNIT, Time};
use super::timeline::Timeline;
use crate::sys::PolicyError;

pub use job::hash_chain;
pub use report::{Agreement, JobReport};
pub(crate) use start::precise_timers;

/// The most jobs of a real run: each is a process with some descriptors.
pub const MAX_JOBS: usize = 200;
/// The longest run.
pub const MAX_SECONDS: u64 = 600;
/// A unit is a multiple of this, so that a tick is a whole number of nanoseconds.
const UNIT_STEP: Duration = Duration::from_micros(10);
/// The shortest unit. A switch by signals takes some 50 us.
const MIN_UNIT: Duration = Duration::from_micros(500);
const MAX_UNIT: Duration = Duration::from_secs(10);

/// How the dispatcher lets one job run and keeps the others from the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// `SIGSTOP`, confirmed by waitid(2), and `SIGCONT`. Needs no right.
    Signals,
    /// `SCHED_FIFO`: the dispatcher above the running job, and that above all others.
    Priorities,
}

/// What counts as time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The wall clock. Quanta are CPU time of the running job.
    Wall,
    /// CPU time that jobs have used, plus idle time. A job stops itself when its CPU clock reaches
    /// the quantum or the next arrival, so other load changes no decision.
    Service,
}

/// How a run is done.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How the dispatcher switches.
    pub way: Way,
    /// What counts as time.
    pub clock: Clock,
    /// The length of a unit.
    pub unit: Duration,
    /// The core of the jobs; `None` chooses one.
    pub cpu: Option<usize>,
    /// Whether decisions come with their reasons.
    pub explained: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            way: Way::Signals,
            clock: Clock::Wall,
            unit: Duration::from_millis(10),
            cpu: None,
            explained: false,
        }
    }
}

/// What happened in a real run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// What ran when.
    pub timeline: Timeline,
    /// Its metrics.
    pub metrics: Metrics,
    /// What became of each job.
    pub jobs: Vec<JobReport>,
    /// The median time from the last work of a job to the first of the next one, in nanoseconds.
    pub switch_ns: Option<u64>,
    /// The jobs' own records against the CPU clocks and each other.
    pub check: RecordCheck,
    /// When each job ran on the wall clock.
    pub records: Vec<Record>,
    /// How often the running job was found stopped by another process, and was continued.
    pub interferences: u64,
    /// The core of the jobs.
    pub cpu: usize,
    /// The core of the dispatcher.
    pub dispatcher_cpu: usize,
    /// How it switched.
    pub way: Way,
    /// What counted as time.
    pub clock: Clock,
}

/// Why jobs cannot be run for real.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// More than [`MAX_JOBS`].
    #[error("{0} jobs: a real run has at most {MAX_JOBS}, as each is a process; compute only the ideal")]
    TooManyJobs(usize),
    /// Longer than [`MAX_SECONDS`].
    #[error("the jobs take {0} s: a real run takes at most {MAX_SECONDS} s; choose a shorter unit")]
    TooLong(u64),
    /// The unit is out of range.
    #[error("unit {0:?}: choose a multiple of 10 us from {MIN_UNIT:?} to {MAX_UNIT:?}")]
    Unit(Duration),
    /// This process may not use the core.
    #[error("core {0} is not allowed for this process; choose from {1:?}")]
    Core(usize, Vec<usize>),
    /// The jobs lack what the policy needs of them.
    #[error("{0}")]
    Jobs(String),
    /// A right is missing.
    #[error("{0}")]
    Refused(String),
    /// A job or the device does not answer.
    #[error("job {job}: {what}: it did not answer in {MAX_SILENCE:?}")]
    Silent {
        /// The job.
        job: Id,
        /// What was expected.
        what: &'static str,
    },
    /// A call failed.
    #[error("cannot run the jobs: {0}")]
    Failed(String),
}

/// The longest time in which a job that should run does not get its core, or the device no answer
/// out.
const MAX_SILENCE: Duration = Duration::from_secs(20);

impl From<ipcraft::Error> for RunError {
    fn from(error: ipcraft::Error) -> RunError {
        RunError::Failed(error.to_string())
    }
}

impl From<nix::Error> for RunError {
    fn from(error: nix::Error) -> RunError {
        RunError::Failed(error.to_string())
    }
}

impl From<PolicyError> for RunError {
    fn from(error: PolicyError) -> RunError {
        RunError::Refused(error.to_string())
    }
}

/// Nanoseconds and ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    tick_ns: u64,
}

impl Scale {
    pub(crate) fn new(unit: Duration) -> Result<Scale, RunError> {
        let is_whole = unit.as_nanos().is_multiple_of(UNIT_STEP.as_nanos());
        if !is_whole || !(MIN_UNIT..=MAX_UNIT).contains(&unit) {
            return Err(RunError::Unit(unit));
        }
        Ok(Scale { tick_ns: unit.as_nanos() as u64 / TICKS_PER_UNIT })
    }

    pub(crate) fn ns(self, time: Time) -> u64 {
        time.ticks().saturating_mul(self.tick_ns)
    }

    pub(crate) fn time(self, ns: u64) -> Time {
        Time::from_ticks((ns + self.tick_ns / 2) / self.tick_ns)
    }
}

/// The cores of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CorePair {
    pub(crate) jobs: usize,
    pub(crate) dispatcher: usize,
}

impl CorePair {
    /// The dispatcher gets a core of its own, if there is one.
    pub(crate) fn choose(cpu: Option<usize>) -> Result<CorePair, RunError> {
        let cores = Cores::of_this_process();
        let allowed = cores.allowed();
        if let Some(cpu) = cpu.filter(|cpu| !allowed.contains(cpu)) {
            return Err(RunError::Core(cpu, allowed.to_vec()));
        }
        let used = cores.used();
        let jobs = cpu.or_else(|| used.last().copied()).unwrap_or(0);
        let dispatcher = used.iter().chain(allowed).copied().find(|&core| core != jobs).unwrap_or(jobs);
        Ok(CorePair { jobs, dispatcher })
    }
}

/// Runs the jobs as processes, scheduled by the policy.
///
/// The jobs and the dispatcher's thread end with this call, or with this process.
///
/// # Errors
///
/// [`RunError`] if the jobs, unit or core cannot be used, a right is missing, or a call fails. A
/// job that is killed is no error: its [`JobReport`] states it.
pub fn run(jobs: &[Job], policy: &mut dyn Policy, options: &Options) -> Result<Run, RunError> {
    let scale = check(jobs, options)?;
    let cores = CorePair::choose(options.cpu)?;
    // A thread of its own: the core and the priority of the caller stay as they are.
    let dispatcher = || engine::run(jobs, policy, options, scale, cores);
    thread::scope(|scope| scope.spawn(dispatcher).join())
        .unwrap_or_else(|_| Err(RunError::Failed("the dispatcher has panicked".into())))
}

pub(crate) fn check(jobs: &[Job], options: &Options) -> Result<Scale, RunError> {
    let scale = Scale::new(options.unit)?;
    if jobs.len() > MAX_JOBS {
        return Err(RunError::TooManyJobs(jobs.len()));
    }
    let last = jobs.iter().map(|job| job.arrival).max().unwrap_or_default();
    let total = jobs.iter().fold(last, |sum, job| sum + job.length() + job.blocked());
    let seconds = scale.ns(total) / 1_000_000_000;
    if seconds > MAX_SECONDS { Err(RunError::TooLong(seconds)) } else { Ok(scale) }
}
