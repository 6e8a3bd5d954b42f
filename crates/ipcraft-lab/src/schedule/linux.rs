//! The same jobs under Linux's own policies, without a dispatcher.
//!
//! Each job is a process that sleeps until its arrival, and then competes with the others on one
//! core. Beside it stands the model of the policy: shares by weight, or the exact schedule of
//! priorities.

mod group;
mod kind;
mod model;
mod outcome;

use std::thread;
use std::time::{Duration, Instant};

use ipcraft::event::EventFd;
use ipcraft::pipe;
use ipcraft::signal::Signal;
use ipcraft_bench::pin;
use ipcraft_step::Child;
use nix::unistd::setsid;
use serde::Serialize;

use super::Metrics;
use super::dispatch::board::{Board, Word};
use super::dispatch::device::{Device, answer_pipes};
use super::dispatch::process::Process;
use super::dispatch::{CorePair, JobReport, Options, RunError, Scale, check, job, precise_timers};
use super::job::Job;
use super::record::{Record, monotonic_ns};
use super::time::Time;
use super::timeline::Timeline;
use crate::machine::check_autogroup;
use crate::sys::LinuxPolicy;
use crate::sys::policy::round_robin_interval;

pub use group::GroupWeight;
use group::JobGroups;
pub use kind::{FORMS, Kind};

/// Above every job.
const DEVICE: LinuxPolicy = LinuxPolicy::Fifo { priority: 99 };
/// The time in which all processes are woken.
const HEAD_START: Duration = Duration::from_millis(20);
/// Jobs that arrive at one moment are this far apart, in the order of the list.
const TIE_NS: u64 = 50_000;
/// A busy machine takes longer than the jobs' lengths by less than this factor.
const SLOWEST: u32 = 50;
/// The time in addition to that.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two checks of processes that run.
const POLL: Duration = Duration::from_millis(5);
/// What happened, beside the model.
#[derive(Clone, Debug, Serialize)]
pub struct LinuxRun {
    /// What ran when.
    pub timeline: Timeline,
    /// Its metrics.
    pub metrics: Metrics,
    /// What became of each job.
    pub jobs: Vec<JobReport>,
    /// When each job ended by the model, if that covers these jobs.
    pub model_ends: Option<Vec<Time>>,
    /// The share of each job of the CPU time, while all jobs compete.
    pub shares: Vec<f64>,
    /// The shares of the model.
    pub model_shares: Option<Vec<f64>>,
    /// The quantum of `SCHED_RR`.
    pub quantum: Option<Duration>,
    /// How the weights of control groups were set, if the policy has some.
    pub group_weight: Option<GroupWeight>,
    /// When each job ran.
    pub records: Vec<Record>,
    /// The core of the jobs.
    pub cpu: usize,
}

/// Runs the jobs under one of Linux's policies.
///
/// # Errors
///
/// [`RunError::Refused`] names what this machine lacks, [`RunError::Jobs`] what the jobs lack. The
/// other errors are those of [`dispatch::run`](super::dispatch::run).
pub fn run(jobs: &[Job], kind: Kind, options: &Options) -> Result<LinuxRun, RunError> {
    let scale = check(jobs, options)?;
    let policies: Vec<LinuxPolicy> = jobs.iter().map(|job| policy(job, kind)).collect::<Result<_, _>>()?;
    let sessions = if kind == Kind::Autogroup { sessions(jobs)? } else { vec![false; jobs.len()] };
    let groups = (kind == Kind::Weight).then(|| JobGroups::create(jobs)).transpose()?;
    let cores = CorePair::choose(options.cpu)?;
    let competition = Competition { jobs, kind, policies, sessions, groups, scale, cores };
    // A thread of its own: the core of the caller stays as it is.
    thread::scope(|scope| scope.spawn(|| competition.run()).join())
        .unwrap_or_else(|_| Err(RunError::Failed("the thread of the jobs has panicked".into())))
}

fn policy(job: &Job, kind: Kind) -> Result<LinuxPolicy, RunError> {
    let number = |range: std::ops::RangeInclusive<i64>, what: &str| {
        let (least, most) = (range.start(), range.end());
        let text = format!("job {}: {what} {}: from {least} to {most}", job.name, job.priority);
        if range.contains(&job.priority) { Ok(job.priority as i32) } else { Err(RunError::Jobs(text)) }
    };
    let nice = || number(0..=19, "nice value");
    // A job without a priority gets the lowest one.
    let priority = || number(0..=99, "priority").map(|priority| priority.max(1).unsigned_abs());
    Ok(match kind {
        Kind::Other => LinuxPolicy::Other { nice: nice()?, slice: None },
        Kind::Batch => LinuxPolicy::Batch { nice: nice()?, slice: None },
        Kind::Slice(slice) => LinuxPolicy::Other { nice: nice()?, slice: Some(slice) },
        Kind::Idle if job.priority != 0 => LinuxPolicy::Idle,
        Kind::Idle | Kind::Autogroup | Kind::Weight => LinuxPolicy::DEFAULT,
        Kind::Fifo => LinuxPolicy::Fifo { priority: priority()? },
        Kind::RoundRobin => LinuxPolicy::RoundRobin { priority: priority()? },
    })
}

