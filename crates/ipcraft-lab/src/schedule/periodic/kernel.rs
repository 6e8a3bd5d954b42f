//! Periodic tasks under the kernel's own policies.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant as Moment};

use ipcraft::signal::Signal;
use ipcraft_bench::pin;
use ipcraft_step::Child;

use super::super::dispatch::board::{Board, Word};
use super::super::dispatch::process::Process;
use super::super::dispatch::{CorePair, MAX_SECONDS, Options, RunError, Scale, job};
use super::super::realtime::{Instance, Run, Task};
use super::super::record::{self, Record, monotonic_ns};
use super::super::time::Time;
use super::super::timeline::{Segment, Timeline, What};
use super::{graced, instances};
use crate::sys::LinuxPolicy;

/// The time in which all processes are woken.
const HEAD_START: Duration = Duration::from_millis(20);
/// Between two checks of processes that run.
const POLL: Duration = Duration::from_millis(5);
/// The time after which a task that has not ended is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// The run time is reserved with 1/20 in addition, for the work around an instance.
const RESERVE: u32 = 20;
/// The priority of the task with the shortest period. The next ones follow below it.
const HIGHEST: u32 = 98;

/// A policy by which the kernel runs periodic tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// `SCHED_DEADLINE`: the earliest deadline first, on all cores.
    Deadline,
    /// Rate monotonic by priorities of `SCHED_FIFO` that never change, on one core.
    RateMonotonic,
}

impl FromStr for Kernel {
    type Err = ();

    fn from_str(text: &str) -> Result<Kernel, ()> {
        [Kernel::Deadline, Kernel::RateMonotonic].into_iter().find(|kernel| kernel.name() == text).ok_or(())
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Kernel {
    /// Returns the name, as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Deadline => "linux:deadline",
            Kernel::RateMonotonic => "linux:rm",
        }
    }

    /// Returns what it does.
    pub fn title(self) -> &'static str {
        match self {
            Kernel::Deadline => "the kernel's earliest deadline first, on all cores",
            Kernel::RateMonotonic => "SCHED_FIFO, the shortest period first, without a dispatcher",
        }
    }

    /// Returns the policy of each task.
    fn policies(self, tasks: &[Task], scale: Scale) -> Result<Vec<LinuxPolicy>, RunError> {
        match self {
            Kernel::Deadline => Ok(tasks.iter().map(|task| reservation(task, scale)).collect()),
            Kernel::RateMonotonic => by_period(tasks),
        }
    }
}

/// Equal periods are ordered as the tasks are.
fn by_period(tasks: &[Task]) -> Result<Vec<LinuxPolicy>, RunError> {
    if tasks.len() > HIGHEST as usize {
        let text = format!("{} tasks: SCHED_FIFO has priorities for {HIGHEST}", tasks.len());
        return Err(RunError::Jobs(text));
    }
    let rank = |id: usize| {
        let key = |id: usize| (tasks[id].period, id);
        (0..tasks.len()).filter(|&other| key(other) < key(id)).count() as u32
    };
    Ok((0..tasks.len()).map(|id| LinuxPolicy::Fifo { priority: HIGHEST - rank(id) }).collect())
}

fn reservation(task: &Task, scale: Scale) -> LinuxPolicy {
    let duration = |time: Time| Duration::from_nanos(scale.ns(time));
    let (compute, deadline) = (duration(task.compute), duration(task.deadline));
    let runtime = (compute + compute / RESERVE).min(deadline);
    LinuxPolicy::Deadline { runtime, deadline, period: duration(task.period) }
}

