//! Units in a ring: each hands over to the next one.

use std::hint::black_box;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::thread;
use std::time::Instant;

use corosensei::Coroutine;
use ipcraft::futex;
use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft_bench::{CpuPair, pin};
use ipcraft_step::Child;

use super::{MAX_UNITS, Unit};
use crate::Error;
use crate::coroutine::{BoxedFuture, Yielder, resume, suspend};

/// The words from one member's to the next: a cache line.
const STRIDE: usize = 16;
/// Switches of one sample between coroutines: some milliseconds.
const COROUTINE_SWITCHES: usize = 300_000;
/// Switches of one sample between threads or processes: about ten milliseconds.
pub(crate) const KERNEL_SWITCHES: usize = 4000;
/// Calls of one sample.
const CALLS: usize = 1_000_000;
/// Touches of a working set without a switch.
const TOUCHES: usize = 1000;

ipcraft::shared_struct! {
    /// The lap that each member may begin.
    struct Laps {
        laps: [AtomicU32; MAX_UNITS * STRIDE],
    }
}

/// A ring before its units are started.
#[derive(Clone)]
pub(super) struct Ring {
    memory: Arc<Shared<Laps>>,
    members: usize,
    working_set: usize,
    cpus: CpuPair,
}

/// Memory that a unit reads and writes in its turn.
struct WorkingSet(Vec<u64>);

impl WorkingSet {
    fn new(bytes: usize) -> WorkingSet {
        WorkingSet(vec![1; bytes / size_of::<u64>()])
    }

    fn touch(&mut self) {
        for word in self.0.iter_mut().step_by(8) {
            *word = black_box(*word) + 1;
        }
    }

    /// The nanoseconds of a touch without a switch.
    fn cost(&mut self) -> f64 {
        self.touch();
        let start = Instant::now();
        (0..TOUCHES).for_each(|_| self.touch());
        start.elapsed().as_nanos() as f64 / TOUCHES as f64
    }
}

impl Ring {
    pub(super) fn new(members: usize, working_set: usize, cpus: CpuPair) -> Result<Ring, Error> {
        let memory = Memfd::create("ring", Shared::<Laps>::SIZE)?.map()?;
        let memory = Arc::new(Shared::initialize(memory, |_: &Laps| Ok(()))?);
        Ok(Ring { memory, members: members.clamp(1, MAX_UNITS), working_set, cpus })
    }

    /// Returns the nanoseconds of a switch from one unit to the next one.
    pub(super) fn switches(&self, unit: Unit) -> nix::Result<f64> {
        let ns = match unit {
            Unit::Future => self.futures(),
            Unit::Coroutine => self.coroutines()?,
            Unit::Thread => {
                for member in 1..self.members {
                    let ring = self.clone();
                    spawn(move || ring.follow(member))?;
                }
                self.lead()
            }
            Unit::Process => {
                // They end with this process. If one cannot be started, the others remain until the
                // limit is known.
                let mut others = ManuallyDrop::new(Vec::new());
                for member in 1..self.members {
                    others.push(Child::try_start(|| self.follow(member))?);
                }
                let ns = self.lead();
                drop(ManuallyDrop::into_inner(others));
                ns
            }
        };
        let touch = if self.working_set > 0 { WorkingSet::new(self.working_set).cost() } else { 0.0 };
        Ok((ns - touch).max(0.0))
    }

    fn futures(&self) -> f64 {
        let set = self.working_set;
        let forever = || -> BoxedFuture {
            Box::pin(async move {
                let mut set = WorkingSet::new(set);
                loop {
                    set.touch();
                    suspend().await;
                }
            })
        };
        let mut ring: Vec<BoxedFuture> = (0..self.members).map(|_| forever()).collect();
        self.in_turns(|member| _ = resume(&mut ring[member]))
    }

