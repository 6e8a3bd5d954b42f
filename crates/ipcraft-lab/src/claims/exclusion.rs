//! Race conditions and mutual exclusion.

use std::thread;
use std::time::{Duration, Instant};

use ipcraft_bench::Placement;

use super::child::figures;
use super::{Claim, Finding};
use crate::bus::{Neighbour, beside_exchanges};
use crate::exclusion::{Bounds, Contention, Speed, TRIES, contend, measure};
use crate::explore::{explore, orders};
use crate::interrupts::try_instruction;
use crate::race::{How, race};
use crate::sys::cpu_clock::CpuClock;
use crate::{Error, Layout, Width, algorithm, worker};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "race",
        article: 2,
        sentence: (
            "If processes read and write shared data, the result depends on the exact timing.",
            "多个进程读写共享数据,最后的结果取决于进程运行的精确时序,称为竞争条件。",
        ),
        see: "ipcraft lab explore race",
        check: timing,
    },
    Claim {
        id: "race-file",
        article: 2,
        sentence: (
            "Shared memory, files and any shared resource lead to races.",
            "凡涉及共享内存、共享文件以及共享任何资源的情况都会引发竞争。",
        ),
        see: "ipcraft lab race",
        check: file,
    },
    Claim {
        id: "four-conditions",
        article: 2,
        sentence: (
            "A good solution meets four conditions: exclusion, any speed, no blocking from outside, no endless waiting.",
            "好的解决方案需要满足四个条件:互斥、不假设速度、临界区外不阻塞、不无限等待。",
        ),
        see: "ipcraft lab exclusion mutex",
        check: four_conditions,
    },
    Claim {
        id: "interrupts-user",
        article: 2,
        sentence: (
            "A user process should not be able to disable interrupts.",
            "把屏蔽中断的权利交给用户进程是不明智的。",
        ),
        see: "ipcraft lab race",
        check: interrupts,
    },
    Claim {
        id: "interrupts-kernel",
        article: 2,
        sentence: (
            "To the kernel itself, disabling interrupts for a few instructions is useful.",
            "屏蔽中断对于操作系统本身来说是非常有用的技术。",
        ),
        see: "ipcraft lab race",
        check: || {
            Ok(Finding::untested(
                "a program outside the kernel cannot observe it",
                "内核之外的程序无法观察到",
            ))
        },
    },
    Claim {
        id: "switch-by-interrupt",
        article: 2,
        sentence: (
            "The CPU switches processes only at a clock or other interrupt.",
            "CPU 只有在发生时钟中断或其他中断时才会进行进程切换。",
        ),
        see: "ipcraft lab threads",
        check: switch_by_interrupt,
    },
    Claim {
        id: "interrupts-cores",
        article: 2,
        sentence: (
            "Disabling interrupts does not keep other cores from the memory.",
            "屏蔽中断不会阻止其他 CPU 的干预。",
        ),
        see: "ipcraft lab race",
        check: other_cores,
    },
    Claim {
        id: "lock-variable",
        article: 2,
        sentence: (
            "With a lock variable, two processes can be in their critical sections.",
            "锁变量:会存在两个进程同时进入临界区。",
        ),
        see: "ipcraft lab explore lock-variable",
        check: lock_variable,
    },
    Claim {
        id: "alternation",
        article: 2,
        sentence: (
            "Strict alternation avoids all races, and violates condition 3.",
            "严格轮转法避免了所有竞争,但违反了条件 3。",
        ),
        see: "ipcraft lab exclusion alternation",
        check: alternation,
    },
    Claim {
        id: "busy-waiting",
        article: 2,
        sentence: ("Busy waiting wastes CPU time.", "忙等待浪费 CPU 时间,应该避免。"),
        see: "ipcraft lab exclusion tsl mutex",
        check: busy_waiting,
    },
    Claim {
        id: "short-waits",
        article: 2,
        sentence: (
            "Busy waiting is right only if the wait is expected to be very short.",
            "只有在等待时间非常短的情形下,才使用忙等待(自旋锁)。",
        ),
        see: "ipcraft bench --only channel_spin,channel_block",
        check: short_waits,
    },
    Claim {
        id: "peterson",
        article: 2,
        sentence: ("Peterson's solution is right.", "Peterson 解法是正确的。"),
        see: "ipcraft lab peterson",
        check: peterson,
    },
    Claim {
        id: "tsl",
        article: 2,
        sentence: (
            "TSL reads and writes a word indivisibly, so it is right.",
            "TSL 指令读字和写字不可分割,解法是正确的。",
        ),
        see: "ipcraft lab exclusion tsl",
        check: tsl,
    },
    Claim {
        id: "bus-lock",
        article: 2,
        sentence: (
            "TSL locks the memory bus, and keeps other CPUs from memory until it is done.",
            "执行 TSL 指令的 CPU 将锁住内存总线,禁止其他 CPU 访问内存。",
        ),
        see: "ipcraft lab race",
        check: bus_lock,
    },
];

