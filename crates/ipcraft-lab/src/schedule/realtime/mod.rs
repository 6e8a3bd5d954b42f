//! Periodic tasks: whether they meet their deadlines, by analysis and by simulation.
//!
//! Every task releases an instance each period. An instance that has not ended at its deadline is
//! abandoned there, and counts as missed.

mod analysis;
mod simulation;

use serde::Serialize;

use super::job::Job;
use super::policy::Id;
use super::time::Time;
use super::timeline::Timeline;

pub use analysis::{Analysis, hyperbolic_product, liu_layland, response_times};
pub use simulation::{MAX_INSTANCES, simulate};

/// The most tasks.
pub const MAX_TASKS: usize = 100;

/// A periodic task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// The name: A, B, …
    pub name: String,
    /// The CPU time of each instance, at most.
    pub compute: Time,
    /// The time between two releases.
    pub period: Time,
    /// The time from a release to its deadline, not above the period.
    pub deadline: Time,
}

/// One release of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// The task.
    pub task: Id,
    /// When it was released.
    pub release: Time,
    /// When it has to have ended.
    pub deadline: Time,
    /// When it ended; `None` if it was abandoned.
    pub end: Option<Time>,
}

/// What happened to periodic tasks, ideal or real.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Segments and decisions; a job is a task.
    pub timeline: Timeline,
    /// Every instance whose deadline was within the run, by release.
    pub instances: Vec<Instance>,
    /// How often an instance stopped before it had ended, and continued later.
    pub preemptions: usize,
    /// How long it was.
    pub length: Time,
}

impl Run {
    /// Returns the instances of a task that missed their deadline.
    pub fn misses(&self, task: Id) -> impl Iterator<Item = &Instance> {
        let missed = |instance: &Instance| instance.end.is_none_or(|end| end > instance.deadline);
        self.instances.iter().filter(move |instance| instance.task == task && missed(instance))
    }

    /// Returns the longest response of a task, if all its instances ended.
    pub fn worst_response(&self, task: Id) -> Option<Time> {
        let own = self.instances.iter().filter(|instance| instance.task == task);
        own.map(|instance| instance.end.map(|end| end - instance.release)).max_by_key(|response| {
            // An abandoned instance has no response, and is worse than any.
            response.map_or((1, Time::ZERO), |response| (0, response))
        })?
    }
}

impl Task {
    /// Returns the task as a job: a first instance, with period and deadline for the policies.
    pub fn as_job(&self) -> Job {
        let mut job = Job::new(&self.name, Time::ZERO, self.compute);
        (job.period, job.deadline) = (Some(self.period), Some(self.deadline));
        job
    }
}

/// Why a text describes no tasks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// A task has another form.
    #[error("{0:?} is no task: write COMPUTE/PERIOD or COMPUTE/PERIOD/DEADLINE, such as 2/5,4/7")]
    Form(String),
    /// A number cannot be used.
    #[error("task {0:?}: {1}")]
    Value(String, String),
    /// There are too many.
    #[error("{0} tasks: at most {MAX_TASKS}")]
    TooMany(usize),
}

/// Reads tasks such as `2/5,4/7` or `1/4/3`: compute, period, and a deadline within the period.
///
/// # Errors
/// [`TaskError`] names the task and what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Task>, TaskError> {
    let words: Vec<&str> = text.split(',').collect();
    if words.len() > MAX_TASKS {
        return Err(TaskError::TooMany(words.len()));
    }
    words.into_iter().enumerate().map(|(index, word)| parse_one(index, word.trim())).collect()
}

fn parse_one(index: usize, word: &str) -> Result<Task, TaskError> {
    let time =
        |text: &str| text.parse::<Time>().map_err(|error| TaskError::Value(word.into(), error.to_string()));
    let numbers: Vec<&str> = word.split('/').collect();
    let (compute, period, deadline) = match *numbers.as_slice() {
        [compute, period] => (time(compute)?, time(period)?, time(period)?),
        [compute, period, deadline] => (time(compute)?, time(period)?, time(deadline)?),
        _ => return Err(TaskError::Form(word.into())),
    };
    if compute.is_zero() || deadline.is_zero() {
        return Err(TaskError::Value(word.into(), "every number must be above 0".into()));
    }
    if compute > deadline || deadline > period {
        let problem = "the compute time must fit into the deadline, and the deadline into the period";
        return Err(TaskError::Value(word.into(), problem.into()));
    }
    Ok(Task { name: name(index), compute, period, deadline })
}

/// Returns A, B, …, Z, then T27, T28, …
fn name(index: usize) -> String {
    match u8::try_from(index) {
        Ok(letter) if letter < 26 => char::from(b'A' + letter).to_string(),
        _ => format!("T{}", index + 1),
    }
}