    fn coroutines(&self) -> nix::Result<f64> {
        // This process ends soon; unwinding every stack would take longer than the sample.
        let mut ring = ManuallyDrop::new(Vec::new());
        for _ in 0..self.members {
            ring.push(self.coroutine()?);
        }
        Ok(self.in_turns(|member| _ = ring[member].resume(())))
    }

    fn coroutine(&self) -> nix::Result<Coroutine<(), (), ()>> {
        let set = self.working_set;
        Ok(Coroutine::with_stack(super::creation::stack()?, move |yielder: &Yielder, ()| {
            let mut set = WorkingSet::new(set);
            loop {
                set.touch();
                yielder.suspend(());
            }
        }))
    }

    /// Times the turns of members that this thread runs.
    fn in_turns(&self, mut turn: impl FnMut(usize)) -> f64 {
        (0..self.members).for_each(&mut turn);
        let laps = (COROUTINE_SWITCHES / self.members).max(2);
        let start = Instant::now();
        for _ in 0..laps {
            (0..self.members).for_each(&mut turn);
        }
        per(start, laps * self.members)
    }

    /// The laps of threads and processes, without the first one, in which they arrive.
    fn laps(&self) -> u32 {
        (KERNEL_SWITCHES / self.members).max(2) as u32
    }

    /// The first member: it begins each lap, and times all but the first.
    fn lead(&self) -> f64 {
        let mut set = WorkingSet::new(self.working_set);
        let mut start = Instant::now();
        for lap in 1..=self.laps() + 1 {
            set.touch();
            self.let_begin(1 % self.members, lap);
            self.await_lap(0, lap);
            if lap == 1 {
                start = Instant::now();
            }
        }
        per(start, self.laps() as usize * self.members)
    }

    fn follow(&self, member: usize) {
        let core = if member % 2 == 1 { self.cpus.server } else { self.cpus.client };
        let _ = core.map(pin);
        let mut set = WorkingSet::new(self.working_set);
        for lap in 1..=self.laps() + 1 {
            self.await_lap(member, lap);
            set.touch();
            self.let_begin((member + 1) % self.members, lap);
        }
    }

    fn word(&self, member: usize) -> &AtomicU32 {
        &self.memory.laps[member * STRIDE]
    }

    fn let_begin(&self, member: usize, lap: u32) {
        self.word(member).store(lap, Release);
        let _ = futex::wake(self.word(member), 1);
    }

    fn await_lap(&self, member: usize, lap: u32) {
        while self.word(member).load(Acquire) != lap {
            let _ = futex::wait(self.word(member), lap - 1);
        }
    }
}

/// Returns the nanoseconds of a call.
pub(super) fn calls() -> f64 {
    let function = black_box(touch_nothing as fn(u64) -> u64);
    let (start, mut value) = (Instant::now(), 0);
    for _ in 0..CALLS {
        value = function(value);
    }
    black_box(value);
    per(start, CALLS)
}

#[inline(never)]
fn touch_nothing(value: u64) -> u64 {
    black_box(value) + 1
}

/// Returns the nanoseconds of a sched_yield(2) of two threads on one core.
pub(super) fn yields() -> nix::Result<f64> {
    let both = Arc::new(AtomicU64::new(0));
    let other = both.clone();
    spawn(move || {
        loop {
            other.fetch_add(1, Relaxed);
            thread::yield_now();
        }
    })?;
    while both.load(Relaxed) == 0 {
        thread::yield_now();
    }
    let (before, start) = (both.load(Relaxed), Instant::now());
    for _ in 0..KERNEL_SWITCHES {
        both.fetch_add(1, Relaxed);
        thread::yield_now();
    }
    Ok(per(start, (both.load(Relaxed) - before) as usize))
}

/// Starts a thread that ends with this process.
fn spawn(body: impl FnOnce() + Send + 'static) -> nix::Result<()> {
    thread::Builder::new().spawn(body).map(drop).map_err(|error| super::errno(&error))
}

fn per(start: Instant, count: usize) -> f64 {
    start.elapsed().as_nanos() as f64 / count.max(1) as f64
}
