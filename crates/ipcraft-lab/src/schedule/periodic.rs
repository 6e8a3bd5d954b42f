//! Periodic tasks as real processes: what happened to their deadlines.
//!
//! By rate monotonic and by earliest deadline first, the dispatcher runs each instance as a job. By
//! `SCHED_DEADLINE`, the kernel schedules one process for each task, on all cores.

use std::thread;
use std::time::{Duration, Instant as Moment};

use ipcraft::signal::Signal;
use ipcraft_step::Child;

use super::dispatch::board::{Board, Word};
use super::dispatch::process::Process;
use super::dispatch::{self, MAX_JOBS, Options, RunError, Scale, job};
use super::job::Job;
use super::policy::{Id, Spec};
use super::realtime::{Instance, Run, Task};
use super::record::monotonic_ns;
use super::time::{GRACE, Time};
use super::timeline::{Segment, Timeline, What};
use crate::sys::LinuxPolicy;

/// The time in which all processes are woken.
const HEAD_START: Duration = Duration::from_millis(20);
/// Between two checks of processes that run.
const POLL: Duration = Duration::from_millis(5);
/// The time after which a task that has not ended is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// The run time is reserved with 1/20 in addition, for the work around an instance.
const RESERVE: u32 = 20;

/// Runs the tasks by the dispatcher. Instances that miss their deadline continue to their end.
///
/// # Errors
///
/// Those of [`dispatch::run`].
pub fn dispatched(tasks: &[Task], policy: &Spec, length: Time, options: &Options) -> Result<Run, RunError> {
    let instances = instances(tasks, length)?;
    let jobs: Vec<Job> = instances.iter().enumerate().map(|(number, of)| job_of(number, of, tasks)).collect();
    let real = dispatch::run(&jobs, &mut *policy.policy(), options)?;
    let task = |job: Id| instances[job].task;
    let mut timeline = Timeline::new(tasks.len());
    for mut segment in real.timeline.segments {
        segment.job = task(segment.job);
        timeline.push(segment);
    }
    let dispatched = real.timeline.dispatches.len();
    timeline.dispatches = real.timeline.dispatches;
    for dispatch in &mut timeline.dispatches {
        dispatch.job = task(dispatch.job);
    }
    let ends = real.timeline.ends;
    let ended = |(instance, end): (&Instance, &Option<Time>)| Instance {
        end: end.map(|end| graced(end, instance.deadline)),
        ..*instance
    };
    Ok(Run {
        timeline,
        preemptions: dispatched.saturating_sub(instances.len()),
        instances: instances.iter().zip(&ends).map(ended).collect(),
        length,
    })
}

/// In a book an instance can end at its deadline. A real one ends a little later, so a lateness
/// below the grace is none.
fn graced(end: Time, deadline: Time) -> Time {
    if end > deadline && end < deadline + GRACE { deadline } else { end }
}

/// Returns the instances whose deadline is within the run, by release.
fn instances(tasks: &[Task], length: Time) -> Result<Vec<Instance>, RunError> {
    let mut instances = Vec::new();
    for (id, task) in tasks.iter().enumerate() {
        let mut release = Time::ZERO;
        while release + task.deadline <= length {
            instances.push(Instance { task: id, release, deadline: release + task.deadline, end: None });
            release += task.period;
            if instances.len() > MAX_JOBS {
                return Err(RunError::TooManyJobs(instances.len()));
            }
        }
    }
    instances.sort_by_key(|instance| (instance.release, instance.task));
    Ok(instances)
}

fn job_of(number: usize, instance: &Instance, tasks: &[Task]) -> Job {
    let task = &tasks[instance.task];
    let mut job = Job::new(format!("{}{}", task.name, number + 1), instance.release, task.compute);
    (job.period, job.deadline) = (Some(task.period), Some(task.deadline));
    job
}

/// Runs the tasks under `SCHED_DEADLINE`.
///
/// # Errors
///
/// [`RunError::Refused`] names the missing right, or that too much is reserved.
pub fn under_linux(tasks: &[Task], length: Time, options: &Options) -> Result<Run, RunError> {
    let mut instances = instances(tasks, length)?;
    let scale = Scale::new(options.unit)?;
    let seconds = scale.ns(length) / 1_000_000_000;
    if seconds > dispatch::MAX_SECONDS {
        return Err(RunError::TooLong(seconds));
    }
    let board = Board::new(tasks.len())?;
    // A thread of its own starts the processes: they end with it.
    let run = || run_tasks(tasks, &instances, &board, scale);
    let start_ns = thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_| Err(RunError::Failed("the thread of the tasks has panicked".into())))?;
    let mut timeline = Timeline::new(tasks.len());
    for (id, _) in tasks.iter().enumerate() {
        let own = instances.iter_mut().filter(|instance| instance.task == id);
        for (instance, [from, to]) in own.zip(board.desk(id).gaps()) {
            let time = |ns: u64| scale.time(ns.saturating_sub(start_ns));
            instance.end = Some(graced(time(to), instance.deadline));
            timeline.push(Segment { job: id, from: time(from), to: time(to), what: What::Running });
        }
    }
    timeline.segments.sort_by_key(|segment| (segment.from, segment.job));
    Ok(Run { timeline, instances, preemptions: 0, length })
}

/// Starts one process for each task, and waits until all have ended. Returns the common release.
fn run_tasks(tasks: &[Task], instances: &[Instance], board: &Board, scale: Scale) -> Result<u64, RunError> {
    let mut processes = Vec::with_capacity(tasks.len());
    for (id, task) in tasks.iter().enumerate() {
        let releases: Vec<u64> = instances
            .iter()
            .filter(|instance| instance.task == id)
            .map(|instance| scale.ns(instance.release))
            .collect();
        let desk = board.desk(id);
        let child = Child::try_start(|| job::repeat(desk, &releases, scale.ns(task.compute)))?;
        processes.push(Process::new(id, child, desk)?);
    }
    for (process, task) in processes.iter().zip(tasks) {
        process.pidfd.wait_stopped()?;
        reservation(task, scale).set(process.pid())?;
    }
    let start_ns = monotonic_ns() + HEAD_START.as_nanos() as u64;
    for process in &processes {
        process.desk.set(Word::Start, start_ns);
        process.pidfd.send_signal(Signal::CONT)?;
    }
    let last = instances.iter().map(|instance| instance.deadline).max().unwrap_or_default();
    let limit = Moment::now() + Duration::from_nanos(scale.ns(last)) + PATIENCE;
    while !processes.iter_mut().all(Process::has_ended) {
        if Moment::now() > limit {
            return Err(RunError::Failed("a task did not end in time".into()));
        }
        thread::sleep(POLL);
    }
    Ok(start_ns)
}

fn reservation(task: &Task, scale: Scale) -> LinuxPolicy {
    let duration = |time: Time| Duration::from_nanos(scale.ns(time));
    let (compute, deadline) = (duration(task.compute), duration(task.deadline));
    let runtime = (compute + compute / RESERVE).min(deadline);
    LinuxPolicy::Deadline { runtime, deadline, period: duration(task.period) }
}
