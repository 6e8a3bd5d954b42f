//! Multilevel queues with feedback.

use std::collections::{HashMap, VecDeque};

use super::{Choice, Id, Policy, Stopped, View};
use crate::schedule::time::{GRACE, Time};

/// Jobs begin in the first class. A job that has used the quantum of its class moves to the next,
/// where the quantum is usually longer. The first class that is not empty runs, in turns.
///
/// A job that becomes ready waits until the running quantum is over, whatever the classes. What a
/// job has used of its quantum is kept while it is blocked.
#[derive(Debug)]
pub(super) struct Multilevel {
    quanta: Vec<Time>,
    /// Whether a job also moves down while no other job is ready.
    demotes_alone: bool,
    /// Whether a job of a higher class preempts immediately, and a job whose quantum is over comes
    /// before the arrivals of that moment. These are the rules of OSTEP's mlfq.py. A preempted job
    /// stays at the head of its class.
    ostep: bool,
    queues: Vec<VecDeque<Id>>,
    jobs: HashMap<Id, Place>,
}

/// Where a job is.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    class: usize,
    /// What it has used of its quantum.
    used: Time,
    /// When it last became ready.
    arrived: Time,
}

impl Multilevel {
    /// Returns the policy of classes with these quanta, of which there is at least one.
    pub(super) fn new(quanta: Vec<Time>, demotes_alone: bool, ostep: bool) -> Multilevel {
        let queues = vec![VecDeque::new(); quanta.len()];
        Multilevel { quanta, demotes_alone, ostep, queues, jobs: HashMap::new() }
    }

    fn place(&self, job: Id) -> Place {
        self.jobs.get(&job).copied().unwrap_or_default()
    }

    /// Puts a job whose quantum is over at the tail of its class.
    fn requeue(&mut self, job: Id, class: usize, now: Time) {
        let is_newcomer = |other: &&Id| self.place(**other).arrived == now;
        let later = self.queues[class].iter().rev().take_while(is_newcomer).count();
        let later = if self.ostep { later } else { 0 };
        let place = self.queues[class].len() - later;
        self.queues[class].insert(place, job);
    }

    fn is_alone(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty)
    }
}

impl Policy for Multilevel {
    fn arrives(&mut self, job: &View, now: Time) {
        let place = Place { arrived: now, ..self.place(job.id) };
        self.queues[place.class].push_back(job.id);
        self.jobs.insert(job.id, place);
    }

    fn pick(&mut self, _ready: &[View], _now: Time) -> Choice {
        let job = self.queues.iter_mut().find_map(VecDeque::pop_front).expect("a job is ready");
        let place = self.place(job);
        Choice { job, at_most: Some(self.quanta[place.class] - place.used) }
    }

    fn ran(&mut self, job: &View, time: Time, why: Stopped, now: Time) {
        let mut place = self.place(job.id);
        place.used += time;
        let is_over = place.used + GRACE > self.quanta[place.class];
        if is_over {
            let moves_down = self.demotes_alone || !self.is_alone();
            let class = (place.class + usize::from(moves_down)).min(self.quanta.len() - 1);
            place = Place { class, used: Time::ZERO, ..place };
        }
        self.jobs.insert(job.id, place);
        match why {
            Stopped::Preempted if !is_over => self.queues[place.class].push_front(job.id),
            Stopped::Quantum | Stopped::Preempted => self.requeue(job.id, place.class, now),
            Stopped::Blocked | Stopped::Ended => {}
        }
    }

    fn leaves(&mut self, job: &View) {
        let class = self.place(job.id).class;
        self.queues[class].retain(|&queued| queued != job.id);
    }

    fn preempts(&self, running: &View, other: &View) -> bool {
        self.ostep && self.place(other.id).class < self.place(running.id).class
    }

    fn explain(&self, job: &View, _now: Time) -> String {
        format!("class {}", self.place(job.id).class + 1)
    }
}
