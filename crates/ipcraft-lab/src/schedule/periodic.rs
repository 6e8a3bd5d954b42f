//! Periodic tasks as real processes: what happened to their deadlines.
//!
//! By rate monotonic and by earliest deadline first, the dispatcher runs each instance as a job. By
//! a [`Kernel`] policy, the kernel schedules one process for each task.

mod kernel;

use super::dispatch::{self, MAX_JOBS, Options, RunError};
use super::job::Job;
use super::policy::{Id, Spec};
use super::realtime::{Instance, Run, Task};
use super::time::{GRACE, Time};
use super::timeline::Timeline;

pub use kernel::{Kernel, under_linux};

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
