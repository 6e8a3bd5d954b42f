//! Coroutines, and how they differ from threads.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use corosensei::Coroutine;
use nix::unistd::gettid;

use super::units::cores_used;
use super::{Claim, Finding};
use crate::Error;
use crate::coroutine::{UserThreads, Yielder};
use crate::cost::{Case, Unit, What, measure, memory};
use crate::threads::{Guard, Level, Switch, counts, hogged, updates};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "no-kernel-switch",
        article: 1,
        sentence: (
            "Switching between coroutines makes no switch into the kernel.",
            "协程切换基本没有内核切换的开销。",
        ),
        see: "ipcraft lab threads",
        check: no_kernel_switch,
    },
    Claim {
        id: "own-scheduler",
        article: 1,
        sentence: (
            "The program schedules its coroutines itself, so it controls their order.",
            "协程的调度完全由用户控制,更容易控制执行顺序。",
        ),
        see: "example coroutines",
        check: own_scheduler,
    },
    Claim {
        id: "stack-saved",
        article: 1,
        sentence: (
            "A switch saves the registers and the stack of the coroutine elsewhere, and restores them.",
            "切换时把寄存器上下文和栈保存到堆区,切回来时再恢复。",
        ),
        see: "ipcraft lab cost",
        check: stack_saved,
    },
    Claim {
        id: "no-locks",
        article: 1,
        sentence: (
            "Coroutines need no locks: there is one thread, so no two write at the same time.",
            "协程不需要锁,因为只有一个线程,不存在同时写变量的冲突。",
        ),
        see: "ipcraft lab threads",
        check: no_locks,
    },
    Claim {
        id: "advantage-grows",
        article: 1,
        sentence: (
            "The more threads there are, the greater the advantage of coroutines.",
            "线程数量越多,协程的性能优势就越明显。",
        ),
        see: "ipcraft lab cost",
        check: advantage_grows,
    },
    Claim {
        id: "megabytes",
        article: 1,
        sentence: (
            "A thread takes megabytes of memory, a coroutine kilobytes.",
            "一个线程的内存在 MB 级别,而协程只需要 KB 级别。",
        ),
        see: "ipcraft lab cost",
        check: megabytes,
    },
    Claim {
        id: "many-per-thread",
        article: 1,
        sentence: (
            "A thread can have many coroutines, and they need a thread to run in.",
            "一个线程可以有多个协程,协程需要线程来承载运行。",
        ),
        see: "example coroutines",
        check: many_per_thread,
    },
    Claim {
        id: "synchronous",
        article: 1,
        sentence: (
            "Threads are mostly synchronous, coroutines asynchronous.",
            "线程、进程可以看做同步机制,而协程则是异步。",
        ),
        see: "example coroutines",
        check: || {
            Ok(Finding::untested(
                "a matter of style: both can block, and both can poll",
                "属于编程风格:两者都可以阻塞,也都可以轮询",
            ))
        },
    },
    Claim {
        id: "preemptive",
        article: 1,
        sentence: (
            "Threads are preemptive; a coroutine runs until it yields.",
            "线程是抢占式,协程是非抢占式的,需要主动让出。",
        ),
        see: "ipcraft lab threads",
        check: preemptive,
    },
    Claim {
        id: "one-at-a-time",
        article: 1,
        sentence: (
            "Only one coroutine runs at a time: together they have the power of one thread.",
            "同一时间只有一个协程运行,相当于单线程的能力。",
        ),
        see: "ipcraft lab threads",
        check: one_at_a_time,
    },
    Claim {
        id: "communication",
        article: 1,
        sentence: (
            "A coroutine can send to another, suspend until an event, and send data along.",
            "协程能发送消息、在事件发生前挂起,并附带数据。",
        ),
        see: "example coroutines",
        check: communication,
    },
];

fn no_kernel_switch() -> Result<Finding, Error> {
    let counts = counts()?;
    let of = |switch| counts.iter().find(|count| count.switch == switch);
    let (Some(coroutine), Some(yielding)) = (of(Switch::Coroutine), of(Switch::Yield)) else {
        return Err(Error::Failed(nix::Error::ECHILD));
    };
    let instructions = coroutine.instructions.unwrap_or(0);
    Ok(Finding::holds_if(
        coroutine.system_calls == 0 && yielding.system_calls > 0,
        format!(
            "there and back: {instructions} instructions, {} system calls; sched_yield: {}",
            coroutine.system_calls, yielding.system_calls
        ),
        format!(
            "往返一次:{instructions} 条指令,{} 次系统调用;sched_yield:{} 次",
            coroutine.system_calls, yielding.system_calls
        ),
    ))
}

