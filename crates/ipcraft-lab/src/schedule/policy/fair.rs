//! Fair share: users take turns, not jobs.

use std::collections::VecDeque;

use super::{Choice, Id, Policy, Stopped, View};
use crate::schedule::time::Time;

/// Users take turns in the order in which they first appear in the list. In a turn as many jobs of
/// a user run for a quantum as its weight states. The jobs of one user take turns, too.
#[derive(Debug)]
pub(super) struct Fair {
    quantum: Time,
    weights: Vec<u64>,
    users: Vec<VecDeque<Id>>,
    /// The user whose turn it is.
    user: usize,
    /// The quanta that are left of the turn.
    left: u64,
}

impl Fair {
    /// Users beyond the list of weights have weight 1.
    pub(super) fn new(quantum: Time, weights: Vec<u64>) -> Fair {
        let left = weights.first().copied().unwrap_or(1);
        Fair { quantum, weights, users: Vec::new(), user: 0, left }
    }

    fn add(&mut self, job: &View) {
        if self.users.len() <= job.owner {
            self.users.resize(job.owner + 1, VecDeque::new());
        }
        self.users[job.owner].push_back(job.id);
    }

    /// Gives the turn to the next user that has a ready job.
    fn next_turn(&mut self) {
        let count = self.users.len();
        let others = (1..=count).map(|step| (self.user + step) % count);
        self.user = others.into_iter().find(|&user| !self.users[user].is_empty()).expect("a job is ready");
        self.left = self.weights.get(self.user).copied().unwrap_or(1);
    }
}

impl Policy for Fair {
    fn arrives(&mut self, job: &View, _now: Time) {
        self.add(job);
    }

    fn pick(&mut self, _ready: &[View], _now: Time) -> Choice {
        if self.left == 0 || self.users[self.user].is_empty() {
            self.next_turn();
        }
        self.left -= 1;
        let job = self.users[self.user].pop_front().expect("the user has a ready job");
        Choice { job, at_most: Some(self.quantum) }
    }

    fn ran(&mut self, job: &View, _time: Time, why: Stopped, _now: Time) {
        if matches!(why, Stopped::Quantum | Stopped::Preempted) {
            self.add(job);
        }
    }

    fn leaves(&mut self, job: &View) {
        self.users[job.owner].retain(|&queued| queued != job.id);
    }

    fn explain(&self, job: &View, _now: Time) -> String {
        format!("user {}", job.owner + 1)
    }
}
