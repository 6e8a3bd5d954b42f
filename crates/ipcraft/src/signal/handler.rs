//! Signal handlers that count deliveries.

#![allow(unsafe_code)]

use std::fmt;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering::AcqRel, Ordering::Acquire};
use std::sync::atomic::{Ordering::Relaxed, Ordering::Release};
use std::sync::{Mutex, MutexGuard, PoisonError};

use libc::{c_int, c_void, siginfo_t};
use nix::errno::Errno;
use nix::unistd::gettid;

use super::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::sigaction::{self, Action};

const SIGACTION: &str = "sigaction";

/// The signals that cannot be caught, and those after which a program cannot safely continue.
const NOT_CATCHABLE: [Signal; 5] = [Signal::KILL, Signal::STOP, Signal::SEGV, Signal::ILL, Signal::FPE];

/// The state of one signal, most of which its handler reads.
struct Slot {
    deliveries: AtomicU64,
    /// The address of the handler that ours replaced and calls; 0 if there was none.
    former: AtomicUsize,
    /// The thread in which `former` runs; 0 for none.
    caller: AtomicI32,
    users: Mutex<Users>,
}

/// The counters of one signal.
struct Users {
    count: usize,
    /// The action before the first counter, which returns after the last one.
    former: Option<Action>,
}

static SLOTS: [Slot; 65] = [const { Slot::new() }; 65];

impl Slot {
    const fn new() -> Slot {
        Slot {
            deliveries: AtomicU64::new(0),
            former: AtomicUsize::new(0),
            caller: AtomicI32::new(0),
            users: Mutex::new(Users { count: 0, former: None }),
        }
    }

    fn of(signal: Signal) -> &'static Slot {
        &SLOTS[signal.number() as usize]
    }

    fn users(&self) -> MutexGuard<'_, Users> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Installs the handler, and keeps what it replaces.
    fn install(&self, signal: Signal, users: &mut Users) -> nix::Result<()> {
        let former = Action::current(signal.number())?;
        if is_ours(&former) {
            // Another handler replaced ours for a time, and has put it back.
            return Ok(());
        }
        self.former.store(former.function().unwrap_or(0), Release);
        // SAFETY: because the handler only adds to an atomic number and calls a function that was a
        // handler before.
        unsafe { Action::with_handler(count_delivery, &former) }.install(signal.number())?;
        users.former = Some(former);
        Ok(())
    }

    /// Puts the former action back, unless another handler has replaced ours.
    fn restore(&self, signal: Signal, users: &Users) {
        let is_installed = Action::current(signal.number()).is_ok_and(|action| is_ours(&action));
        if let Some(former) = users.former.filter(|_| is_installed) {
            // It was in force before, so the kernel accepts it.
            let _ = former.install(signal.number());
        }
    }
}

fn is_ours(action: &Action) -> bool {
    action.function() == Some(count_delivery as *const () as usize)
}

/// The handler. It is async-signal-safe: it takes no lock, and calls gettid(2) and the handler that
/// it replaced.
extern "C" fn count_delivery(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let Some(slot) = SLOTS.get(signal as usize) else { return };
    let former = slot.former.load(Acquire);
    if former == 0 {
        slot.deliveries.fetch_add(1, AcqRel);
        return;
    }
    let errno = Errno::last_raw();
    let thread = gettid().as_raw();
    // The former handler may call ours, if it was installed over ours at another time.
    if slot.caller.swap(thread, Relaxed) != thread {
        slot.deliveries.fetch_add(1, AcqRel);
        // SAFETY: because the address is that of the former handler, and the arguments are the
        // kernel's.
        unsafe { sigaction::call(former, signal, info, context) };
        slot.caller.store(0, Relaxed);
    }
    Errno::set_raw(errno);
}

/// `sigaction(2)`: installs a handler that counts the signal, in place of the default action.
///
/// A handler belongs to the whole process. All counters of a signal share one, with `SA_RESTART`.
/// It adds one to an atomic number, and then calls the handler that it replaced.
///
/// When the last counter of the signal is dropped, **the former action returns**, with its flags
/// and mask. So a signal that comes later has its former effect: by default, most kill the process.
/// If another part of the program has installed a handler meanwhile, that one stays.
///
/// Calls of this library continue after the handler. To act on a signal during a blocking call, see
/// the [module's page](super#acting-on-a-signal-during-a-blocking-call).
///
/// A forked child has a copy of the handler and of the counters. Exec restores the default action.
///
/// # Errors
///
/// [`Invalid`](ErrorKind::Invalid) for `SIGKILL` and `SIGSTOP`, which cannot be caught; for
/// `SIGSEGV`, `SIGILL` and `SIGFPE`, after which a program cannot safely continue; and for the C
/// library's 32 and 33.
#[doc(alias = "sigaction")]
#[doc(alias = "signal")]
pub fn catch(signal: Signal) -> Result<SignalCounter> {
    if NOT_CATCHABLE.contains(&signal) {
        return Err(not_catchable(Error::new(SIGACTION, ErrorKind::Invalid), signal));
    }
    let slot = Slot::of(signal);
    let mut users = slot.users();
    let taken = AtomicU64::new(slot.deliveries.load(Acquire));
    if users.count == 0 {
        slot.install(signal, &mut users)
            .map_err(|e| not_catchable(Error::from_errno(SIGACTION, e), signal))?;
    }
    users.count += 1;
    Ok(SignalCounter { taken, signal })
}

#[cold]
fn not_catchable(error: Error, signal: Signal) -> Error {
    error.with_name(signal.to_string()).with_hint("block this signal instead; it cannot be caught safely")
}

/// The counter of a caught signal, from [`catch`]. Dropping the last one of a signal restores the
/// former action.
#[must_use = "dropping the counter ends the counting"]
pub struct SignalCounter {
    /// The number of deliveries that do not count any more.
    taken: AtomicU64,
    signal: Signal,
}

impl SignalCounter {
    /// Returns how often the handler has run since the last [`take`](SignalCounter::take).
    ///
    /// Standard signals merge while pending, so the count may be less than the number sent.
    #[inline]
    pub fn count(&self) -> u64 {
        Slot::of(self.signal).deliveries.load(Acquire).saturating_sub(self.taken.load(Acquire))
    }

    /// Returns the [`count`](SignalCounter::count) and resets it to 0.
    #[inline]
    pub fn take(&self) -> u64 {
        let deliveries = Slot::of(self.signal).deliveries.load(Acquire);
        // Another thread may have taken later deliveries.
        deliveries.saturating_sub(self.taken.fetch_max(deliveries, AcqRel))
    }

    /// Returns the counted signal.
    pub fn signal(&self) -> Signal {
        self.signal
    }
}

impl fmt::Debug for SignalCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalCounter").field("signal", &self.signal).field("count", &self.count()).finish()
    }
}

impl Drop for SignalCounter {
    fn drop(&mut self) {
        let slot = Slot::of(self.signal);
        let mut users = slot.users();
        users.count -= 1;
        if users.count == 0 {
            slot.restore(self.signal, &users);
        }
    }
}