fn own_scheduler() -> Result<Finding, Error> {
    let order = Rc::new(RefCell::new(String::new()));
    let mut coroutines = UserThreads::default();
    for name in ["A", "B", "C"] {
        let order = order.clone();
        coroutines.start(move |yielder| {
            for _ in 0..3 {
                *order.borrow_mut() += name;
                yielder.suspend(());
            }
        });
    }
    coroutines.run();
    let order = order.take();
    Ok(Finding::holds_if(
        order == "ABCABCABC",
        format!("turns of three coroutines: {order}"),
        format!("三个协程的轮次:{order}"),
    ))
}

/// The bytes on the stack of the coroutine with much on it.
const DEEP: usize = 256 << 10;

fn stack_saved() -> Result<Finding, Error> {
    let (shallow, deep) = (switch_ns(0), switch_ns(DEEP));
    Ok(Finding::holds_if(
        deep > shallow * 3.0,
        format!(
            "the stack stays where it is: a switch takes {shallow:.1} ns, and {deep:.1} ns with 256 KiB on the stack"
        ),
        format!("栈留在原处:切换用 {shallow:.1} ns,栈上有 256 KiB 时用 {deep:.1} ns"),
    ))
}

/// Returns the nanoseconds of a switch to a coroutine that has this much on its stack.
fn switch_ns(depth: usize) -> f64 {
    const SWITCHES: u32 = 100_000;
    const TRIES: u32 = 5;
    let mut coroutine = Coroutine::new(move |yielder: &Yielder, ()| {
        if depth > 0 {
            let local = black_box([1_u8; DEEP]);
            suspend_often(yielder);
            black_box(&local);
        }
        suspend_often(yielder);
    });
    coroutine.resume(());
    let one = |_| {
        let start = Instant::now();
        (0..SWITCHES).for_each(|_| _ = coroutine.resume(()));
        start.elapsed().as_nanos() as f64 / f64::from(SWITCHES)
    };
    (0..TRIES).map(one).fold(f64::INFINITY, f64::min)
}

fn suspend_often(yielder: &Yielder) {
    loop {
        yielder.suspend(());
    }
}

fn no_locks() -> Result<Finding, Error> {
    let lost = |guard| {
        let found = updates(guard);
        found.expected - found.found
    };
    let (without, across) = (lost(Guard::NoSuspension), lost(Guard::Nothing));
    Ok(Finding::holds_but_if(
        without == 0,
        across > 0,
        format!("lost updates: {without}; with a suspension between load and store: {across} of 2000"),
        format!("丢失的更新:{without};在读和写之间挂起时:2000 次中丢失 {across} 次"),
    ))
}

fn advantage_grows() -> Result<Finding, Error> {
    const ROUNDS: usize = 5;
    let case = |unit, members| Case::new(What::Switch(unit), members);
    let cases = [
        case(Unit::Coroutine, 2),
        case(Unit::Thread, 2),
        case(Unit::Coroutine, 1000),
        case(Unit::Thread, 1000),
    ];
    let times: Vec<f64> =
        measure(&cases, ROUNDS)?.iter().map(|one| one.ns.map_or(f64::NAN, |ns| ns.value)).collect();
    if times.iter().any(|time| time.is_nan()) {
        return Ok(Finding::untested("1000 threads are not permitted here", "这里不允许 1000 个线程"));
    }
    let difference = |few: usize| (times[few + 1] - times[few]) / 1000.0;
    let (few, many) = (difference(0), difference(2));
    Ok(Finding::holds_if(
        many > few * 1.1,
        format!("a coroutine's switch saves {few:.1} us beside 2 threads, {many:.1} us beside 1000"),
        format!("协程的一次切换:2 个线程时省 {few:.1} us,1000 个时省 {many:.1} us"),
    ))
}

