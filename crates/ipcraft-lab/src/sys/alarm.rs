//! A signal handler that adds to a counter, and the timer that calls it.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicPtr, AtomicU64};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::instruction::Width;

/// The counter that the handler adds to.
static COUNTER: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
/// How often the handler has run.
static HANDLED: AtomicU64 = AtomicU64::new(0);

extern "C" fn add_in_handler(_: i32) {
    // SAFETY: because the pointer is null or that of a word which outlives the process.
    if let Some(counter) = unsafe { COUNTER.load(Relaxed).as_ref() } {
        Width::Three.add(counter);
        HANDLED.fetch_add(1, Relaxed);
    }
}

/// Lets `SIGALRM` add to a word at an interval, until [`stop`]. The word has to outlive this
/// process.
pub(crate) fn start(counter: &AtomicU64, interval_us: i64) -> bool {
    COUNTER.store(ptr::from_ref(counter).cast_mut(), Relaxed);
    let handler = SigAction::new(SigHandler::Handler(add_in_handler), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: because the handler only uses atomics, which is safe at any instruction.
    unsafe { sigaction(Signal::SIGALRM, &handler) }.is_ok() && set_timer(interval_us)
}

/// Ends the signals. Returns how often the handler has run.
pub(crate) fn stop() -> u64 {
    set_timer(0);
    HANDLED.load(Relaxed)
}

/// Requests a `SIGALRM` at an interval; zero ends that.
fn set_timer(interval_us: i64) -> bool {
    let time = libc::timeval { tv_sec: 0, tv_usec: interval_us };
    let timer = libc::itimerval { it_interval: time, it_value: time };
    // SAFETY: because the structure is valid for a read, and no old one is asked for.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, ptr::null_mut()) == 0 }
}

/// Lets a fault end this process, whatever handler its runtime has set.
pub(crate) fn reset_faults() {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for fault in [Signal::SIGSEGV, Signal::SIGILL] {
        // SAFETY: because the default action runs no code of this program.
        let _ = unsafe { sigaction(fault, &default) };
    }
}
