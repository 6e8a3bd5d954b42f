//! Lottery scheduling.

use std::collections::BTreeMap;

use super::{Choice, Id, Policy, Stopped, View};
use crate::schedule::random::Random;
use crate::schedule::time::Time;

/// Draws a ticket among those of the ready jobs; its holder runs for one quantum.
#[derive(Debug)]
pub(super) struct Lottery {
    quantum: Time,
    random: Random,
    /// The tickets of the ready jobs.
    tickets: BTreeMap<Id, u64>,
    /// The sum of `tickets`.
    total: u64,
    /// The last draw, and of how many tickets.
    drawn: (u64, u64),
}

impl Lottery {
    pub(super) fn new(quantum: Time, seed: u64) -> Lottery {
        Lottery { quantum, random: Random::new(seed), tickets: BTreeMap::new(), total: 0, drawn: (0, 0) }
    }

    fn add(&mut self, job: &View) {
        self.tickets.insert(job.id, job.tickets);
        self.total += job.tickets;
    }

    /// Returns the holder of a ticket: tickets are numbered along the list of jobs.
    fn holder(&self, mut ticket: u64) -> Id {
        for (&job, &tickets) in &self.tickets {
            if ticket < tickets {
                return job;
            }
            ticket -= tickets;
        }
        unreachable!("a ticket below the total has a holder")
    }
}

impl Policy for Lottery {
    fn arrives(&mut self, job: &View, _now: Time) {
        self.add(job);
    }

    fn pick(&mut self, _ready: &[View], _now: Time) -> Choice {
        self.drawn = (self.random.below(self.total), self.total);
        let job = self.holder(self.drawn.0);
        self.total -= self.tickets.remove(&job).unwrap_or(0);
        Choice { job, at_most: Some(self.quantum) }
    }

    fn ran(&mut self, job: &View, _time: Time, why: Stopped, _now: Time) {
        if matches!(why, Stopped::Quantum | Stopped::Preempted) {
            self.add(job);
        }
    }

    fn leaves(&mut self, job: &View) {
        self.total -= self.tickets.remove(&job.id).unwrap_or(0);
    }

    fn explain(&self, job: &View, _now: Time) -> String {
        let (ticket, total) = self.drawn;
        format!("has {} of {total} tickets, {ticket} was drawn", job.tickets)
    }
}
