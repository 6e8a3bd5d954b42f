//! The same jobs under Linux's own policies, without a dispatcher.
//!
//! Each job is a process that sleeps until its arrival, and then competes with the others on one
//! core. Beside it stands the model of the policy: shares by weight, or the exact schedule of
//! priorities.

use std::fmt;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use ipcraft::event::EventFd;
use ipcraft::signal::Signal;
use ipcraft_bench::pin;
use ipcraft_step::Child;
use nix::unistd::setsid;
use serde::Serialize;

use super::dispatch::board::{Board, Word};
use super::dispatch::process::Process;
use super::dispatch::{CorePair, JobReport, Options, RunError, Scale, check, job, report};
use super::job::Job;
use super::policy::Spec;
use super::record::{self, Record, monotonic_ns};
use super::time::Time;
use super::timeline::Timeline;
use super::{Metrics, ideal, sharing};
use crate::machine::check_autogroup;
use crate::sys::LinuxPolicy;
use crate::sys::policy::round_robin_interval;

/// The kernel's weights of nice 0 to 19 (`sched_prio_to_weight`).
const WEIGHTS: [f64; 20] = [
    1024., 820., 655., 526., 423., 335., 272., 215., 172., 137., 110., 87., 70., 56., 45., 36., 29., 23.,
    18., 15.,
];
/// The kernel's weight of `SCHED_IDLE`.
const IDLE_WEIGHT: f64 = 3.0;
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
/// The slices that the kernel accepts as they are.
const SLICES: std::ops::RangeInclusive<Duration> = Duration::from_micros(100)..=Duration::from_millis(100);

/// One of Linux's policies for a set of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `SCHED_OTHER`; the priority of a job is its nice value.
    Other,
    /// `SCHED_BATCH`; the priority of a job is its nice value.
    Batch,
    /// `SCHED_IDLE` for jobs of a priority other than 0, and `SCHED_OTHER` for the rest.
    Idle,
    /// `SCHED_OTHER` with a slice of one's own; the priority of a job is its nice value.
    Slice(Duration),
    /// `SCHED_OTHER`, where each owner has a session, and so an autogroup.
    Autogroup,
    /// `SCHED_FIFO`; a high priority goes first.
    Fifo,
    /// `SCHED_RR`; a high priority goes first.
    RoundRobin,
}

/// The forms of [`Kind`] as they are written, each with a description.
pub const FORMS: &[(&str, &str)] = &[
    ("linux:other", "SCHED_OTHER; priorities are nice values from 0 to 19"),
    ("linux:batch", "SCHED_BATCH; priorities are nice values from 0 to 19"),
    ("linux:idle", "SCHED_IDLE for jobs of a priority other than 0"),
    ("linux:slice=TIME", "SCHED_OTHER with slices from 100us to 100ms (Linux 6.12)"),
    ("linux:autogroup", "SCHED_OTHER with a session for each owner"),
    ("linux:fifo", "SCHED_FIFO; priorities from 1 to 99, high first"),
    ("linux:rr", "SCHED_RR; priorities from 1 to 99, high first"),
];

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        match text.strip_prefix("linux:").unwrap_or(text) {
            "other" => Ok(Kind::Other),
            "batch" => Ok(Kind::Batch),
            "idle" => Ok(Kind::Idle),
            "autogroup" => Ok(Kind::Autogroup),
            "fifo" => Ok(Kind::Fifo),
            "rr" => Ok(Kind::RoundRobin),
            other => other.strip_prefix("slice=").and_then(slice).map(Kind::Slice).ok_or_else(|| {
                let forms: Vec<&str> = FORMS.iter().map(|(form, _)| *form).collect();
                format!("{text:?} is no policy of Linux: choose {}", forms.join(", "))
            }),
        }
    }
}

/// Reads a slice such as 3ms or 500us.
fn slice(text: &str) -> Option<Duration> {
    let (number, unit): (&str, fn(u64) -> Duration) = match text.strip_suffix("us") {
        Some(number) => (number, Duration::from_micros),
        None => (text.strip_suffix("ms")?, Duration::from_millis),
    };
    number.parse().ok().map(unit).filter(|slice| SLICES.contains(slice))
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Other => f.write_str("linux:other"),
            Kind::Batch => f.write_str("linux:batch"),
            Kind::Idle => f.write_str("linux:idle"),
            Kind::Slice(slice) => write!(f, "linux:slice={}us", slice.as_micros()),
            Kind::Autogroup => f.write_str("linux:autogroup"),
            Kind::Fifo => f.write_str("linux:fifo"),
            Kind::RoundRobin => f.write_str("linux:rr"),
        }
    }
}

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
    if jobs.iter().any(|job| job.bursts.len() > 1) {
        return Err(RunError::Jobs("a policy of Linux takes jobs without I/O here".into()));
    }
    let policies: Vec<LinuxPolicy> = jobs.iter().map(|job| policy(job, kind)).collect::<Result<_, _>>()?;
    let sessions = if kind == Kind::Autogroup { sessions(jobs)? } else { vec![false; jobs.len()] };
    let competition =
        Competition { jobs, kind, policies, sessions, scale, cores: CorePair::choose(options.cpu)? };
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
        Kind::Idle | Kind::Autogroup => LinuxPolicy::DEFAULT,
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
    scale: Scale,
    cores: CorePair,
}

