//! Signals.

use std::time::Duration;

use ipcraft::Pid;
use ipcraft::signal::{Signal, block, queue, send};

use super::child::figures;
use super::{Claim, Finding};
use crate::Error;
use crate::interrupts::try_instruction;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "signal-from-kernel",
        article: 1,
        sentence: (
            "The kernel notifies a process of events by signals, at any moment.",
            "信号是软件中断,内核可利用它来通知用户空间进程发生了哪些系统事件。",
        ),
        see: "ipcraft lab race",
        check: from_kernel,
    },
    Claim {
        id: "signals-64",
        article: 1,
        sentence: ("There are 64 signals (kill -l).", "一共有 64 种信号,kill -l 可查阅。"),
        see: "example signals",
        check: number,
    },
    Claim {
        id: "signal-little",
        article: 1,
        sentence: (
            "A signal carries little information: it only reports that an event has occurred.",
            "信号传递信息少,用于通知某个事件已经发生。",
        ),
        see: "example signals",
        check: little,
    },
];

fn from_kernel() -> Result<Finding, Error> {
    let signal = try_instruction()?;
    let name = signal.clone().unwrap_or_else(|| "-".into());
    Ok(Finding::holds_if(
        signal.is_some(),
        format!("an instruction that only the kernel may execute: the kernel sent {name}"),
        format!("执行了只有内核可用的指令:内核发来 {name}"),
    ))
}

fn number() -> Result<Finding, Error> {
    let numbers = libc::SIGRTMAX();
    // The standard ones have the numbers 1 to 31.
    let usable = 31 + numbers - libc::SIGRTMIN() + 1;
    let reserved = numbers - usable;
    Ok(Finding::holds_but_if(
        numbers == 64,
        reserved > 0,
        format!(
            "the numbers end at {numbers}, {usable} are usable: the C library keeps {reserved} for itself"
        ),
        format!("编号到 {numbers} 为止,可用的 {usable} 种:C 库自己保留 {reserved} 种"),
    ))
}

fn little() -> Result<Finding, Error> {
    const SENT: u64 = 5;
    let found = figures(|| {
        let count = || -> ipcraft::Result<Vec<u64>> {
            let realtime = Signal::realtime(0)?;
            let standard = block(Signal::USR1)?;
            let queued = block(realtime)?;
            let mut value = 0;
            for number in 1..=SENT {
                send(Pid::current(), Signal::USR1)?;
                queue(Pid::current(), realtime, number as i32)?;
            }
            let mut counts = vec![0, 0];
            while standard.wait_timeout(Duration::ZERO).is_ok() {
                counts[0] += 1;
            }
            while let Ok(info) = queued.wait_timeout(Duration::ZERO) {
                counts[1] += 1;
                value = info.value().unwrap_or(0);
            }
            counts.push(value as u64);
            Ok(counts)
        };
        count().unwrap_or_default()
    })?;
    let [standard, realtime, value] = found[..] else {
        return Ok(Finding::untested("signals cannot be sent here", "这里不能发送信号"));
    };
    Ok(Finding::holds_but_if(
        standard < SENT,
        realtime == SENT && value == SENT,
        format!(
            "of {SENT} standard signals {standard} arrived; of {SENT} realtime signals {realtime}, each with one integer"
        ),
        format!("{SENT} 个标准信号到达 {standard} 个;{SENT} 个实时信号到达 {realtime} 个,各带一个整数"),
    ))
}
