//! CPU scheduling, measured on Linux.

use std::fs;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use ipcraft_bench::{Placement, pin};
use ipcraft_step::{Child, Shared};
use nix::unistd::setsid;

use super::child::{ended, figures, status};
use super::{Claim, Finding};
use crate::cost::{Case, Unit, What, measure};
use crate::sys::cpu_clock::cpu_time;
use crate::threads::{Level, Way, blocked, order, share};
use crate::{Error, worker};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "bursts",
        article: 2,
        sentence: (
            "A CPU-bound process computes for long; an I/O-bound one computes briefly and waits.",
            "计算密集型进程长时间使用 CPU,I/O 密集型进程短时间使用、长时间等待。",
        ),
        see: "ipcraft lab schedule --jobs 'A:0:20 B:0:1,io3,1,io3,1'",
        check: bursts,
    },
    Claim {
        id: "parent-or-child",
        article: 2,
        sentence: (
            "After a process is created, either parent or child may run first.",
            "创建新进程后,调度程序可以选择先运行父进程还是子进程。",
        ),
        see: "example process_states",
        check: parent_or_child,
    },
    Claim {
        id: "fairness",
        article: 2,
        sentence: ("Similar processes should get similar service.", "相似的进程应该得到相似的服务。"),
        see: "ipcraft lab schedule --policy rr:1 --jobs 10,10,10",
        check: fairness,
    },
    Claim {
        id: "nine-and-one",
        article: 2,
        sentence: (
            "If user 1 starts nine processes and user 2 one, user 1 gets 90 % of the CPU.",
            "用户 1 启动 9 个进程、用户 2 启动 1 个,则用户 1 得到 90% 的 CPU 时间。",
        ),
        see: "ipcraft lab schedule --set tanenbaum-fair",
        check: nine_and_one,
    },
    Claim {
        id: "user-level-unknown",
        article: 2,
        sentence: (
            "The kernel does not know of user-level threads: it chooses a process.",
            "用户级线程中,内核并不知道线程的存在,只选取进程。",
        ),
        see: "ipcraft lab threads",
        check: || shares(Level::User, 50.0),
    },
    Claim {
        id: "user-level-order",
        article: 2,
        sentence: (
            "Within its slice, a process runs its user-level threads in its own order.",
            "用户级线程由进程中的线程调度程序决定,直到时间片耗尽。",
        ),
        see: "ipcraft lab threads",
        check: user_level_order,
    },
    Claim {
        id: "kernel-level-chosen",
        article: 2,
        sentence: (
            "The kernel chooses a kernel-level thread without regard to its process.",
            "内核级线程中,内核选择一个特定的线程运行,不用考虑它属于哪个进程。",
        ),
        see: "ipcraft lab threads",
        check: || shares(Level::Kernel, 75.0),
    },
    Claim {
        id: "thread-switch-cost",
        article: 2,
        sentence: (
            "Switching user-level threads takes a few instructions, kernel-level ones a context switch.",
            "用户级线程的切换需要少量机器指令,内核级线程需要完整的上下文切换。",
        ),
        see: "ipcraft lab cost",
        check: switch_cost,
    },
    Claim {
        id: "blocked-thread",
        article: 2,
        sentence: (
            "A user-level thread that blocks in I/O suspends its whole process; a kernel-level one does not.",
            "用户级线程阻塞到 I/O 上会将整个进程挂起,内核级线程则不会。",
        ),
        see: "ipcraft lab threads",
        check: blocked_thread,
    },
];

fn bursts() -> Result<Finding, Error> {
    const TIME: Duration = Duration::from_millis(200);
    let voluntary = |computes: bool| -> Result<u64, Error> {
        let found = figures(|| {
            let (start, before) = (Instant::now(), status("self", "voluntary_ctxt_switches"));
            while start.elapsed() < TIME {
                if !computes {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            vec![status("self", "voluntary_ctxt_switches") - before]
        })?;
        Ok(found[0])
    };
    let (cpu, io) = (voluntary(true)?, voluntary(false)?);
    Ok(Finding::holds_if(
        io > 10 * cpu.max(1),
        format!("in 200 ms one that computes blocked {cpu} times, one that waits {io} times"),
        format!("200 ms 内,计算的进程阻塞 {cpu} 次,等待的进程阻塞 {io} 次"),
    ))
}

fn parent_or_child() -> Result<Finding, Error> {
    const FORKS: u64 = 100;
    let found = figures(|| {
        let cpus = worker::cpus(Placement::SameCore);
        let _ = cpus.and_then(|cpus| cpus.client).map(pin);
        let mut child_first = 0;
        for _ in 0..FORKS {
            let Ok(shared) = Shared::new() else { break };
            let word = &shared.words()[0];
            let Ok(mut child) = Child::try_start(|| _ = word.compare_exchange(0, 1, SeqCst, SeqCst)) else {
                break;
            };
            let _ = word.compare_exchange(0, 2, SeqCst, SeqCst);
            let _ = ended(&mut child);
            child_first += u64::from(word.load(SeqCst) == 1);
        }
        vec![child_first]
    })?;
    let first = found[0];
    Ok(Finding::holds_but_if(
        first <= FORKS,
        first == 0 || first == FORKS,
        format!("on one core the child was first in {first} of {FORKS} forks"),
        format!("单核上 {FORKS} 次 fork 中子进程先运行 {first} 次"),
    ))
}

/// Lets processes compute on one core. Returns the CPU time of each in milliseconds.
fn compete(processes: usize, last_in_own_session: bool) -> Result<Vec<f64>, Error> {
    const TIME: Duration = Duration::from_millis(1500);
    let cpus = worker::cpus(Placement::SameCore).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let mut all = Vec::new();
    for number in 0..processes {
        all.push(Child::try_start(|| {
            let _ = cpus.client.map(pin);
            if last_in_own_session && number + 1 == processes {
                let _ = setsid();
            }
            loop {
                std::hint::spin_loop();
            }
        })?);
    }
    let now = |all: &[Child]| -> Result<Vec<u64>, Error> {
        Ok(all.iter().map(|child| cpu_time(child.pid())).collect::<Result<_, _>>()?)
    };
    thread::sleep(Duration::from_millis(100));
    let before = now(&all)?;
    thread::sleep(TIME);
    let after = now(&all)?;
    Ok(before.iter().zip(after).map(|(before, after)| (after - before) as f64 / 1e6).collect())
}

fn fairness() -> Result<Finding, Error> {
    let times = compete(3, false)?;
    let (least, most) = times.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), &ms| (a.min(ms), b.max(ms)));
    let shown = times.iter().map(|ms| format!("{ms:.0}")).collect::<Vec<_>>().join(", ");
    Ok(Finding::holds_if(
        least > 0.75 * most,
        format!("three equal processes on one core got {shown} ms"),
        format!("单核上三个相同的进程各得 {shown} ms"),
    ))
}

