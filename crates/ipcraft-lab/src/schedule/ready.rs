//! The ready jobs of a dispatcher, ideal or real, and the order in which the policy hears of them.

use std::collections::HashMap;

use super::job::Job;
use super::policy::{Choice, Id, Policy, Stopped, View};
use super::time::Time;

/// The jobs that are ready or running, with what the dispatcher knows of them.
///
/// At one moment a dispatcher calls [`arrive`](ReadyList::arrive) for everything that became ready,
/// in the order of the list, and only then [`stop`](ReadyList::stop) and [`pick`](ReadyList::pick).
#[derive(Debug)]
pub struct ReadyList<'a> {
    policy: &'a mut dyn Policy,
    views: Vec<View>,
    /// Copies of the views of ready jobs, in no particular order.
    ready: Vec<View>,
    /// The place of each job in `ready`.
    places: Vec<Option<usize>>,
    running: Option<Id>,
    /// Jobs that became ready since the last pick or check.
    newcomers: Vec<Id>,
}

impl<'a> ReadyList<'a> {
    /// Returns the list of these jobs, none of which has arrived.
    pub fn new(jobs: &[Job], policy: &'a mut dyn Policy) -> ReadyList<'a> {
        let mut owners = HashMap::new();
        let mut owner = |name| {
            let count = owners.len();
            *owners.entry(name).or_insert(count)
        };
        let views = jobs.iter().enumerate().map(|(id, job)| View {
            id,
            arrival: job.arrival,
            ready_since: job.arrival,
            used: Time::ZERO,
            declared: job.length(),
            priority: job.priority,
            owner: owner(job.owner.clone()),
            tickets: job.tickets,
            period: job.period,
            deadline: job.absolute_deadline(),
        });
        let views: Vec<View> = views.collect();
        let places = vec![None; views.len()];
        ReadyList { policy, views, ready: Vec::new(), places, running: None, newcomers: Vec::new() }
    }

    /// Returns what is known of a job.
    pub fn view(&self, job: Id) -> &View {
        &self.views[job]
    }

    /// Changes what is known of a job that is neither ready nor running: the release and the
    /// deadline of its next instance.
    pub fn release(&mut self, job: Id, arrival: Time, deadline: Option<Time>) {
        let view = &mut self.views[job];
        (view.arrival, view.used, view.deadline) = (arrival, Time::ZERO, deadline);
    }

    /// Makes a job ready: it arrives, or its I/O ends.
    pub fn arrive(&mut self, job: Id, now: Time) {
        self.add(job, now);
        self.newcomers.push(job);
        self.policy.arrives(&self.views[job], now);
    }

    /// Returns the ready jobs.
    pub fn ready(&self) -> &[View] {
        &self.ready
    }

    /// Returns the policy's choice, which from now on runs. `None` if no job is ready.
    ///
    /// # Panics
    /// If a job is running, or the policy chooses one that is not ready.
    pub fn pick(&mut self, now: Time) -> Option<Choice> {
        assert!(self.running.is_none(), "a job is running");
        self.newcomers.clear();
        if self.ready.is_empty() {
            return None;
        }
        let choice = self.policy.pick(&self.ready, now);
        self.remove(choice.job);
        self.running = Some(choice.job);
        Some(choice)
    }

    /// Returns whether a job that became ready since the last call preempts the running one, which
    /// has run for `time` since it was picked.
    pub fn is_preempted(&mut self, time: Time) -> bool {
        let newcomers = std::mem::take(&mut self.newcomers);
        let Some(running) = self.running else {
            return false;
        };
        let mut view = self.views[running];
        view.used += time;
        newcomers.iter().any(|&other| self.policy.preempts(&view, &self.views[other]))
    }

    /// Ends the run of the running job, which used the CPU for `time` since it was picked.
    ///
    /// # Panics
    /// If no job is running.
    pub fn stop(&mut self, time: Time, why: Stopped, now: Time) {
        let job = self.running.take().expect("a job is running");
        self.views[job].used += time;
        if matches!(why, Stopped::Quantum | Stopped::Preempted) {
            self.add(job, now);
        }
        self.policy.ran(&self.views[job], time, why, now);
    }

    /// Takes a job out that is ready: it was abandoned at its deadline, or killed. Does nothing if
    /// it is not ready.
    pub fn withdraw(&mut self, job: Id) {
        if self.places[job].is_some() {
            self.remove(job);
            self.newcomers.retain(|&newcomer| newcomer != job);
            self.policy.leaves(&self.views[job]);
        }
    }

    /// Returns why `chosen` was picked: what the policy compares, of it and of one other job that
    /// is ready. Ask between [`pick`](ReadyList::pick) and the next call.
    pub fn explain(&self, chosen: Id, now: Time) -> (String, Option<(Id, String)>) {
        let other = self.ready.iter().min_by_key(|view| view.order());
        let of = |view: &View| self.policy.explain(view, now);
        (of(&self.views[chosen]), other.map(|view| (view.id, of(view))))
    }

    fn add(&mut self, job: Id, now: Time) {
        self.views[job].ready_since = now;
        self.places[job] = Some(self.ready.len());
        self.ready.push(self.views[job]);
    }

    fn remove(&mut self, job: Id) {
        let place = self.places[job].take().expect("the policy chooses a ready job");
        self.ready.swap_remove(place);
        if let Some(moved) = self.ready.get(place) {
            self.places[moved.id] = Some(place);
        }
    }
}