fn megabytes() -> Result<Finding, Error> {
    let (Ok(thread), Ok(coroutine), Ok(future)) =
        (memory(Unit::Thread)?, memory(Unit::Coroutine)?, memory(Unit::Future)?)
    else {
        return Ok(Finding::untested("a limit permits too few threads", "限制只允许很少的线程"));
    };
    let kib = |bytes: f64| bytes / 1024.0;
    let used = kib(thread.touched + thread.kernel_stacks + thread.page_tables);
    Ok(Finding::holds_but_if(
        thread.reserved > 1e6,
        used < 1000.0,
        format!(
            "a thread reserves {:.0} KiB and uses {used:.0} KiB; a coroutine reserves {:.0} KiB and uses {:.0} KiB; a future takes {:.0} bytes",
            kib(thread.reserved),
            kib(coroutine.reserved),
            kib(coroutine.touched + coroutine.page_tables),
            future.touched
        ),
        format!(
            "线程预留 {:.0} KiB,实际用 {used:.0} KiB;有栈协程预留 {:.0} KiB,实际用 {:.0} KiB;future 用 {:.0} 字节",
            kib(thread.reserved),
            kib(coroutine.reserved),
            kib(coroutine.touched + coroutine.page_tables),
            future.touched
        ),
    ))
}

fn many_per_thread() -> Result<Finding, Error> {
    const MANY: usize = 500;
    let (ids, ran) = (Rc::new(RefCell::new(BTreeSet::new())), Rc::new(Cell::new(0_usize)));
    let mut coroutines = UserThreads::default();
    for _ in 0..MANY {
        let (ids, ran) = (ids.clone(), ran.clone());
        coroutines.start(move |yielder| {
            yielder.suspend(());
            ids.borrow_mut().insert(gettid());
            ran.set(ran.get() + 1);
        });
    }
    coroutines.run();
    let (ran, threads) = (ran.get(), ids.borrow().len());
    Ok(Finding::holds_if(
        ran == MANY && threads == 1,
        format!("{ran} coroutines ran in {threads} thread"),
        format!("{ran} 个协程在 {threads} 个线程中运行"),
    ))
}

fn preemptive() -> Result<Finding, Error> {
    let turns = |level| hogged(level).map(|found| found.turns_of_others);
    let (user, kernel) = (turns(Level::User)?, turns(Level::Kernel)?);
    Ok(Finding::holds_if(
        user == 0 && kernel > 0,
        format!("beside one that never yields: {user} turns of coroutines, {kernel} of threads"),
        format!("与一个从不让出的并存时:协程的轮次 {user},线程的轮次 {kernel}"),
    ))
}

fn one_at_a_time() -> Result<Finding, Error> {
    let (coroutines, threads) = (cores_used(Level::User)?, cores_used(Level::Kernel)?);
    let cores = |used: u64| format!("{}.{:02}", used / 100, used % 100);
    Ok(Finding::holds_if(
        coroutines <= 105,
        format!("two coroutines used {} cores, two threads {}", cores(coroutines), cores(threads)),
        format!("两个协程用了 {} 个核,两个线程用了 {} 个", cores(coroutines), cores(threads)),
    ))
}

fn communication() -> Result<Finding, Error> {
    const MESSAGES: u64 = 100;
    let (slot, sum) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(0)));
    let suspended = Rc::new(Cell::new(0));
    let mut coroutines = UserThreads::default();
    let (full, total, waits) = (slot.clone(), sum.clone(), suspended.clone());
    coroutines.start(move |yielder| {
        for _ in 0..MESSAGES {
            let message: u64 = loop {
                if let Some(message) = full.take() {
                    break message;
                }
                waits.set(waits.get() + 1);
                yielder.suspend(());
            };
            total.set(total.get() + message);
        }
    });
    coroutines.start(move |yielder| {
        for message in 1..=MESSAGES {
            slot.set(Some(message));
            yielder.suspend(());
        }
    });
    coroutines.run();
    Ok(Finding::holds_if(
        sum.get() == MESSAGES * (MESSAGES + 1) / 2 && suspended.get() > 0,
        format!("{MESSAGES} messages, suspended {} times, sum of the data {}", suspended.get(), sum.get()),
        format!("{MESSAGES} 条消息,挂起 {} 次,数据之和 {}", suspended.get(), sum.get()),
    ))
}
