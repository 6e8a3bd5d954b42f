//! Semaphores and locks.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

use ipcraft::semaphore::posix::{SIZE, Semaphore};
use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft_step::{Child, system_calls};

use super::child::{ended, until};
use super::{Claim, Finding};
use crate::Error;

pub(super) const FIRST_ARTICLE: &[Claim] = &[
    Claim {
        id: "semaphore-counts",
        article: 1,
        sentence: (
            "A semaphore is a counter: P takes from it, V returns to it. It carries no data.",
            "信号量是一个计数器,P 操作减,V 操作加,不用于存储通信内容。",
        ),
        see: "example posix_semaphore",
        check: counts,
    },
    Claim {
        id: "lock-kinds",
        article: 1,
        sentence: (
            "A mutex admits one; a read-write lock admits several readers or one writer.",
            "互斥锁是排他的;读写锁允许多个线程同时读,对写是互斥的。",
        ),
        see: "example rwlock",
        check: lock_kinds,
    },
    Claim {
        id: "condition-variable",
        article: 1,
        sentence: (
            "A condition variable blocks atomically until a condition holds, always with a mutex.",
            "条件变量以原子的方式阻塞,直到条件为真,始终与互斥锁一起使用。",
        ),
        see: "example condvar",
        check: condition_variable,
    },
];

pub(super) const SECOND_ARTICLE: &[Claim] = &[
    Claim {
        id: "up-leaves-zero",
        article: 2,
        sentence: (
            "After an up on a semaphore with a sleeper, its value is still 0, and one sleeps less.",
            "对有进程睡眠的信号量执行 up 后,其值仍是 0,但睡眠的进程少了一个。",
        ),
        see: "example posix_semaphore",
        check: up_leaves_zero,
    },
    Claim {
        id: "up-never-blocks",
        article: 2,
        sentence: ("No process blocks in up.", "不会有某个进程因执行 up 而阻塞。"),
        see: "example posix_semaphore",
        check: up_never_blocks,
    },
    Claim {
        id: "semaphore-interrupts",
        article: 2,
        sentence: (
            "Up and down are system calls, in which the kernel disables interrupts.",
            "通常将 up 和 down 作为系统调用实现,操作系统需要暂时屏蔽全部中断。",
        ),
        see: "ipcraft bench --details --only sync_semaphore",
        check: as_system_calls,
    },
    Claim {
        id: "three-semaphores",
        article: 2,
        sentence: (
            "With full, empty and mutex, the producer stops at a full buffer, the consumer at an empty one.",
            "用 full、empty、mutex 三个信号量,缓冲区满时生产者停止,空时消费者停止。",
        ),
        see: "example posix_semaphore",
        check: three_semaphores,
    },
    Claim {
        id: "one-bit",
        article: 2,
        sentence: (
            "A mutex needs only one bit: 0 is unlocked, everything else locked.",
            "互斥量只需要一个二进制位,0 表示解锁,其他值表示加锁。",
        ),
        see: "example mutex",
        check: one_bit,
    },
];

/// Semaphores in memory that children share.
fn semaphores<const N: usize>(values: [u32; N]) -> Result<([Semaphore; N], Arc<Mapping>), Error> {
    const LINE: usize = 64;
    let memory = Arc::new(Memfd::create("ipcraft-lab", (N + 1) * (SIZE.max(LINE)))?.map()?);
    let mut all = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        all.push(Semaphore::init_in(&memory, index * SIZE.max(LINE), value)?);
    }
    let all: Result<[Semaphore; N], _> = all.try_into();
    Ok((all.map_err(|_| Error::Failed(nix::Error::EINVAL))?, memory))
}

fn counts() -> Result<Finding, Error> {
    let ([semaphore], _memory) = semaphores([0])?;
    for _ in 0..3 {
        semaphore.post()?;
    }
    let after_up = semaphore.value()?;
    semaphore.wait()?;
    let after_down = semaphore.value()?;
    Ok(Finding::holds_if(
        (after_up, after_down) == (3, 2),
        format!("three V: {after_up}; then one P: {after_down}"),
        format!("三次 V 后为 {after_up},再一次 P 后为 {after_down}"),
    ))
}

fn lock_kinds() -> Result<Finding, Error> {
    let mutex = std::sync::Mutex::new(());
    let both = {
        let _first = mutex.try_lock();
        mutex.try_lock().is_ok()
    };
    let lock = std::sync::RwLock::new(());
    let (readers, writer) = {
        let (first, second) = (lock.try_read(), lock.try_read());
        (first.is_ok() && second.is_ok(), lock.try_write().is_ok())
    };
    Ok(Finding::holds_if(
        !both && readers && !writer,
        "a second lock of a mutex failed; two readers were inside, and a writer was refused",
        "互斥锁第二次加锁失败;两个读者同时在内,写者被拒绝",
    ))
}

