//! A job: a process that computes until its own CPU clock has reached the end of the burst.

use std::time::Duration;

use ipcraft::event::EventFd;
use ipcraft::pipe;
use nix::sys::signal::{Signal, raise};

use super::board::{Desk, State, Word};
use super::device::Device;
use super::{Scale, Way};
use crate::schedule::job::Burst;
use crate::schedule::record::{Recorder, monotonic_ns};
use crate::schedule::time::Time;
use crate::sys::cpu_clock::CpuClock;

/// The links of the hash chain between two readings of the clock: about a microsecond.
const LINKS: u64 = 200;
/// The first link.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a job process needs.
#[derive(Debug)]
pub(super) struct Role<'a> {
    pub(super) desk: Desk<'a>,
    pub(super) bursts: &'a [Burst],
    pub(super) scale: Scale,
    pub(super) way: Way,
    /// Wakes the dispatcher.
    pub(super) bell: &'a EventFd,
    /// What the device answers by, if the job has I/O.
    pub(super) answers: Option<pipe::Reader>,
    /// Without a dispatcher, the device to which the job sends its requests, and the job's number.
    pub(super) device: Option<(&'a Device, usize)>,
}

impl Role<'_> {
    fn leave_core(&self) {
        match self.way {
            Way::Signals => drop(raise(Signal::SIGSTOP)),
            // The running job has a higher priority.
            Way::Priorities => std::thread::yield_now(),
        }
    }
}

/// Returns the end of a hash chain of this many links, which a job computes.
pub fn hash_chain(links: u64) -> u64 {
    extend(SEED, links)
}

fn extend(mut hash: u64, links: u64) -> u64 {
    for _ in 0..links {
        hash ^= hash << 13;
        hash ^= hash >> 7;
        hash ^= hash << 17;
    }
    hash
}

/// Does all bursts, once the dispatcher continues the process.
pub(super) fn play(role: &Role<'_>) {
    let desk = role.desk;
    let _ = raise(Signal::SIGSTOP);
    while desk.get(Word::MayRun) == 0 {
        role.leave_core();
    }
    desk.set(Word::Base, CpuClock::OWN.ns().unwrap_or(0));
    work(role);
}

/// Does all bursts from a point of the monotonic clock on, without a dispatcher.
pub(in super::super) fn compete(
    desk: Desk<'_>,
    bursts: &[Burst],
    scale: Scale,
    bell: &EventFd,
    (answers, device): (Option<pipe::Reader>, Option<(&Device, usize)>),
) {
    let role = Role { desk, bursts, scale, way: Way::Signals, bell, answers, device };
    let _ = raise(Signal::SIGSTOP);
    let pause = desk.get(Word::Start).saturating_sub(monotonic_ns());
    std::thread::sleep(Duration::from_nanos(pause));
    desk.set(Word::Base, CpuClock::OWN.ns().unwrap_or(0));
    work(&role);
}

/// Computes for `length` of CPU time after each release. Records when it ran, and the pause before
/// each release but the first as an I/O. Releases count from the common start.
pub(in super::super) fn repeat(desk: Desk<'_>, releases: &[u64], length: u64) {
    let _ = raise(Signal::SIGSTOP);
    let start = desk.get(Word::Start);
    let mut recorder: Option<Recorder<'_>> = None;
    for release in releases {
        let pause = (start + release).saturating_sub(monotonic_ns());
        std::thread::sleep(Duration::from_nanos(pause));
        if let Some(recorder) = &mut recorder {
            recorder.end_io();
        }
        let recorder = recorder.get_or_insert_with(|| Recorder::start(desk));
        let end = CpuClock::OWN.ns().unwrap_or(0) + length;
        while CpuClock::OWN.ns().is_ok_and(|now| now < end) {
            std::hint::black_box(extend(SEED, LINKS));
            recorder.read_clock();
        }
    }
}

/// Does all bursts from now on.
fn work(role: &Role<'_>) {
    let desk = role.desk;
    let mut work = Work { role, recorder: Recorder::start(desk), hash: SEED, iterations: 0, end: 0 };
    for burst in role.bursts {
        match burst {
            Burst::Compute(time) => work.compute(role.scale.ns(*time)),
            Burst::Io(time) => work.block(*time),
        }
    }
    desk.set(Word::Iterations, work.iterations);
    desk.set(Word::Hash, work.hash);
    work.report(work.end, State::Ended);
}

struct Work<'a> {
    role: &'a Role<'a>,
    recorder: Recorder<'a>,
    hash: u64,
    iterations: u64,
    /// The CPU time at which the burst ends.
    end: u64,
}

impl Work<'_> {
    fn compute(&mut self, length: u64) {
        let desk = self.role.desk;
        self.end += length;
        desk.set(Word::BurstEnd, self.end);
        loop {
            let limit = desk.get(Word::Limit);
            let finishes = self.end < limit.saturating_add(desk.get(Word::Grace)) || self.end == limit;
            if !self.run_until(if finishes { self.end } else { limit }) {
                continue;
            }
            if finishes {
                return;
            }
            self.report(limit, State::Limit);
            self.stop_until_raised(limit);
        }
    }

    /// Computes until the CPU clock has this value. Returns false if this process had to leave the
    /// core meanwhile: the limit may be another one now.
    fn run_until(&mut self, target: u64) -> bool {
        let desk = self.role.desk;
        let base = desk.get(Word::Base);
        let mut next_check = 0;
        loop {
            if desk.get(Word::MayRun) == 0 {
                // Another process has continued this one, or the dispatcher sleeps for a moment.
                self.role.leave_core();
                return false;
            }
            self.hash = extend(self.hash, LINKS);
            self.iterations += LINKS;
            let (now, was_gap) = self.recorder.read_clock();
            if was_gap || now >= next_check {
                let used = CpuClock::OWN.ns().unwrap_or(u64::MAX) - base;
                if used >= target {
                    return true;
                }
                // The CPU clock is never faster than the other.
                next_check = now + (target - used);
            }
        }
    }

    /// Really blocks, until the device has answered.
    fn block(&mut self, time: Time) {
        self.role.desk.set(Word::Io, time.ticks());
        self.report(self.end, State::Blocked);
        if let Some((device, job)) = self.role.device {
            // A device that was killed ends the run.
            let _ = device.answer_at(job, monotonic_ns() + self.role.scale.ns(time));
        }
        if let Some(answers) = &self.role.answers {
            let _ = answers.read_exact(&mut [0]);
        }
        self.recorder.end_io();
    }

    fn report(&mut self, reached: u64, state: State) {
        self.recorder.read_clock();
        let desk = self.role.desk;
        desk.set(Word::Reached, reached);
        desk.set(Word::Used, CpuClock::OWN.ns().unwrap_or(0) - desk.get(Word::Base));
        desk.report(state);
        let _ = self.role.bell.add(1);
    }

    fn stop_until_raised(&mut self, limit: u64) {
        loop {
            self.role.leave_core();
            if self.role.desk.get(Word::Limit) != limit {
                break;
            }
        }
        self.recorder.read_clock();
    }
}
