//! Sleep and wakeup, and priority inversion.

use super::{Claim, Finding};
use crate::Error;
use crate::inversion::{self, CRITICAL_SECTION, Case, Lock, Ranks};
use crate::wakeup::{Method, construct, two_wakeups};

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

/// L is an ordinary process, and H a real-time one.
const H_SPINS: Case = Case { ranks: Ranks::Mixed, lock: Lock::Spinning, has_hog: false };

fn inversion() -> Result<Finding, Error> {
    let Ok(measured) = inversion::inversion(H_SPINS)? else {
        return Ok(Finding::untested(
            "needs CAP_SYS_NICE or RLIMIT_RTPRIO (SCHED_FIFO)",
            "需要 CAP_SYS_NICE 或 RLIMIT_RTPRIO(SCHED_FIFO)",
        ));
    };
    let needed = CRITICAL_SECTION.as_millis();
    let Some(waited_ns) = measured.waited_ns else {
        let limit = Ranks::Mixed.spin_limit().as_secs();
        return Ok(Finding::holds_if(
            true,
            format!("H (SCHED_FIFO) spun for {limit} s, and L did not get {needed} ms of CPU time"),
            format!("H(SCHED_FIFO)自旋 {limit} s,L 没有得到 {needed} ms CPU 时间"),
        ));
    };
    let waited = waited_ns / 1_000_000;
    Ok(Finding::holds_but_if(
        u128::from(waited) > 2 * needed,
        true,
        format!(
            "H (SCHED_FIFO) spun for {waited} ms until L had {needed} ms of CPU time: Linux keeps a little of each second for normal processes"
        ),
        format!("H(SCHED_FIFO)自旋 {waited} ms 后 L 才得到 {needed} ms CPU 时间:Linux 每秒给普通进程留一点"),
    ))
}