fn condition_variable() -> Result<Finding, Error> {
    const ROUNDS: u32 = 200;
    let pair = Arc::new((std::sync::Mutex::new(0_u32), std::sync::Condvar::new()));
    let other = pair.clone();
    let producer = thread::spawn(move || {
        for _ in 0..ROUNDS {
            *other.0.lock().expect("no thread panics") += 1;
            other.1.notify_one();
        }
    });
    let mut count = pair.0.lock().expect("no thread panics");
    while *count < ROUNDS {
        let (guard, timeout) = pair.1.wait_timeout(count, Duration::from_secs(10)).expect("no thread panics");
        count = guard;
        if timeout.timed_out() {
            break;
        }
    }
    let count = *count;
    let _ = producer.join();
    Ok(Finding::holds_if(
        count == ROUNDS,
        format!("{count} of {ROUNDS} changes seen, none missed between the test and the wait"),
        format!("{ROUNDS} 次变化看到 {count} 次,检查与等待之间没有遗漏"),
    ))
}

fn up_leaves_zero() -> Result<Finding, Error> {
    let ([semaphore], _memory) = semaphores([0])?;
    let mut sleepers = Vec::new();
    for _ in 0..2 {
        sleepers.push(Child::try_start(|| _ = semaphore.wait())?);
    }
    until(|| sleepers.iter().all(Child::is_asleep))?;
    semaphore.post()?;
    until(|| sleepers.iter().any(Child::has_ended))?;
    let value = semaphore.value()?;
    let asleep = sleepers.iter().filter(|sleeper| !sleeper.has_ended()).count();
    Ok(Finding::holds_if(
        value == 0 && asleep == 1,
        format!("value {value}; of two sleepers {asleep} still sleeps"),
        format!("值为 {value};两个睡眠者中还有 {asleep} 个在睡眠"),
    ))
}

fn up_never_blocks() -> Result<Finding, Error> {
    const UPS: u32 = 100_000;
    let ([semaphore], _memory) = semaphores([0])?;
    let mut poster = Child::try_start(|| {
        for _ in 0..UPS {
            let _ = semaphore.post();
        }
    })?;
    ended(&mut poster)?;
    let value = semaphore.value()?;
    Ok(Finding::holds_if(
        value == UPS,
        format!("{UPS} times up without a down: value {value}, and no call blocked"),
        format!("连续 {UPS} 次 up 而没有 down:值为 {value},没有一次阻塞"),
    ))
}

fn as_system_calls() -> Result<Finding, Error> {
    let ([semaphore], _memory) = semaphores([1])?;
    let calls = system_calls(|| {
        let _ = semaphore.wait();
        let _ = semaphore.post();
    })
    .map_err(Error::of_stepping)?;
    Ok(Finding::holds_if(
        calls > 0,
        format!(
            "down and up without contention: {calls} system calls; the kernel helps only a sleeper, by a futex"
        ),
        format!("无竞争时一次 down 和 up:{calls} 次系统调用;只有睡眠时内核才用 futex 参与"),
    ))
}

/// A buffer of four slots in the last cache line of the semaphores' memory.
const SLOTS: u32 = 4;
const ITEMS: u32 = 20_000;

fn three_semaphores() -> Result<Finding, Error> {
    let ([full, empty, mutex], _memory) = semaphores([0, SLOTS, 1])?;
    let shared = ipcraft_step::Shared::new()?;
    let words = shared.words();
    let mut producer = Child::try_start(|| {
        for item in 0..ITEMS {
            let _ = empty.wait();
            let _ = mutex.wait();
            words[(item % SLOTS) as usize].store(u64::from(item), SeqCst);
            let _ = mutex.post();
            let _ = full.post();
        }
    })?;
    let most = AtomicU32::new(0);
    let mut right = 0;
    for item in 0..ITEMS {
        full.wait_timeout(Duration::from_secs(10))?;
        most.fetch_max(full.value()? + 1, SeqCst);
        mutex.wait_timeout(Duration::from_secs(10))?;
        right += u32::from(words[(item % SLOTS) as usize].load(SeqCst) == u64::from(item));
        mutex.post()?;
        empty.post()?;
    }
    ended(&mut producer)?;
    let most = most.into_inner();
    Ok(Finding::holds_if(
        right == ITEMS && most <= SLOTS,
        format!("{right} of {ITEMS} items in order, never more than {most} in {SLOTS} slots"),
        format!("{ITEMS} 个数据项中 {right} 个顺序正确,{SLOTS} 个槽中最多 {most} 个"),
    ))
}

fn one_bit() -> Result<Finding, Error> {
    let (pthread, word) = (size_of::<libc::pthread_mutex_t>(), size_of::<AtomicU32>());
    // A spin lock of one byte, of which one bit is used.
    let lock = std::sync::atomic::AtomicBool::new(false);
    let (first, second) = (lock.swap(true, SeqCst), lock.swap(true, SeqCst));
    Ok(Finding::holds_but_if(
        !first && second,
        pthread > 1,
        format!(
            "one bit excluded a second owner; a futex takes {word} bytes, for sleepers, and a pthread mutex {pthread}, for its owner and kind"
        ),
        format!(
            "一个位就排除了第二个持有者;futex 用 {word} 字节以支持睡眠,pthread 互斥量用 {pthread} 字节,记录持有者和类型"
        ),
    ))
}