fn placement() -> Placement {
    let two_cores = worker::cpus(Placement::TwoCores).is_some();
    if two_cores { Placement::TwoCores } else { Placement::SameCore }
}

fn speed() -> Speed {
    if placement() == Placement::TwoCores { Speed::TwoCores } else { Speed::OneCore }
}

fn bounded(id: &str, entries: u64) -> Result<Contention, Error> {
    let bounds = Bounds { entries, violations: 1, time: Duration::from_millis(2500) };
    let algorithm = algorithm::find(id).ok_or(Error::Failed(nix::Error::ENOENT))?;
    contend(algorithm, speed(), Layout::OwnLines, bounds)
}

fn timing() -> Result<Finding, Error> {
    let found = orders(Width::Three)?;
    Ok(Finding::holds_if(
        found.losing > 0 && found.losing < found.orders,
        format!(
            "two additions of three instructions have {} orders; {} of them lose an update",
            found.orders, found.losing
        ),
        format!("两次三条指令的加法有 {} 种顺序,其中 {} 种丢失更新", found.orders, found.losing),
    ))
}

fn file() -> Result<Finding, Error> {
    let plain = race(How::File, placement())?;
    let locked = race(How::LockedFile, placement())?;
    if plain.lost() == 0 {
        return Ok(Finding::untested(
            "no update was lost, which proves nothing",
            "没有丢失更新,这不能证明什么",
        ));
    }
    Ok(Finding::holds_if(
        locked.lost() == 0,
        format!(
            "a number in a file: {} of {} updates lost; {} with a record lock",
            plain.lost(),
            plain.expected,
            locked.lost()
        ),
        format!(
            "文件中的数字:{} 次更新丢失 {} 次;用记录锁丢失 {} 次",
            plain.expected,
            plain.lost(),
            locked.lost()
        ),
    ))
}

fn four_conditions() -> Result<Finding, Error> {
    let bounds = Bounds { entries: 2_000_000, violations: 1, time: Duration::from_millis(800) };
    let algorithm = algorithm::find("mutex").ok_or(Error::Failed(nix::Error::ENOENT))?;
    let (measured, _) = measure(algorithm, bounds)?;
    let violations: u64 = measured.contentions.iter().map(|one| one.violations + one.lost_updates).sum();
    let entries: u64 = measured.contentions.iter().map(Contention::total).sum();
    let beside = measured.entries_beside_stopped.min(measured.entries_beside_killed);
    let bypassed = measured.contentions.iter().map(|one| one.max_bypass).max().unwrap_or(0);
    Ok(Finding::holds_if(
        violations == 0 && beside == TRIES,
        format!(
            "a mutex: {violations} violations in {entries} entries, {beside} of {TRIES} entries beside a stopped process, bypassed at most {bypassed} times"
        ),
        format!(
            "互斥量:{entries} 次进入中违反 {violations} 次;另一进程停止时 {TRIES} 次中进入 {beside} 次;最多被超越 {bypassed} 次"
        ),
    ))
}

