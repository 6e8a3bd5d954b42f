//! Priorities, with ageing and with round robin among equals.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{Choice, Id, Policy, Stopped, View, least};
use crate::schedule::time::Time;

/// Runs the job with the highest priority. A job that becomes ready with a higher one preempts.
#[derive(Debug)]
pub(super) struct Priority {
    /// Whether low numbers go first.
    low_first: bool,
    /// Whether the running job loses one level for each unit that it has run.
    ageing: bool,
    /// The quantum among jobs of one level; without one they run in order of arrival.
    quantum: Option<Time>,
    /// The place of each job among those of its level.
    places: HashMap<Id, u64>,
    next_place: u64,
    /// What a preempted job has used of its quantum.
    used: HashMap<Id, Time>,
    /// The job that ran last, which wins ties unless its quantum is over.
    last: Option<Id>,
}

impl Priority {
    pub(super) fn new(low_first: bool, ageing: bool, quantum: Option<Time>) -> Priority {
        Priority {
            low_first,
            ageing,
            quantum,
            places: HashMap::new(),
            next_place: 0,
            used: HashMap::new(),
            last: None,
        }
    }

    /// Returns the level of a job; high levels go first.
    fn level(&self, job: &View) -> i64 {
        let level = if self.low_first { -job.priority } else { job.priority };
        let ticks = job.used.rounded().ticks() / Time::UNIT.ticks();
        if self.ageing { level.saturating_sub_unsigned(ticks) } else { level }
    }

    fn requeue(&mut self, job: Id) {
        self.places.insert(job, self.next_place);
        self.next_place += 1;
    }

    /// Returns how long a job may run: to the end of its quantum, or to its next loss of a level.
    fn limit(&self, job: &View) -> Option<Time> {
        let used = self.used.get(&job.id).copied().unwrap_or_default();
        let turn = self.quantum.map(|quantum| quantum - used);
        let into_tick = Time::from_ticks(job.used.rounded().ticks() % Time::UNIT.ticks());
        let tick = self.ageing.then(|| Time::UNIT - into_tick);
        turn.into_iter().chain(tick).min()
    }
}

impl Policy for Priority {
    fn arrives(&mut self, job: &View, _now: Time) {
        self.requeue(job.id);
    }

    fn pick(&mut self, ready: &[View], _now: Time) -> Choice {
        let key = |job: &View| {
            (Reverse(self.level(job)), self.last != Some(job.id), self.places.get(&job.id).copied())
        };
        let job = least(ready, key);
        Choice { job: job.id, at_most: self.limit(job) }
    }

    fn ran(&mut self, job: &View, time: Time, why: Stopped, _now: Time) {
        self.last = Some(job.id);
        let used = self.used.remove(&job.id).unwrap_or_default() + time;
        let is_over = self.quantum.is_some_and(|quantum| used >= quantum);
        match why {
            Stopped::Blocked | Stopped::Ended => self.last = None,
            _ if is_over => {
                self.requeue(job.id);
                self.last = None;
            }
            _ => {
                self.used.insert(job.id, used);
            }
        }
    }

    fn preempts(&self, running: &View, other: &View) -> bool {
        self.level(other) > self.level(running)
    }

    fn explain(&self, job: &View, _now: Time) -> String {
        let level = self.level(job);
        format!("priority {}", if self.low_first { -level } else { level })
    }
}
