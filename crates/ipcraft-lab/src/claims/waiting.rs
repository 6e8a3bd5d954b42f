//! Sleep and wakeup, and priority inversion.

use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use ipcraft_bench::{Placement, pin};
use ipcraft_step::{Child, Shared};

use super::child::{ended, until};
use super::{Claim, Finding};
use crate::sys::LinuxPolicy;
use crate::sys::cpu_clock::CpuClock;
use crate::wakeup::{Method, construct, two_wakeups};
use crate::{Error, worker};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "inversion",
        article: 2,
        sentence: (
            "If H busy-waits for a lock that L of low priority holds, H waits forever.",
            "L 处于临界区时 H 开始忙等待,L 不会被调度,H 将永远等待下去。",
        ),
        see: "ipcraft lab inversion",
        check: inversion,
    },
    Claim {
        id: "lost-wakeup",
        article: 2,
        sentence: (
            "Between the test of count and sleep a wakeup can be lost, and a process sleeps forever.",
            "count 的访问未加限制,wakeup 信号可能丢失,导致进程一直睡眠。",
        ),
        see: "ipcraft lab wakeup",
        check: lost_wakeup,
    },
    Claim {
        id: "wakeup-bit",
        article: 2,
        sentence: (
            "A wakeup waiting bit keeps one wakeup; with several it is not enough.",
            "唤醒等待位可保存一个 wakeup;有多个时一个位就不够了。",
        ),
        see: "ipcraft lab wakeup",
        check: wakeup_bit,
    },
    Claim {
        id: "semaphore-keeps",
        article: 2,
        sentence: (
            "A semaphore counts the wakeups for later, so none is lost.",
            "信号量累计唤醒次数供以后使用,解决丢失的 wakeup 问题。",
        ),
        see: "ipcraft lab wakeup",
        check: semaphore_keeps,
    },
];

/// The runs of one construction.
const RUNS: u32 = 5;

/// The consumer tests, and is stopped before it sleeps. The wakeup comes in between.
fn lost_wakeup() -> Result<Finding, Error> {
    let found = construct(Method::Signal, RUNS)?;
    let proof = found.proof.filter(|proof| proof.consumer_sleeps && proof.producer_sleeps);
    let items = proof.map_or(0, |proof| proof.count);
    Ok(Finding::holds_if(
        found.lost > 0 && proof.is_some(),
        format!(
            "lost in {} of {RUNS} runs: both sleep, {items} items in the buffer, nothing pending",
            found.lost
        ),
        format!("{RUNS} 次运行丢失 {} 次:双方都在睡眠,缓冲区有 {items} 项,没有未决的唤醒", found.lost),
    ))
}

/// A blocked signal is pending or not: one bit.
fn wakeup_bit() -> Result<Finding, Error> {
    let one = construct(Method::WaitingBit, RUNS)?.lost;
    let two = two_wakeups(Method::WaitingBit)?;
    Ok(Finding::holds_if(
        one == 0 && two.returned < two.sent,
        format!(
            "with the bit {one} of {RUNS} runs lost it; of {} wakeups of two processes it kept {}",
            two.sent, two.returned
        ),
        format!(
            "有等待位时 {RUNS} 次运行丢失 {one} 次;两个进程的 {} 次唤醒只保存 {} 次",
            two.sent, two.returned
        ),
    ))
}

fn semaphore_keeps() -> Result<Finding, Error> {
    let lost = construct(Method::Semaphore, RUNS)?.lost;
    let two = two_wakeups(Method::Semaphore)?;
    Ok(Finding::holds_if(
        lost == 0 && two.returned == two.sent,
        format!("{lost} of {RUNS} runs lost a wakeup; of {} wakeups {} were kept", two.sent, two.returned),
        format!("{RUNS} 次运行丢失 {lost} 次;{} 次唤醒保存 {} 次", two.sent, two.returned),
    ))
}

/// The CPU time that L needs in its critical section.
const INSIDE: u64 = 5_000_000;
/// H gives up after this time, so that the machine remains usable.
const MAX_SPIN: Duration = Duration::from_secs(3);

// Words of shared memory.
const LOCKED: usize = 0;
const SPINS: usize = 1;
const WAITED_MS: usize = 2;
const REFUSED: usize = 3;

fn inversion() -> Result<Finding, Error> {
    let cpus = worker::cpus(Placement::SameCore).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let shared = Shared::new()?;
    let word = |index: usize| &shared.words()[index];
    let mut low = Child::try_start(|| {
        let _ = cpus.client.map(pin);
        word(LOCKED).store(1, SeqCst);
        while word(SPINS).load(SeqCst) == 0 && word(REFUSED).load(SeqCst) == 0 {
            thread::yield_now();
        }
        let start = CpuClock::OWN.ns().unwrap_or(0);
        while CpuClock::OWN.ns().unwrap_or(u64::MAX) - start < INSIDE {
            std::hint::spin_loop();
        }
        word(LOCKED).store(0, SeqCst);
    })?;
    until(|| word(LOCKED).load(SeqCst) == 1)?;
    let mut high = Child::try_start(|| {
        let _ = cpus.client.map(pin);
        if (LinuxPolicy::Fifo { priority: 1 }).set_own().is_err() {
            return word(REFUSED).store(1, SeqCst);
        }
        word(SPINS).store(1, SeqCst);
        let start = Instant::now();
        while word(LOCKED).load(SeqCst) == 1 && start.elapsed() < MAX_SPIN {
            std::hint::spin_loop();
        }
        word(WAITED_MS).store(start.elapsed().as_millis() as u64, SeqCst);
    })?;
    ended(&mut high)?;
    ended(&mut low)?;
    if word(REFUSED).load(SeqCst) != 0 {
        return Ok(Finding::untested(
            "needs CAP_SYS_NICE or RLIMIT_RTPRIO (SCHED_FIFO)",
            "需要 CAP_SYS_NICE 或 RLIMIT_RTPRIO(SCHED_FIFO)",
        ));
    }
    let waited = word(WAITED_MS).load(SeqCst);
    let forever = waited >= MAX_SPIN.as_millis() as u64;
    let rescued = waited > 20;
    Ok(Finding::holds_but_if(
        forever || rescued,
        !forever,
        format!(
            "H (SCHED_FIFO) spun for {waited} ms until L had 5 ms of CPU time: Linux keeps a little of each second for normal processes"
        ),
        format!("H(SCHED_FIFO)自旋 {waited} ms 后 L 才得到 5 ms CPU 时间:Linux 每秒给普通进程留一点"),
    ))
}