fn interrupts() -> Result<Finding, Error> {
    let signal = try_instruction()?;
    let ended = signal.clone().unwrap_or_else(|| "-".into());
    Ok(Finding::holds_if(
        signal.is_some(),
        format!("the CPU refuses it, also to root: the process ended by {ended}"),
        format!("CPU 拒绝执行,root 也一样:进程因 {ended} 结束"),
    ))
}

fn switch_by_interrupt() -> Result<Finding, Error> {
    const SLEEPS: u64 = 50;
    let switches = figures(|| {
        let before = super::child::status("self", "voluntary_ctxt_switches");
        for _ in 0..SLEEPS {
            thread::sleep(Duration::from_micros(50));
        }
        vec![super::child::status("self", "voluntary_ctxt_switches") - before]
    })?[0];
    Ok(Finding::holds_if(
        switches < SLEEPS / 2,
        format!("a process that blocked {SLEEPS} times was switched out {switches} times by its own calls"),
        format!("阻塞 {SLEEPS} 次的进程因自己的系统调用被切换 {switches} 次"),
    ))
}

fn other_cores() -> Result<Finding, Error> {
    if placement() == Placement::SameCore || !Width::ALL.contains(&Width::One) {
        return Ok(Finding::untested(
            "needs a second core, and an instruction of x86-64",
            "需要第二个核,以及 x86-64 的指令",
        ));
    }
    let one_core = race(How::Memory(Width::One), Placement::SameCore)?;
    let two_cores = race(How::Memory(Width::One), Placement::TwoCores)?;
    Ok(Finding::holds_if(
        two_cores.lost() > 0 && one_core.lost() == 0,
        format!(
            "one instruction, which nothing interrupts: lost updates on one core {}, on two cores {}",
            one_core.lost(),
            two_cores.lost()
        ),
        format!("一条不会被中断的指令:单核丢失 {} 次更新,双核丢失 {} 次", one_core.lost(), two_cores.lost()),
    ))
}

fn lock_variable() -> Result<Finding, Error> {
    let algorithm = algorithm::find("lock-variable").ok_or(Error::Failed(nix::Error::ENOENT))?;
    let found = explore(algorithm)?;
    let schedule = found.exclusion.schedule();
    let shown = schedule.map_or_else(|| "-".into(), ToString::to_string);
    Ok(Finding::holds_if(
        schedule.is_some(),
        format!("in {} states of two processes, the shortest order with both inside: {shown}", found.states),
        format!("两个进程的 {} 个状态中,两者都进入的最短顺序:{shown}", found.states),
    ))
}

fn alternation() -> Result<Finding, Error> {
    let bounds = Bounds { entries: 2_000_000, violations: 1, time: Duration::from_millis(800) };
    let algorithm = algorithm::find("alternation").ok_or(Error::Failed(nix::Error::ENOENT))?;
    let (measured, _) = measure(algorithm, bounds)?;
    let violations: u64 = measured.contentions.iter().map(|one| one.violations + one.lost_updates).sum();
    let beside = measured.entries_beside_stopped;
    Ok(Finding::holds_if(
        violations == 0 && beside < TRIES,
        format!(
            "{violations} violations; beside a process that is stopped outside, {beside} of {TRIES} entries"
        ),
        format!("违反 {violations} 次;另一进程停在临界区外时,{TRIES} 次中只进入 {beside} 次"),
    ))
}

/// Returns the CPU time and the time, in microseconds, of a process that waits for a flag.
fn waiting(spins: bool) -> Result<Vec<u64>, Error> {
    const WAIT: Duration = Duration::from_millis(50);
    figures(|| {
        let start = Instant::now();
        let before = CpuClock::OWN.ns().unwrap_or(0);
        let end = start + WAIT;
        if spins {
            while Instant::now() < end {
                std::hint::spin_loop();
            }
        } else {
            let never = std::sync::atomic::AtomicU32::new(0);
            let _ = ipcraft::futex::wait_timeout(&never, 0, WAIT);
        }
        vec![(CpuClock::OWN.ns().unwrap_or(0) - before) / 1000, start.elapsed().as_micros() as u64]
    })
}

