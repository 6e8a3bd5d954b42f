//! Sleep and wakeup, and priority inversion.

use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use ipcraft::Pid;
use ipcraft::signal::{Signal, block, catch, send};
use ipcraft_bench::{Placement, pin};
use ipcraft_step::{Child, Shared};
use nix::sys::signal::{Signal as NixSignal, kill, raise};

use super::child::{ended, figures, until};
use super::states::letter;
use super::{Claim, Finding};
use crate::sys::LinuxPolicy;
use crate::sys::cpu_clock::CpuClock;
use crate::{Error, worker};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "inversion",
        article: 2,
        sentence: (
            "If H busy-waits for a lock that L of low priority holds, H waits forever.",
            "L 处于临界区时 H 开始忙等待,L 不会被调度,H 将永远等待下去。",
        ),
        see: "ipcraft lab claims",
        check: inversion,
    },
    Claim {
        id: "lost-wakeup",
        article: 2,
        sentence: (
            "Between the test of count and sleep a wakeup can be lost, and a process sleeps forever.",
            "count 的访问未加限制,wakeup 信号可能丢失,导致进程一直睡眠。",
        ),
        see: "example futex",
        check: lost_wakeup,
    },
    Claim {
        id: "wakeup-bit",
        article: 2,
        sentence: (
            "A wakeup waiting bit keeps one wakeup; with several it is not enough.",
            "唤醒等待位可保存一个 wakeup;有多个时一个位就不够了。",
        ),
        see: "example signals",
        check: wakeup_bit,
    },
];

/// The consumer tests, and is stopped before it sleeps. The wakeup comes in between.
fn lost_wakeup() -> Result<Finding, Error> {
    let shared = Shared::new()?;
    let count = &shared.words()[0];
    let consumer = Child::try_start(|| {
        let Ok(_handler) = catch(Signal::USR1) else { return };
        if count.load(SeqCst) == 0 {
            let _ = raise(NixSignal::SIGSTOP);
            nix::unistd::pause();
        }
    })?;
    until(|| consumer.has_ended() || letter(&consumer) == 'T')?;
    count.store(1, SeqCst);
    kill(consumer.pid(), NixSignal::SIGUSR1)?;
    kill(consumer.pid(), NixSignal::SIGCONT)?;
    // Time enough for a process that is awake to end.
    thread::sleep(Duration::from_millis(200));
    let asleep = !consumer.has_ended() && consumer.is_asleep();
    let items = count.load(SeqCst);
    Ok(Finding::holds_if(
        asleep && items == 1,
        format!(
            "a consumer was woken between its test and its sleep: {items} item is there, and it sleeps: {asleep}"
        ),
        format!(
            "消费者在检查与睡眠之间被唤醒:缓冲区有 {items} 项,它仍在睡眠:{}",
            if asleep { "是" } else { "否" }
        ),
    ))
}

/// A blocked signal is pending or not: one bit.
fn wakeup_bit() -> Result<Finding, Error> {
    let kept = |wakeups: u32| -> Result<u64, Error> {
        let found = figures(|| {
            let Ok(blocked) = block(Signal::USR1) else { return vec![] };
            for _ in 0..wakeups {
                let _ = send(Pid::current(), Signal::USR1);
            }
            let mut kept = 0;
            while blocked.wait_timeout(Duration::ZERO).is_ok() {
                kept += 1;
            }
            vec![kept]
        })?;
        found.first().copied().ok_or(Error::Failed(nix::Error::ECHILD))
    };
    let (one, two) = (kept(1)?, kept(2)?);
    Ok(Finding::holds_if(
        one == 1 && two < 2,
        format!("the kernel's bit is a pending signal: of one wakeup it kept {one}, of two {two}"),
        format!("内核的等待位就是未决信号:一次唤醒保存 {one} 次,两次保存 {two} 次"),
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
