//! futex(2) as the model checker sees it: comparing and blocking is one step to a waking thread.
//!
//! The kernel's accesses to a word order no other memory here, so that the locks cannot rely on
//! them. Time does not pass: a wait that only its deadline would end is a deadlock to the checker.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

use loom::sync::atomic::AtomicU32;
use loom::sync::{Arc, Condvar, Mutex};
use nix::errno::Errno;

use crate::time::Deadline;

pub(crate) const ANY: u32 = u32::MAX;

/// The blocked threads, each with the address of its word.
type Waiters = VecDeque<(usize, Arc<Condvar>)>;

loom::lazy_static! {
    static ref WAITERS: Mutex<Waiters> = Mutex::new(VecDeque::new());
}

pub(crate) fn wait(word: &AtomicU32, expected: u32, _bits: u32, _deadline: Deadline) -> nix::Result<()> {
    let mut waiters = WAITERS.lock().unwrap();
    if word.load(Relaxed) != expected {
        return Err(Errno::EAGAIN);
    }
    let waiter = Arc::new(Condvar::new());
    waiters.push_back((address(word), Arc::clone(&waiter)));
    while waiters.iter().any(|(_, other)| Arc::ptr_eq(other, &waiter)) {
        waiters = waiter.wait(waiters).unwrap();
    }
    Ok(())
}

pub(crate) fn wake(word: &AtomicU32, count: u32, _bits: u32) -> nix::Result<u32> {
    Ok(wake_in(&mut WAITERS.lock().unwrap(), word, count))
}

pub(crate) fn set_and_wake_all(word: &AtomicU32, value: u32) -> nix::Result<()> {
    let mut waiters = WAITERS.lock().unwrap();
    word.store(value, Relaxed);
    wake_in(&mut waiters, word, u32::MAX);
    Ok(())
}

pub(crate) fn add_and_wake_all(word: &AtomicU32, number: u32) -> nix::Result<()> {
    let mut waiters = WAITERS.lock().unwrap();
    word.fetch_add(number, Relaxed);
    wake_in(&mut waiters, word, u32::MAX);
    Ok(())
}

fn wake_in(waiters: &mut Waiters, word: &AtomicU32, count: u32) -> u32 {
    let mut woken = 0;
    waiters.retain(|(waits_on, waiter)| {
        let wakes = *waits_on == address(word) && woken < count;
        if wakes {
            woken += 1;
            waiter.notify_one();
        }
        !wakes
    });
    woken
}

fn address(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word).addr()
}