/// Returns which jobs get a session of their own. The jobs of the first owner share this one.
fn sessions(jobs: &[Job]) -> Result<Vec<bool>, RunError> {
    check_autogroup().map_err(|reason| RunError::Refused(format!("autogroup: {reason}")))?;
    let own: Vec<bool> = jobs.iter().map(|job| job.owner != jobs[0].owner).collect();
    for (job, _) in jobs.iter().zip(&own).filter(|(_, own)| **own) {
        if jobs.iter().filter(|other| other.owner == job.owner).count() > 1 {
            let text = format!("owner {}: only the first owner may have several jobs", job.owner);
            return Err(RunError::Jobs(text));
        }
    }
    Ok(own)
}

/// Jobs that compete for one core.
struct Competition<'a> {
    jobs: &'a [Job],
    kind: Kind,
    policies: Vec<LinuxPolicy>,
    /// Which jobs have a session of their own.
    sessions: Vec<bool>,
    /// The control groups of the jobs, if the policy has some.
    groups: Option<JobGroups>,
    scale: Scale,
    cores: CorePair,
}

impl Competition<'_> {
    fn run(&self) -> Result<LinuxRun, RunError> {
        pin(self.cores.dispatcher);
        let board = Board::new(self.jobs.len())?;
        let bell = EventFd::new(0)?;
        let (readers, answers) = answer_pipes(self.jobs)?;
        let device = self.start_device(&board, &bell, &answers)?;
        let mut processes = self.start(&board, &bell, readers, device.as_ref())?;
        let quantum = match self.kind {
            Kind::RoundRobin => Some(round_robin_interval(processes[0].pid())?),
            _ => None,
        };
        let start_ns = monotonic_ns() + HEAD_START.as_nanos() as u64;
        for (process, job) in processes.iter().zip(self.jobs) {
            let tie = TIE_NS * process.id as u64;
            process.desk.set(Word::Start, start_ns + self.scale.ns(job.arrival) + tie);
            process.pidfd.send_signal(Signal::CONT)?;
        }
        self.wait(&mut processes, device.as_ref())?;
        Ok(self.result(&board, &processes, start_ns, quantum))
    }

    /// Starts the device, if a job has I/O.
    fn start_device(
        &self,
        board: &Board,
        bell: &EventFd,
        answers: &[Option<pipe::Writer>],
    ) -> Result<Option<Device>, RunError> {
        if answers.iter().all(Option::is_none) {
            return Ok(None);
        }
        let setup = || {
            pin(self.cores.dispatcher);
            precise_timers();
            if self.is_real_time() {
                // On the core of the jobs it must come before them.
                let _ = DEVICE.set_own();
            }
        };
        Ok(Some(Device::start(board, bell, answers, setup)?))
    }

    fn is_real_time(&self) -> bool {
        matches!(self.kind, Kind::Fifo | Kind::RoundRobin)
    }

    /// Starts the processes, each stopped and with its policy.
    fn start<'b>(
        &self,
        board: &'b Board,
        bell: &EventFd,
        answers: Vec<Option<pipe::Reader>>,
        device: Option<&Device>,
    ) -> Result<Vec<Process<'b>>, RunError> {
        let mut processes = Vec::with_capacity(self.jobs.len());
        for ((id, job), answers) in self.jobs.iter().enumerate().zip(answers) {
            let desk = board.desk(id);
            desk.set(Word::Limit, u64::MAX);
            desk.set(Word::MayRun, 1);
            let child = Child::try_start(|| {
                pin(self.cores.jobs);
                if self.sessions[id] {
                    let _ = setsid();
                }
                job::compete(
                    desk,
                    &job.bursts,
                    self.scale,
                    bell,
                    (answers, device.map(|device| (device, id))),
                );
            })?;
            processes.push(Process::new(id, child, desk)?);
        }
        for (process, policy) in processes.iter().zip(&self.policies) {
            process.pidfd.wait_stopped()?;
            policy.set(process.pid())?;
            if let Some(groups) = &self.groups {
                groups.add(process.id, process.pid())?;
            }
        }
        Ok(processes)
    }

    /// Waits until all have ended.
    fn wait(&self, processes: &mut [Process<'_>], device: Option<&Device>) -> Result<(), RunError> {
        let last = self.jobs.iter().map(|job| job.arrival).max().unwrap_or_default();
        let total = self.jobs.iter().fold(last, |sum, job| sum + job.length() + job.blocked());
        let deadline = Instant::now() + Duration::from_nanos(self.scale.ns(total)) * SLOWEST + PATIENCE;
        loop {
            let living =
                processes.iter_mut().filter_map(|process| (!process.has_ended()).then_some(&*process));
            let mut count = 0;
            for process in living {
                count += 1;
                // Another process may have stopped it.
                if process.pidfd.try_wait_stopped().is_ok() {
                    let _ = process.pidfd.send_signal(Signal::CONT);
                }
            }
            if count == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(RunError::Failed(format!(
                    "{count} jobs did not end in {SLOWEST} times their length"
                )));
            }
            device.map(Device::check).transpose()?;
            thread::sleep(POLL);
        }
    }
}