fn busy_waiting() -> Result<Finding, Error> {
    let (spinning, blocked) = (waiting(true)?, waiting(false)?);
    Ok(Finding::holds_if(
        spinning[0] > 10 * blocked[0].max(1),
        format!("a wait of 50 ms: {} us of CPU time by spinning, {} us by blocking", spinning[0], blocked[0]),
        format!("等待 50 ms:忙等待用 CPU {} us,阻塞用 {} us", spinning[0], blocked[0]),
    ))
}

fn short_waits() -> Result<Finding, Error> {
    if placement() == Placement::SameCore {
        return Ok(Finding::untested("needs a second core", "需要第二个核"));
    }
    let plan = ipcraft_bench::Plan {
        mechanisms: ["channel_spin", "channel_block"].into_iter().filter_map(ipcraft_bench::find).collect(),
        sizes: Some(vec![64]),
        workloads: vec![ipcraft_bench::Workload::RoundTrip],
        placements: vec![Placement::TwoCores],
        budget: Duration::from_secs(3),
        ..ipcraft_bench::Plan::new(ipcraft_bench::Preset::Quick)
    };
    let results = ipcraft_bench::run(&plan, &std::sync::atomic::AtomicBool::new(false), &mut |_| ());
    let time = |id: &str| {
        let rows = results.results.iter().filter(|row| row.mechanism == id);
        rows.filter_map(|row| Some(row.time_ns?.value)).fold(f64::INFINITY, f64::min) / 1000.0
    };
    let (spin, block) = (time("channel_spin"), time("channel_block"));
    Ok(Finding::holds_if(
        spin < block,
        format!("round trip between two cores: {spin:.2} us if both spin, {block:.1} us if both block"),
        format!("两个核之间的往返:双方自旋 {spin:.2} us,双方阻塞 {block:.1} us"),
    ))
}

fn peterson() -> Result<Finding, Error> {
    const ENTRIES: u64 = 3_000_000;
    let fenced = bounded("peterson", ENTRIES)?;
    let relaxed = bounded("peterson-relaxed", u64::MAX)?;
    let count = |found: &Contention| found.violations.max(found.lost_updates);
    Ok(Finding::holds_but_if(
        !fenced.is_violated(),
        relaxed.is_violated(),
        format!(
            "with a fence {} violations in {} entries; without one {} in {}",
            count(&fenced),
            fenced.total(),
            count(&relaxed),
            relaxed.total()
        ),
        format!(
            "有内存栅栏:{} 次进入违反 {} 次;没有栅栏:{} 次进入违反 {} 次",
            fenced.total(),
            count(&fenced),
            relaxed.total(),
            count(&relaxed)
        ),
    ))
}

fn tsl() -> Result<Finding, Error> {
    let found = bounded("tsl", 3_000_000)?;
    Ok(Finding::holds_if(
        !found.is_violated(),
        format!("{} violations in {} entries", found.violations, found.total()),
        format!("{} 次进入中违反 {} 次", found.total(), found.violations),
    ))
}

/// One process exchanges a word without end while another one uses a different cache line.
fn bus_lock() -> Result<Finding, Error> {
    let (times, skipped) = beside_exchanges()?;
    if skipped.is_some() {
        return Ok(Finding::untested("needs a second core", "需要第二个核"));
    }
    let ns = |neighbour| {
        let found = times.iter().find(|beside| beside.neighbour == neighbour);
        found.map_or(f64::NAN, |beside| beside.ns)
    };
    let quiet = ns(Neighbour::Waits);
    let (other, same) = (ns(Neighbour::OtherLine) / quiet, ns(Neighbour::SameLine) / quiet);
    Ok(Finding::holds_if(
        other > 1.5,
        format!(
            "beside exchanges on another cache line an addition takes {other:.2} times its time, on its own line {same:.1} times: only the line is locked"
        ),
        format!("另一个核交换别的缓存行时,加法用时 {other:.2} 倍;交换同一行时 {same:.1} 倍:只锁住缓存行"),
    ))
}
