//! Periodic tasks in exact virtual time.

use super::{Instance, Run, Task};
use crate::schedule::policy::{Id, Policy, Stopped};
use crate::schedule::ready::ReadyList;
use crate::schedule::time::Time;
use crate::schedule::timeline::{Dispatch, Segment, Timeline, What};

/// The most instances of one simulation.
pub const MAX_INSTANCES: u64 = 100_000;

/// Runs the tasks by a policy that compares periods or deadlines, from a common release at 0. The
/// run ends after `length`, or earlier if there would be more than [`MAX_INSTANCES`].
pub fn simulate(tasks: &[Task], policy: &mut dyn Policy, length: Time) -> Run {
    let length = length.min(longest(tasks));
    let jobs: Vec<_> = tasks.iter().map(Task::as_job).collect();
    let mut simulation = Simulation {
        tasks,
        list: ReadyList::new(&jobs, policy),
        next_release: vec![Time::ZERO; tasks.len()],
        open: vec![None; tasks.len()],
        running: None,
        now: Time::ZERO,
        run: Run { timeline: Timeline::new(tasks.len()), length, ..Run::default() },
    };
    while simulation.now < length {
        simulation.step();
    }
    simulation.finish()
}

/// Returns the time within which all tasks together release the most instances.
fn longest(tasks: &[Task]) -> Time {
    let rate: f64 = tasks.iter().map(|task| 1.0 / task.period.ticks() as f64).sum();
    Time::from_ticks((MAX_INSTANCES as f64 / rate) as u64)
}

/// An instance that has been released and not ended.
#[derive(Clone, Copy, Debug)]
struct Open {
    instance: Instance,
    left: Time,
    has_run: bool,
}

struct Simulation<'a> {
    tasks: &'a [Task],
    list: ReadyList<'a>,
    next_release: Vec<Time>,
    open: Vec<Option<Open>>,
    /// The running task, and since when.
    running: Option<(Id, Time)>,
    now: Time,
    run: Run,
}

impl Simulation<'_> {
    /// Handles this moment, then advances to the next.
    fn step(&mut self) {
        self.close();
        self.release();
        self.stop_if_preempted();
        if self.running.is_none() {
            self.dispatch();
        }
        let next = self.next_moment();
        if let Some((task, _)) = self.running {
            if let Some(open) = &mut self.open[task] {
                open.left -= next - self.now;
            }
            self.run.timeline.push(Segment { job: task, from: self.now, to: next, what: What::Running });
        }
        self.now = next;
    }

    /// Ends instances that are complete, and abandons those at their deadline.
    fn close(&mut self) {
        for task in 0..self.tasks.len() {
            let Some(open) = self.open[task] else { continue };
            let is_complete = open.left.is_zero();
            if !is_complete && open.instance.deadline > self.now {
                continue;
            }
            match self.running.take_if(|running| running.0 == task) {
                Some((_, since)) => self.list.stop(self.now - since, Stopped::Ended, self.now),
                None => self.list.withdraw(task),
            }
            self.open[task] = None;
            let end = is_complete.then_some(self.now);
            self.run.instances.push(Instance { end, ..open.instance });
        }
    }

    fn release(&mut self) {
        for (id, task) in self.tasks.iter().enumerate() {
            let release = self.next_release[id];
            if release > self.now || release + task.deadline > self.run.length {
                continue;
            }
            self.next_release[id] += task.period;
            let deadline = release + task.deadline;
            let instance = Instance { task: id, release, deadline, end: None };
            self.open[id] = Some(Open { instance, left: task.compute, has_run: false });
            self.list.release(id, release, Some(deadline));
            self.list.arrive(id, self.now);
        }
    }

    fn stop_if_preempted(&mut self) {
        if let Some((_, since)) = self.running {
            let time = self.now - since;
            if self.list.is_preempted(time) {
                self.running = None;
                self.list.stop(time, Stopped::Preempted, self.now);
            }
        }
    }

    fn dispatch(&mut self) {
        let Some(choice) = self.list.pick(self.now) else {
            return;
        };
        if let Some(open) = &mut self.open[choice.job] {
            self.run.preemptions += usize::from(open.has_run);
            open.has_run = true;
        }
        self.run.timeline.dispatches.push(Dispatch { at: self.now, job: choice.job, why: None });
        self.running = Some((choice.job, self.now));
    }

    fn next_moment(&self) -> Time {
        let deadlines = self.open.iter().flatten().map(|open| open.instance.deadline);
        let releases = self.next_release.iter().copied().filter(|&release| release > self.now);
        let end = self.running.and_then(|(task, _)| self.open[task]).map(|open| self.now + open.left);
        deadlines.chain(releases).chain(end).chain([self.run.length]).min().unwrap_or(self.run.length)
    }

    fn finish(mut self) -> Run {
        self.close();
        self.run.instances.sort_by_key(|instance| (instance.release, instance.task));
        self.run
    }
}