impl Competition<'_> {
    fn run(&self) -> Result<LinuxRun, RunError> {
        pin(self.cores.dispatcher);
        let board = Board::new(self.jobs.len())?;
        let bell = EventFd::new(0)?;
        let mut processes = self.start(&board, &bell)?;
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
        self.wait(&mut processes)?;
        Ok(self.result(&board, &processes, start_ns, quantum))
    }

    /// Starts the processes, each stopped and with its policy.
    fn start<'b>(&self, board: &'b Board, bell: &EventFd) -> Result<Vec<Process<'b>>, RunError> {
        let mut processes = Vec::with_capacity(self.jobs.len());
        for (id, job) in self.jobs.iter().enumerate() {
            let desk = board.desk(id);
            desk.set(Word::Limit, u64::MAX);
            desk.set(Word::MayRun, 1);
            let child = Child::try_start(|| {
                pin(self.cores.jobs);
                if self.sessions[id] {
                    let _ = setsid();
                }
                job::compete(desk, &job.bursts, self.scale, bell);
            })?;
            processes.push(Process::new(id, child, desk)?);
        }
        for (process, policy) in processes.iter().zip(&self.policies) {
            process.pidfd.wait_stopped()?;
            policy.set(process.pid())?;
        }
        Ok(processes)
    }

    /// Waits until all have ended.
    fn wait(&self, processes: &mut [Process<'_>]) -> Result<(), RunError> {
        let last = self.jobs.iter().map(|job| job.arrival).max().unwrap_or_default();
        let total = self.jobs.iter().fold(last, |sum, job| sum + job.length());
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
            thread::sleep(POLL);
        }
    }

    fn result(
        &self,
        board: &Board,
        processes: &[Process<'_>],
        start_ns: u64,
        quantum: Option<Duration>,
    ) -> LinuxRun {
        let jobs = self.jobs;
        let reports: Vec<JobReport> = processes
            .iter()
            .zip(jobs)
            .map(|(process, job)| report::of_job(process, job, self.scale))
            .collect();
        let records: Vec<Record> =
            processes.iter().map(|process| record::read(board, process.id, process.cpu_ns())).collect();
        let mut timeline = Timeline::new(jobs.len());
        report::add_records(&mut timeline, &records, self.scale, start_ns);
        for (end, (process, report)) in timeline.ends.iter_mut().zip(processes.iter().zip(&reports)) {
            let last = process.desk.get(Word::Last).saturating_sub(start_ns);
            *end = report.died.is_none().then_some(self.scale.time(last));
        }
        LinuxRun {
            metrics: Metrics::of(jobs, &timeline),
            shares: shares(jobs, &timeline),
            timeline,
            jobs: reports,
            model_ends: self.model_ends(quantum),
            model_shares: self.model_shares(),
            quantum,
            records,
            cpu: self.cores.jobs,
        }
    }

    fn model_ends(&self, quantum: Option<Duration>) -> Option<Vec<Time>> {
        let of_priority = |quantum: Option<Time>| {
            let spec = Spec::Priority { low_first: false, ageing: false, quantum };
            let timeline = ideal::run(self.jobs, &mut *spec.policy(), false).ok()?;
            timeline.ends.into_iter().collect()
        };
        match self.kind {
            Kind::Autogroup => None,
            Kind::Fifo => of_priority(None),
            Kind::RoundRobin => {
                of_priority(quantum.map(|quantum| self.scale.time(quantum.as_nanos() as u64)))
            }
            _ => Some(sharing::ends(self.jobs, &self.weights())),
        }
    }

    fn model_shares(&self) -> Option<Vec<f64>> {
        if matches!(self.kind, Kind::Fifo | Kind::RoundRobin) {
            return None;
        }
        let weights = self.weights();
        let total: f64 = weights.iter().sum();
        Some(weights.iter().map(|weight| weight / total).collect())
    }

    /// The weight of each job. Sessions have equal weights, which their jobs share.
    fn weights(&self) -> Vec<f64> {
        let together = self.sessions.iter().filter(|own| !**own).count() as f64;
        let weight = |(policy, own): (&LinuxPolicy, &bool)| match policy {
            LinuxPolicy::Idle => IDLE_WEIGHT,
            LinuxPolicy::Other { nice, .. } | LinuxPolicy::Batch { nice, .. } => {
                let grouped = self.kind == Kind::Autogroup && !own;
                WEIGHTS[*nice as usize] / if grouped { together } else { 1.0 }
            }
            _ => WEIGHTS[0],
        };
        self.policies.iter().zip(&self.sessions).map(weight).collect()
    }
}

/// Returns the share of each job between the last arrival and the first end.
fn shares(jobs: &[Job], timeline: &Timeline) -> Vec<f64> {
    let from = jobs.iter().map(|job| job.arrival).max().unwrap_or_default();
    let to = timeline.ends.iter().flatten().copied().min().unwrap_or_default();
    let mut got = vec![0.0; jobs.len()];
    for segment in timeline.running() {
        got[segment.job] += (segment.to.min(to) - segment.from.max(from)).as_units();
    }
    let total: f64 = got.iter().sum();
    got.iter().map(|got| if total > 0.0 { got / total } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_is_read_and_unknown_one_names_the_forms() {
        for (form, _) in FORMS.iter().filter(|(form, _)| !form.contains("TIME")) {
            assert_eq!(form.parse::<Kind>().unwrap().to_string(), *form);
        }
        assert_eq!("linux:slice=3ms".parse(), Ok(Kind::Slice(Duration::from_millis(3))));
        for text in ["linux:cfs", "linux:slice=1us", "linux:slice=1s", "linux:slice="] {
            assert!(text.parse::<Kind>().unwrap_err().contains("linux:fifo"), "{text}");
        }
    }
}
