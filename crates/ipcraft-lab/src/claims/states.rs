//! The states of a process.

use std::thread;
use std::time::Duration;

use ipcraft_step::{Child, Shared};
use nix::sys::signal::{Signal, kill};

use super::child::{status, until};
use super::{Claim, Finding};
use crate::Error;
use crate::worker::{self, Team};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "states",
        article: 1,
        sentence: (
            "A process is new, ready, running, blocked or ended.",
            "进程有创建、就绪、运行、阻塞、结束等状态。",
        ),
        see: "example process_states",
        check: states,
    },
    Claim {
        id: "ready-and-running",
        article: 1,
        sentence: (
            "A ready process can run, and waits because another one runs.",
            "就绪态可运行,但因为其他进程正在运行而暂时停止。",
        ),
        see: "example process_states",
        check: ready,
    },
    Claim {
        id: "suspended-on-disk",
        article: 1,
        sentence: (
            "A suspended process has been moved from memory to disk.",
            "挂起是将进程移到外存中,挂起态代表该进程没有占用内存空间。",
        ),
        see: "example process_states",
        check: suspended,
    },
];

/// Returns the state letter of a child. Under a tracer such as strace(1), a stop has its own
/// letter, which counts as the same here.
fn letter(child: &Child) -> char {
    let letter = ipcraft::process::state(child.id()).map_or('?', ipcraft::process::State::letter);
    if letter == 't' { 'T' } else { letter }
}

fn states() -> Result<Finding, Error> {
    let mut seen = String::new();
    let mut see = |child: &Child, wanted: char| -> Result<(), Error> {
        until(|| letter(child) == wanted)?;
        seen.push(wanted);
        Ok(())
    };
    let running = Child::try_start(|| {
        loop {
            std::hint::spin_loop();
        }
    })?;
    see(&running, 'R')?;
    kill(running.pid(), Signal::SIGSTOP)?;
    see(&running, 'T')?;
    let blocked = Child::try_start(|| thread::sleep(Duration::from_secs(1000)))?;
    see(&blocked, 'S')?;
    kill(blocked.pid(), Signal::SIGKILL)?;
    see(&blocked, 'Z')?;
    Ok(Finding::holds_but_if(
        seen == "RTSZ",
        seen.contains('T'),
        "Linux shows R (ready or running), S (blocked), Z (ended), and T: stopped by a signal",
        "Linux 显示 R(就绪或运行)、S(阻塞)、Z(结束),还有 T:被信号停止",
    ))
}

fn ready() -> Result<Finding, Error> {
    let shared = Shared::new()?;
    let cpus = worker::cpus(ipcraft_bench::Placement::SameCore).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let team = Team::start(&shared, cpus, &[0, 1], &|_, _| loop {
        std::hint::spin_loop();
    })?;
    let state = |index: usize| {
        let pid = team.pid(index).as_raw().try_into().ok();
        pid.and_then(|pid| ipcraft::process::state(pid).ok()).map_or('?', ipcraft::process::State::letter)
    };
    until(|| state(0) == 'R' && state(1) == 'R')?;
    Ok(Finding::holds_but_if(
        true,
        state(0) == state(1),
        "two processes compute on one core: Linux shows R for both, the ready and the running one",
        "两个进程在一个核上计算:Linux 对就绪和运行的都显示 R",
    ))
}

fn suspended() -> Result<Finding, Error> {
    const TOUCHED: usize = 16 << 20;
    let child = Child::try_start(|| {
        let memory = std::hint::black_box(vec![1_u8; TOUCHED]);
        loop {
            std::hint::black_box(&memory);
            thread::sleep(Duration::from_millis(1));
        }
    })?;
    let resident = || status(&child.pid().to_string(), "VmRSS");
    until(|| resident() as usize > TOUCHED >> 10)?;
    let before = resident();
    kill(child.pid(), Signal::SIGSTOP)?;
    until(|| letter(&child) == 'T')?;
    thread::sleep(Duration::from_millis(100));
    let stopped = resident();
    Ok(Finding::holds_if(
        stopped * 2 < before,
        format!("stopped by SIGSTOP: {} MiB in memory before, {} MiB after", before >> 10, stopped >> 10),
        format!("用 SIGSTOP 停止:之前内存中有 {} MiB,之后 {} MiB", before >> 10, stopped >> 10),
    ))
}
