//! The three processes, and the order in which they begin.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::futex;
use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft_bench::{Cores, pin};
use ipcraft_step::Child;

use super::lock::Locks;
use super::{CRITICAL_SECTION, Case, HOG};
use crate::Error;
use crate::sys::LinuxPolicy;
use crate::sys::cpu_clock::CpuClock;
use crate::watch::all_sleep;

/// A run takes a quarter of a second; a machine may be busy.
const MAX_TIME: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(1);

ipcraft::shared_struct! {
    struct Stage {
        locks: Locks,
        /// Set by the owner: the urgent process may begin, and then the one in the middle.
        begin: [AtomicU32; 2],
        /// The time from asking for the lock until having it, plus one.
        waited_ns: AtomicU64,
        gave_up: AtomicU32,
        pinned: AtomicU32,
        failed: AtomicU32,
    }
}

/// The positions of the processes in [`Ranks::policies`](super::Ranks::policies).
const OWNER: usize = 0;
const HOGGING: usize = 1;
const URGENT: usize = 2;

pub(super) struct Run {
    pub(super) waited_ns: Option<u64>,
    pub(super) is_pinned: bool,
}

/// Runs a case once. The inner error is what it needs.
pub(super) fn play(case: Case) -> Result<Result<Run, String>, Error> {
    let policies = case.ranks.policies();
    if let Some(refused) = try_policy(policies[URGENT]) {
        return Ok(Err(refused));
    }
    let memory = Memfd::create("ipcraft-lab", Shared::<Stage>::SIZE)?;
    let stage = Shared::initialize(memory.map()?, |stage: &Stage| stage.locks.init())?;
    let start = |position: usize, role: &dyn Fn() -> ipcraft::Result<()>| {
        Child::try_start(|| {
            let core = Cores::of_this_process().allowed().first().copied();
            stage.pinned.fetch_add(u32::from(core.is_some_and(pin)), SeqCst);
            if policies[position].set_own().is_err() || role().is_err() {
                stage.failed.store(1, SeqCst);
            }
        })
    };
    let urgent = start(URGENT, &|| be_urgent(case, &stage))?;
    let hog = case.has_hog.then(|| start(HOGGING, &|| hog(&stage))).transpose()?;
    let mut children = vec![urgent];
    children.extend(hog);
    // They sleep until the owner has the lock.
    let start_time = Instant::now();
    while !all_sleep(&children.iter().collect::<Vec<_>>(), || 0) {
        if children.iter().any(Child::has_ended) || start_time.elapsed() > MAX_TIME {
            return Err(Error::Failed(nix::Error::ECHILD));
        }
        sleep(POLL);
    }
    children.push(start(OWNER, &|| own(case, &stage))?);
    await_end(&children)?;
    if stage.failed.load(SeqCst) != 0 {
        return Err(Error::Failed(nix::Error::ECHILD));
    }
    let waited_ns = (stage.gave_up.load(SeqCst) == 0).then(|| stage.waited_ns.load(SeqCst));
    Ok(Ok(Run { waited_ns, is_pinned: stage.pinned.load(SeqCst) as usize == children.len() }))
}

fn own(case: Case, stage: &Stage) -> ipcraft::Result<()> {
    stage.locks.with(case.lock, case.ranks.spin_limit(), || {
        // The urgent process runs immediately, and waits for the lock. The other one comes second.
        for begin in &stage.begin {
            begin.store(1, SeqCst);
            let _ = futex::wake(begin, 1);
        }
        work(CRITICAL_SECTION);
    })?;
    Ok(())
}

fn be_urgent(case: Case, stage: &Stage) -> ipcraft::Result<()> {
    until_set(&stage.begin[0])?;
    let asked = Instant::now();
    let has_lock = stage.locks.with(case.lock, case.ranks.spin_limit(), || {
        stage.waited_ns.store(asked.elapsed().as_nanos() as u64, SeqCst);
    })?;
    stage.gave_up.store(u32::from(!has_lock), SeqCst);
    Ok(())
}

fn hog(stage: &Stage) -> ipcraft::Result<()> {
    until_set(&stage.begin[1])?;
    work(HOG);
    Ok(())
}

fn until_set(word: &AtomicU32) -> ipcraft::Result<()> {
    while word.load(SeqCst) == 0 {
        futex::wait(word, 0)?;
    }
    Ok(())
}

/// Uses the CPU for this time.
fn work(time: Duration) {
    let now = || CpuClock::OWN.ns().unwrap_or(u64::MAX);
    let end = now().saturating_add(time.as_nanos() as u64);
    while now() < end {}
}

fn await_end(children: &[Child]) -> Result<(), Error> {
    let start = Instant::now();
    while !children.iter().all(Child::has_ended) {
        if start.elapsed() > MAX_TIME {
            return Err(Error::Failed(nix::Error::ETIME));
        }
        sleep(POLL);
    }
    Ok(())
}

/// Returns what the policy of the urgent process needs, if this user may not have it.
fn try_policy(policy: LinuxPolicy) -> Option<String> {
    // A policy belongs to a thread, and ends with it.
    let tried = std::thread::scope(|scope| scope.spawn(|| policy.set_own()).join());
    tried.ok()?.err().map(|error| error.to_string())
}
