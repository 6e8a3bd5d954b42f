//! Processes and threads.

use std::fs;
use std::hint::black_box;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use ipcraft_bench::Cores;
use nix::sys::wait::WaitStatus;
use nix::unistd::{getpid, gettid};

use super::child::{end_of, figures, status};
use super::{Claim, Finding, Verdict};
use crate::Error;
use crate::cost::{Case, Creation, Unit, What, measure};
use crate::sys::cpu_clock::CpuClock;
use crate::threads::{Level, run};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "own-memory",
        article: 1,
        sentence: (
            "Each process has its own memory: its variables are not visible in another one.",
            "每个进程有独立的内存空间,一个进程的全局变量在另一个进程中看不到。",
        ),
        see: "example memfd",
        check: own_memory,
    },
    Claim {
        id: "process-switch",
        article: 1,
        sentence: (
            "Switching between processes costs more than between threads of one process.",
            "进程间切换的开销比同一进程的线程间切换大。",
        ),
        see: "ipcraft lab cost",
        check: process_switch,
    },
    Claim {
        id: "light-weight",
        article: 1,
        sentence: (
            "A thread is a light-weight process: it is cheaper to create.",
            "线程是轻量级进程,创建的开销更小。",
        ),
        see: "ipcraft lab cost",
        check: creation,
    },
    Claim {
        id: "shared-by-threads",
        article: 1,
        sentence: (
            "Threads share the memory and files of their process; each has its own stack.",
            "线程共享进程的内存和文件,各有自己的栈。",
        ),
        see: "ipcraft lab threads",
        check: shared_by_threads,
    },
    Claim {
        id: "task",
        article: 1,
        sentence: ("To the operating system a task is a process.", "对操作系统来说,一个任务就是一个进程。"),
        see: "ipcraft lab threads",
        check: task,
    },
    Claim {
        id: "one-thread",
        article: 1,
        sentence: ("A process has at least one thread.", "一个进程至少有一个线程。"),
        see: "example process_states",
        check: one_thread,
    },
    Claim {
        id: "as-if-simultaneous",
        article: 1,
        sentence: (
            "Threads run in turns so quickly that it seems as if they ran at the same time.",
            "操作系统在多个线程之间快速切换,看起来像同时执行。",
        ),
        see: "ipcraft lab threads",
        check: simultaneous,
    },
    Claim {
        id: "pid-and-tgid",
        article: 1,
        sentence: (
            "Each thread has its own PID, and the TGID of the thread that started the process.",
            "每个线程有唯一的 PID,并继承启动进程的线程的 TGID。",
        ),
        see: "example process_states",
        check: pid_and_tgid,
    },
    Claim {
        id: "crash",
        article: 1,
        sentence: (
            "A crashed process affects no other; a crashed thread ends its whole process.",
            "一个进程崩溃不影响其他进程,一个线程崩溃则整个进程都死掉。",
        ),
        see: "example pidfd",
        check: crash,
    },
    Claim {
        id: "thread-needs-process",
        article: 1,
        sentence: (
            "A thread cannot exist on its own: it ends with its process.",
            "线程不能独立执行,必须依存在进程中。",
        ),
        see: "example process_states",
        check: thread_ends_with_process,
    },
];

static VARIABLE: AtomicU64 = AtomicU64::new(1);

fn own_memory() -> Result<Finding, Error> {
    let before = VARIABLE.load(SeqCst);
    let of_child = figures(|| {
        VARIABLE.fetch_add(41, SeqCst);
        vec![VARIABLE.load(SeqCst)]
    })?[0];
    let here = VARIABLE.load(SeqCst);
    Ok(Finding::holds_if(
        here == before && of_child == before + 41,
        format!("a child set a variable to {of_child}, and here it is still {here}"),
        format!("子进程把变量改成 {of_child},本进程中仍是 {here}"),
    ))
}

/// Returns the nanoseconds of cases measured in turns.
fn times(cases: &[Case]) -> Result<Vec<f64>, Error> {
    const ROUNDS: usize = 7;
    let measured = measure(cases, ROUNDS)?;
    measured.iter().map(|one| one.ns.map(|ns| ns.value).ok_or(Error::Failed(nix::Error::EAGAIN))).collect()
}

fn process_switch() -> Result<Finding, Error> {
    let times = times(&[Unit::Thread, Unit::Process].map(|unit| Case::new(What::Switch(unit), 8)))?;
    let (thread, process) = (times[0] / 1000.0, times[1] / 1000.0);
    let ratio = process / thread;
    Ok(Finding::holds_but_if(
        ratio > 1.02,
        ratio < 1.5,
        format!("thread {thread:.2} us, process {process:.2} us: {ratio:.2} times as much"),
        format!("线程 {thread:.2} us,进程 {process:.2} us:{ratio:.2} 倍"),
    ))
}

fn creation() -> Result<Finding, Error> {
    let times =
        times(&[Creation::Thread, Creation::Process].map(|creation| Case::new(What::Create(creation), 1)))?;
    let (thread, process) = (times[0] / 1000.0, times[1] / 1000.0);
    Ok(Finding::holds_if(
        thread < process,
        format!("creation and end: thread {thread:.0} us, process {process:.0} us"),
        format!("创建并结束:线程 {thread:.0} us,进程 {process:.0} us"),
    ))
}