fn nine_and_one() -> Result<Finding, Error> {
    let percent = |own_session| -> Result<f64, Error> {
        let times = compete(10, own_session)?;
        Ok(times[..9].iter().sum::<f64>() * 100.0 / times.iter().sum::<f64>().max(1.0))
    };
    let (together, apart) = (percent(false)?, percent(true)?);
    let groups = fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled").unwrap_or_default();
    let setting = if groups.trim() == "1" { "autogroup 1" } else { "autogroup 0" };
    Ok(Finding::holds_but_if(
        (together - 90.0).abs() < 6.0,
        apart < 80.0,
        format!(
            "the nine get {together:.0} % in one session, {apart:.0} % if the tenth has its own ({setting})"
        ),
        format!("同一会话中九个进程得 {together:.0} %,第十个有自己的会话时得 {apart:.0} %({setting})"),
    ))
}

fn shares(level: Level, expected: f64) -> Result<Finding, Error> {
    // Other work on the core moves a share for a moment.
    let mut percent = share(level)?.percent_of_three();
    if (percent - expected).abs() > 10.0 {
        percent = share(level)?.percent_of_three();
    }
    Ok(Finding::holds_if(
        (percent - expected).abs() <= 10.0,
        format!(
            "a process with three threads beside one with one got {percent:.0} % of a core, expected {expected:.0}"
        ),
        format!("三个线程的进程与一个线程的进程共用一核:得到 {percent:.0} %,预期 {expected:.0} %"),
    ))
}

fn user_level_order() -> Result<Finding, Error> {
    let (user, kernel) = (order(Level::User)?, order(Level::Kernel)?);
    let shown = user.turns.iter().take(9).map(String::as_str).collect::<Vec<_>>().join(" ");
    Ok(Finding::holds_if(
        user.within > 3 * user.between,
        format!(
            "{shown} …: a change of process after {} of {} turns; kernel-level: {} of {}",
            user.between,
            user.within + user.between,
            kernel.between,
            kernel.within + kernel.between
        ),
        format!(
            "{shown} …:{} 个轮次中换进程 {} 次;内核级:{} 个中 {} 次",
            user.within + user.between,
            user.between,
            kernel.within + kernel.between,
            kernel.between
        ),
    ))
}

fn switch_cost() -> Result<Finding, Error> {
    const ROUNDS: usize = 5;
    let cases = [Unit::Coroutine, Unit::Thread].map(|unit| Case::new(What::Switch(unit), 2));
    let times: Vec<f64> = measure(&cases, ROUNDS)?.iter().filter_map(|one| Some(one.ns?.value)).collect();
    let [user, kernel] = times[..] else { return Err(Error::Failed(nix::Error::EAGAIN)) };
    Ok(Finding::holds_if(
        user * 5.0 < kernel,
        format!(
            "a switch: {user:.1} ns between user-level threads, {kernel:.0} ns between kernel-level ones"
        ),
        format!("一次切换:用户级线程 {user:.1} ns,内核级线程 {kernel:.0} ns"),
    ))
}

fn blocked_thread() -> Result<Finding, Error> {
    let turns = |way| blocked(way).map(|found| found.turns_of_others);
    let (user, cure, kernel) =
        (turns(Way::UserBlocking)?, turns(Way::UserNonBlocking)?, turns(Way::KernelBlocking)?);
    Ok(Finding::holds_if(
        user == 0 && kernel > 0,
        format!(
            "turns of the others during a read of 50 ms: user level {user}, kernel level {kernel}; without blocking, user level {cure}"
        ),
        format!("一次 50 ms 的读期间其他线程的轮次:用户级 {user},内核级 {kernel};非阻塞的用户级 {cure}"),
    ))
}
