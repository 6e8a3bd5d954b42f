//! futex(2) as the model checker sees it: comparing and going to sleep is one step for those who wake.
//!
//! The kernel's accesses to the words order nothing here, so that the locks cannot rely on it. Time does not
//! pass: a wait that only its deadline would end is one for ever, and a deadlock to the checker.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

use loom::sync::atomic::AtomicU32;
use loom::sync::{Arc, Condvar, Mutex};
use nix::errno::Errno;

use crate::time::Deadline;

pub(crate) const ANY: u32 = u32::MAX;

/// Who sleeps on which word.
type Sleepers = VecDeque<(usize, Arc<Condvar>)>;

loom::lazy_static! {
    static ref SLEEPERS: Mutex<Sleepers> = Mutex::new(VecDeque::new());
}

pub(crate) fn wait(word: &AtomicU32, expected: u32, _bits: u32, _deadline: Deadline) -> nix::Result<()> {
    let mut sleepers = SLEEPERS.lock().unwrap();
    if word.load(Relaxed) != expected {
        return Err(Errno::EAGAIN);
    }
    let bed = Arc::new(Condvar::new());
    sleepers.push_back((address(word), Arc::clone(&bed)));
    while sleepers.iter().any(|(_, other)| Arc::ptr_eq(other, &bed)) {
        sleepers = bed.wait(sleepers).unwrap();
    }
    Ok(())
}

pub(crate) fn wake(word: &AtomicU32, count: u32, _bits: u32) -> nix::Result<u32> {
    Ok(wake_in(&mut SLEEPERS.lock().unwrap(), word, count))
}

pub(crate) fn set_and_wake_all(word: &AtomicU32, value: u32) -> nix::Result<()> {
    let mut sleepers = SLEEPERS.lock().unwrap();
    word.store(value, Relaxed);
    wake_in(&mut sleepers, word, u32::MAX);
    Ok(())
}

pub(crate) fn add_and_wake_all(word: &AtomicU32, number: u32) -> nix::Result<()> {
    let mut sleepers = SLEEPERS.lock().unwrap();
    word.fetch_add(number, Relaxed);
    wake_in(&mut sleepers, word, u32::MAX);
    Ok(())
}

fn wake_in(sleepers: &mut Sleepers, word: &AtomicU32, count: u32) -> u32 {
    let mut woken = 0;
    sleepers.retain(|(place, sleeper)| {
        let wakes = *place == address(word) && woken < count;
        if wakes {
            woken += 1;
            sleeper.notify_one();
        }
        !wakes
    });
    woken
}

fn address(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word).addr()
}