fn shared_by_threads() -> Result<Finding, Error> {
    let found = figures(|| {
        let own = stack_address();
        let thread = thread::spawn(|| {
            VARIABLE.store(7, SeqCst);
            (stack_address(), fs::read_link("/proc/thread-self/fd/0").ok())
        });
        let (other, file) = thread.join().unwrap_or_default();
        let same_file = file == fs::read_link("/proc/self/fd/0").ok();
        vec![VARIABLE.load(SeqCst), u64::from(own.abs_diff(other) > 4096), u64::from(same_file)]
    })?;
    Ok(Finding::holds_if(
        found[0] == 7 && found[1] > 0 && found[2] == 1,
        "a thread changed a variable that the other one sees; their stacks are apart",
        "一个线程改了另一个线程看到的变量;两个栈彼此分开",
    ))
}

/// The address of a local variable.
fn stack_address() -> u64 {
    let local = 0_u8;
    black_box(&raw const local).addr() as u64
}

fn task() -> Result<Finding, Error> {
    let tasks = figures(|| {
        for _ in 0..2 {
            thread::spawn(|| thread::sleep(Duration::from_secs(1)));
        }
        vec![fs::read_dir("/proc/self/task").map_or(0, |tasks| tasks.count() as u64)]
    })?[0];
    Ok(Finding::holds_but_if(
        tasks >= 1,
        tasks > 1,
        format!("to Linux each thread is a task: a process with three threads is {tasks} tasks"),
        format!("对 Linux 来说每个线程都是任务:三个线程的进程是 {tasks} 个任务"),
    ))
}

fn one_thread() -> Result<Finding, Error> {
    let threads = figures(|| vec![status("self", "Threads")])?[0];
    Ok(Finding::holds_if(
        threads == 1,
        format!("a process that started no thread has {threads}"),
        format!("没有创建线程的进程有 {threads} 个线程"),
    ))
}

/// Returns how many cores two threads used on average, in hundredths: the most of some tries, since
/// other work takes cores away.
pub(super) fn cores_used(level: Level) -> Result<u64, Error> {
    const TRIES: usize = 4;
    let tries: Vec<u64> = (0..TRIES).map(|_| cores_used_once(level)).collect::<Result<_, _>>()?;
    Ok(tries.into_iter().max().unwrap_or(0))
}

fn cores_used_once(level: Level) -> Result<u64, Error> {
    const TIME: Duration = Duration::from_millis(150);
    let found = figures(|| {
        let (start, before) = (Instant::now(), CpuClock::OWN.ns().unwrap_or(0));
        run(level, 2, move |_, turn| {
            while start.elapsed() < TIME {
                (0..100).for_each(|_| _ = black_box(Instant::now()));
                turn.end();
            }
        });
        let cpu = CpuClock::OWN.ns().unwrap_or(0) - before;
        vec![u128::from(cpu) as u64 * 100 / start.elapsed().as_nanos() as u64]
    })?;
    Ok(found[0])
}

fn simultaneous() -> Result<Finding, Error> {
    let used = cores_used(Level::Kernel)?;
    let cores = Cores::of_this_process().allowed().len();
    let (whole, part) = (used / 100, used % 100);
    Ok(Finding::holds_but_if(
        true,
        used > 110,
        format!(
            "two threads used {whole}.{part:02} of {cores} cores; more than one means that they do run at the same time"
        ),
        format!("两个线程用了 {cores} 个核中的 {whole}.{part:02} 个;超过一个说明它们真的同时运行"),
    ))
}

fn pid_and_tgid() -> Result<Finding, Error> {
    let found = figures(|| {
        let ids = || {
            let own = gettid().as_raw() as u64;
            vec![own, status("thread-self", "Tgid")]
        };
        let first = ids();
        let second = thread::spawn(ids).join().unwrap_or_default();
        [first, second, vec![getpid().as_raw() as u64]].concat()
    })?;
    let [first, first_group, second, second_group, process] = found[..] else {
        return Err(Error::Failed(nix::Error::ECHILD));
    };
    Ok(Finding::holds_if(
        first == process && second != first && first_group == process && second_group == process,
        format!("threads {first} and {second}, TGID {first_group} and {second_group}"),
        format!("线程 {first} 和 {second},TGID {first_group} 和 {second_group}"),
    ))
}

fn crash() -> Result<Finding, Error> {
    let is_crash = |end: &WaitStatus| matches!(end, WaitStatus::Signaled(..));
    let alone = end_of(crash_quietly)?;
    let with_thread = end_of(|| {
        thread::spawn(crash_quietly);
        thread::sleep(Duration::from_secs(5));
    })?;
    let survived = VARIABLE.load(SeqCst) != 0;
    Ok(Finding::holds_if(
        is_crash(&alone) && is_crash(&with_thread) && survived,
        "a child crashed, and this process continues; a thread crashed, and its process ended with it",
        "一个子进程崩溃,本进程继续运行;一个线程崩溃,它的进程随之结束",
    ))
}

/// Ends this process by a signal, without a file of its memory.
fn crash_quietly() {
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
    std::process::abort();
}

fn thread_ends_with_process() -> Result<Finding, Error> {
    let end = end_of(|| {
        thread::spawn(|| thread::sleep(Duration::from_secs(1000)));
    })?;
    let ended = matches!(end, WaitStatus::Exited(_, 0));
    Ok(Finding::new(
        if ended { Verdict::Holds } else { Verdict::DoesNotHold },
        "a process returned while its thread slept for 1000 s: the thread ended with it",
        "线程还要睡 1000 秒时进程返回:线程随之结束",
    ))
}
