//! A second, simple model that advances one unit at a time, after the rules of OSTEP's mlfq.py and
//! scheduler.py. The event-driven engine must agree with it on random sets.

use std::collections::VecDeque;

use ipcraft_lab::schedule::random::Random;
use ipcraft_lab::schedule::{Burst, Job, Time};

use super::support::{ends, metrics, timeline};

/// A job of whole units.
#[derive(Clone, Debug)]
struct Simple {
    arrival: u64,
    length: u64,
    /// It blocks each time that it has run for this long.
    io_every: u64,
    io: u64,
}

impl Simple {
    fn random(random: &mut Random, blocks: bool) -> Simple {
        let length = random.between(1, 20);
        let io_every = if blocks { random.between(1, 6) } else { length };
        Simple { arrival: random.below(15), length, io_every, io: random.between(1, 5) }
    }

    fn job(&self, index: usize) -> Job {
        let mut left = self.length;
        let mut bursts = Vec::new();
        while left > 0 {
            let burst = left.min(self.io_every);
            left -= burst;
            bursts.push(Burst::Compute(Time::units(burst)));
            bursts.extend((left > 0).then_some(Burst::Io(Time::units(self.io))));
        }
        let mut job = Job::new(format!("P{index}"), Time::units(self.arrival), Time::UNIT);
        job.bursts = bursts;
        job
    }
}

/// The rules in which the two programs differ.
#[derive(Clone, Copy)]
struct Rules {
    /// Whether a job of a higher class preempts in the middle of a quantum.
    preempts: bool,
    /// Whether a job whose quantum is over is queued before the arrivals of that moment.
    quantum_first: bool,
}

/// Returns when each job ends.
fn by_ticks(jobs: &[Simple], quanta: &[u64], rules: Rules) -> Vec<f64> {
    let mut queues: Vec<VecDeque<usize>> = vec![VecDeque::new(); quanta.len()];
    let mut class = vec![0; jobs.len()];
    let mut ticks: Vec<u64> = vec![quanta[0]; jobs.len()];
    let mut ran: Vec<u64> = vec![0; jobs.len()];
    let mut ready: Vec<Option<u64>> = jobs.iter().map(|job| Some(job.arrival)).collect();
    let mut ends = vec![None; jobs.len()];
    let (mut over, mut running) = (None::<usize>, None::<usize>);
    let mut now = 0;
    while ends.iter().any(Option::is_none) {
        if let Some(job) = over.take_if(|_| rules.quantum_first) {
            queues[class[job]].push_back(job);
        }
        for job in 0..jobs.len() {
            if ready[job].take_if(|at| *at == now).is_some() {
                queues[class[job]].push_back(job);
            }
        }
        if let Some(job) = over.take() {
            queues[class[job]].push_back(job);
        }
        if rules.preempts
            && let Some(job) = running.take()
        {
            queues[class[job]].push_front(job);
        }
        now += 1;
        let Some(job) = running.take().or_else(|| queues.iter_mut().find_map(VecDeque::pop_front)) else {
            continue;
        };
        ran[job] += 1;
        ticks[job] -= 1;
        let has_ended = ran[job] == jobs[job].length;
        let blocks = !has_ended && ran[job].is_multiple_of(jobs[job].io_every);
        let is_over = ticks[job] == 0;
        if is_over {
            class[job] = (class[job] + 1).min(quanta.len() - 1);
            ticks[job] = quanta[class[job]];
        }
        if has_ended {
            ends[job] = Some(now as f64);
        } else if blocks {
            ready[job] = Some(now + jobs[job].io);
        } else if is_over {
            over = Some(job);
        } else {
            running = Some(job);
        }
    }
    ends.into_iter().flatten().collect()
}

fn agree(policy: &str, quanta: &[u64], rules: Rules, blocks: bool) {
    let mut random = Random::new(21);
    for _ in 0..500 {
        let count = random.between(1, 6);
        let simple: Vec<Simple> = (0..count).map(|_| Simple::random(&mut random, blocks)).collect();
        let jobs: Vec<Job> = simple.iter().enumerate().map(|(index, simple)| simple.job(index)).collect();
        let expected = by_ticks(&simple, quanta, rules);
        assert_eq!(ends(&timeline(policy, &jobs)), expected, "{policy}: {simple:?}");
    }
}

const BOOK: Rules = Rules { preempts: false, quantum_first: false };
const OSTEP: Rules = Rules { preempts: true, quantum_first: true };

#[test]
fn round_robin_agrees_with_a_model_by_ticks() {
    for quantum in 1..=5 {
        agree(&format!("rr:{quantum}"), &[quantum], BOOK, false);
    }
}

#[test]
fn multilevel_agrees_with_a_model_by_ticks() {
    agree("multilevel:1,2,4,8", &[1, 2, 4, 8], BOOK, true);
    agree("multilevel:3", &[3], BOOK, true);
}

#[test]
fn multilevel_by_the_rules_of_ostep_agrees_with_a_model_by_ticks() {
    agree("multilevel:1,2,4,8,ostep", &[1, 2, 4, 8], OSTEP, true);
    agree("multilevel:10,10,10,ostep", &[10, 10, 10], OSTEP, true);
}

/// scheduler.py adds up the gaps between the runs of a job.
#[test]
fn waiting_is_the_sum_of_the_gaps_between_runs() {
    let mut random = Random::new(22);
    for _ in 0..200 {
        let count = random.between(1, 6);
        let one = |index| Simple::random(&mut random, false).job(index as usize);
        let jobs: Vec<Job> = (0..count).map(one).collect();
        for policy in ["fcfs", "sjf", "srtn", "rr:2"] {
            let found = metrics(policy, &jobs);
            let timeline = timeline(policy, &jobs);
            for (id, job) in jobs.iter().enumerate() {
                let mut last = job.arrival;
                let mut gaps = Time::ZERO;
                for segment in timeline.running().filter(|segment| segment.job == id) {
                    gaps += segment.from - last;
                    last = segment.to;
                }
                assert_eq!(found.jobs[id].waiting, Some(gaps), "{policy}: {jobs:?}");
            }
        }
    }
}