/// Runs the tasks under a policy of the kernel, one process for each.
///
/// # Errors
///
/// [`RunError::Refused`] names the missing right, or that too much is reserved.
pub fn under_linux(tasks: &[Task], kernel: Kernel, length: Time, options: &Options) -> Result<Run, RunError> {
    let mut instances = instances(tasks, length)?;
    let scale = Scale::new(options.unit)?;
    let seconds = scale.ns(length) / 1_000_000_000;
    if seconds > MAX_SECONDS {
        return Err(RunError::TooLong(seconds));
    }
    let policies = kernel.policies(tasks, scale)?;
    let cores = CorePair::choose(options.cpu)?;
    let core = (kernel == Kernel::RateMonotonic).then_some(cores.jobs);
    let board = Board::new(tasks.len())?;
    // A thread of its own starts the processes: they end with it.
    let run = || {
        pin(cores.dispatcher);
        Tasks { tasks, instances: &instances, policies: &policies, core, scale }.run(&board)
    };
    let (start_ns, records) = thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_| Err(RunError::Failed("the thread of the tasks has panicked".into())))?;
    let time = |ns: u64| scale.time(ns.saturating_sub(start_ns));
    let mut timeline = Timeline::new(tasks.len());
    for (id, record) in records.iter().enumerate() {
        let own = instances.iter_mut().filter(|instance| instance.task == id);
        for (instance, end) in own.zip(ends(record)) {
            instance.end = Some(graced(time(end), instance.deadline));
        }
        let segment = |run: &record::Span| Segment {
            job: id,
            from: time(run.from),
            to: time(run.to),
            what: What::Running,
        };
        timeline.segments.extend(record.runs.iter().map(segment));
    }
    timeline.segments.sort_by_key(|segment| (segment.from, segment.job));
    Ok(Run { timeline, instances, preemptions: preemptions(&records), length })
}

/// Returns when each instance ended: at the pause before the next one, or at the last work.
fn ends(record: &Record) -> impl Iterator<Item = u64> {
    let last = record.runs.last().map(|run| run.to);
    record.blocked.iter().map(|pause| pause.from).chain(last)
}

/// Returns how often another task began to run before an instance had ended.
fn preemptions(records: &[Record]) -> usize {
    let ended: HashSet<(usize, u64)> =
        records.iter().enumerate().flat_map(|(id, record)| ends(record).map(move |end| (id, end))).collect();
    let runs = records.iter().enumerate();
    let mut runs: Vec<(u64, u64, usize)> =
        runs.flat_map(|(id, record)| record.runs.iter().map(move |run| (run.from, run.to, id))).collect();
    runs.sort_unstable();
    let is_preemption = |pair: &&[(u64, u64, usize)]| {
        let ((_, end, id), (from, _, next)) = (pair[0], pair[1]);
        id != next && from >= end && !ended.contains(&(id, end))
    };
    runs.windows(2).filter(is_preemption).count()
}

/// The processes of a run.
struct Tasks<'a> {
    tasks: &'a [Task],
    instances: &'a [Instance],
    policies: &'a [LinuxPolicy],
    /// The core of all tasks, if they share one.
    core: Option<usize>,
    scale: Scale,
}

impl Tasks<'_> {
    /// Starts one process for each task, and waits until all have ended. Returns the common
    /// release, and when each task ran.
    fn run(&self, board: &Board) -> Result<(u64, Vec<Record>), RunError> {
        let mut processes = Vec::with_capacity(self.tasks.len());
        for (id, task) in self.tasks.iter().enumerate() {
            let own = self.instances.iter().filter(|instance| instance.task == id);
            let releases: Vec<u64> = own.map(|instance| self.scale.ns(instance.release)).collect();
            let desk = board.desk(id);
            let child = Child::try_start(|| {
                self.core.map(pin);
                job::repeat(desk, &releases, self.scale.ns(task.compute));
            })?;
            processes.push(Process::new(id, child, desk)?);
        }
        for (process, policy) in processes.iter().zip(self.policies) {
            process.pidfd.wait_stopped()?;
            policy.set(process.pid())?;
        }
        let start_ns = monotonic_ns() + HEAD_START.as_nanos() as u64;
        for process in &processes {
            process.desk.set(Word::Start, start_ns);
            process.pidfd.send_signal(Signal::CONT)?;
        }
        self.wait(&mut processes)?;
        let record = |process: &Process<'_>| record::read(board, process.id, process.cpu_ns());
        let records: Vec<Record> = processes.iter().map(record).collect();
        match records.iter().position(|record| record.lost > 0) {
            Some(id) => {
                let name = &self.tasks[id].name;
                Err(RunError::Failed(format!("task {name} was interrupted too often to be recorded")))
            }
            None => Ok((start_ns, records)),
        }
    }

    fn wait(&self, processes: &mut [Process<'_>]) -> Result<(), RunError> {
        let last = self.instances.iter().map(|instance| instance.deadline).max().unwrap_or_default();
        let limit = Moment::now() + Duration::from_nanos(self.scale.ns(last)) + PATIENCE;
        while !processes.iter_mut().all(Process::has_ended) {
            if Moment::now() > limit {
                return Err(RunError::Failed("a task did not end in time".into()));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}
