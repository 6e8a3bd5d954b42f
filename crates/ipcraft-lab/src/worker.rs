//! Two processes that run at full speed, each on its core.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};
use std::thread;
use std::time::{Duration, Instant};

use ipcraft_bench::{Cores, CpuPair, Placement, pin};
use ipcraft_step::{Child, Shared};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::sys::cpu_clock::{CpuClock, cpu_time};

/// The first of the words that belong to the workers and not to what they run.
const FIRST_WORD: usize = 320;
/// The words of one worker's report.
const REPORT: usize = 64;

/// Between two checks of workers that run.
const POLL: Duration = Duration::from_millis(2);

/// What one process reports when it is done: figures by position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desk<'a> {
    words: &'a [AtomicU64; Shared::LEN],
    me: usize,
}

impl<'a> Desk<'a> {
    fn new(shared: &'a Shared, me: usize) -> Desk<'a> {
        Desk { words: shared.words(), me }
    }

    /// Reports a figure.
    pub(crate) fn report(self, position: usize, figure: u64) {
        self.word(position).store(figure, Relaxed);
    }

    /// Returns a figure that was reported.
    pub(crate) fn figure(self, position: usize) -> u64 {
        self.word(position).load(Relaxed)
    }

    fn word(self, position: usize) -> &'a AtomicU64 {
        &self.words[FIRST_WORD + 16 + self.me * REPORT + 4 + position % (REPORT - 4)]
    }

    /// Set while this process is ready to begin.
    fn ready(self) -> &'a AtomicU64 {
        &self.words[FIRST_WORD + 16 + self.me * REPORT]
    }

    fn cpu_ns(self) -> &'a AtomicU64 {
        &self.words[FIRST_WORD + 16 + self.me * REPORT + 1]
    }

    fn preemptions(self) -> &'a AtomicU64 {
        &self.words[FIRST_WORD + 16 + self.me * REPORT + 2]
    }

    fn pinned(self) -> &'a AtomicU64 {
        &self.words[FIRST_WORD + 16 + self.me * REPORT + 3]
    }
}

/// Returns the cores of both processes. `None` if this machine has too few.
pub(crate) fn cpus(placement: Placement) -> Option<CpuPair> {
    Cores::of_this_process().cpu_pair(placement)
}

/// The processes of one measurement.
#[derive(Debug)]
pub(crate) struct Team {
    children: Vec<Child>,
    shared: Shared,
    start: Instant,
}

impl Team {
    /// Starts one process for each of `sides`, which all begin together. They end with this value
    /// at the latest.
    pub(crate) fn start(
        shared: &Shared,
        cpus: CpuPair,
        sides: &[usize],
        work: &dyn Fn(usize, Desk<'_>),
    ) -> nix::Result<Team> {
        let mut children = Vec::new();
        for &me in sides {
            let core = if me == 0 { cpus.client } else { cpus.server };
            children.push(Child::try_start(|| {
                let desk = Desk::new(shared, me);
                desk.pinned().store(u64::from(core.is_none_or(pin)), Relaxed);
                await_others(shared, me, sides);
                work(me, desk);
                report_usage(desk);
            })?);
        }
        Ok(Team { children, shared: shared.clone(), start: Instant::now() })
    }

    /// The time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn pid(&self, index: usize) -> Pid {
        self.children[index].pid()
    }

    /// Returns the desk of a process.
    pub(crate) fn desk(&self, me: usize) -> Desk<'_> {
        Desk::new(&self.shared, me)
    }

    /// Blocks until every process has ended, or until `done` returns true.
    pub(crate) fn wait(&self, mut done: impl FnMut(&Team) -> bool) {
        while self.is_running() && !done(self) {
            thread::sleep(POLL);
        }
    }

    fn is_running(&self) -> bool {
        self.children.iter().any(|child| !child.has_ended())
    }

    /// Returns whether all processes have ended within this time.
    pub(crate) fn ends_within(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        self.wait(|_| Instant::now() > deadline);
        !self.is_running()
    }

    /// The CPU time that each process has used so far.
    pub(crate) fn cpu_ns(&self) -> Vec<u64> {
        self.children.iter().map(|child| cpu_time(child.pid()).unwrap_or(0)).collect()
    }

    /// Lets one process run for a tenth of the time, until `done` returns true or all have ended.
    /// `slow` chooses it for each turn of 10 ms.
    pub(crate) fn slow_down(&self, slow: impl Fn(usize) -> usize, mut done: impl FnMut(&Team) -> bool) {
        const RUN: Duration = Duration::from_millis(1);
        const STOP: Duration = Duration::from_millis(9);
        for turn in 0.. {
            if !self.is_running() || done(self) {
                return;
            }
            let pid = self.pid(slow(turn));
            let _ = kill(pid, Signal::SIGSTOP);
            thread::sleep(STOP);
            let _ = kill(pid, Signal::SIGCONT);
            thread::sleep(RUN);
        }
    }

    /// Returns CPU time and involuntary switches of a process that has ended by itself.
    pub(crate) fn usage(&self, me: usize) -> (u64, u64) {
        fence(Acquire);
        let desk = self.desk(me);
        (desk.cpu_ns().load(Relaxed), desk.preemptions().load(Relaxed))
    }

    /// Returns whether all processes were bound to their cores.
    pub(crate) fn pinned(&self) -> bool {
        (0..2).all(|me| self.desk(me).pinned().load(Relaxed) == 1)
    }
}

/// Spins until all processes are ready. On one core they yield to each other.
fn await_others(shared: &Shared, me: usize, sides: &[usize]) {
    Desk::new(shared, me).ready().store(1, Release);
    while !sides.iter().all(|&side| Desk::new(shared, side).ready().load(Acquire) == 1) {
        thread::yield_now();
    }
}

fn report_usage(desk: Desk<'_>) {
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
        desk.cpu_ns().store(CpuClock::OWN.ns().unwrap_or(0), Relaxed);
        desk.preemptions().store(usage.involuntary_context_switches().unsigned_abs(), Relaxed);
    }
    fence(Release);
}
