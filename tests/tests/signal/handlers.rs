//! Signal handlers that count.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::signal::{Signal, catch, send};
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, sigaction};
use nix::sys::wait::WaitStatus;

use crate::{in_child, kind_of, queue_to_self, rt};

#[serial_test]
fn caught_signals_are_counted() {
    in_child(|| {
        let (terms, jobs) = (catch(Signal::TERM).unwrap(), catch(rt(0)).unwrap());
        let again = catch(rt(0)).unwrap();
        assert_eq!((terms.count(), jobs.count(), jobs.signal()), (0, 0, rt(0)));
        (0..5).for_each(|value| queue_to_self(rt(0), value));
        assert_eq!((terms.count(), jobs.count(), again.count()), (0, 5, 5));
        assert_eq!((jobs.take(), jobs.count(), again.count()), (5, 0, 5));
        drop(again);
        let parent = Pid::current();
        Peer::start(|| send(parent, Signal::TERM).unwrap()).join();
        let start = Instant::now();
        while terms.count() == 0 && start.elapsed() < LONG_TIMEOUT {
            sleep(Duration::from_millis(1));
        }
        assert_eq!((terms.take(), jobs.take()), (1, 0));
    });
}

#[serial_test]
fn catch_of_uncatchable_signal_returns_invalid() {
    let library = Signal::from_number(32).unwrap();
    for signal in [Signal::KILL, Signal::STOP, Signal::SEGV, Signal::ILL, Signal::FPE, library] {
        assert_eq!(kind_of(catch(signal)), ErrorKind::Invalid, "{signal}");
    }
}

/// The action of a signal: handler, flags, and whether the handler blocks `SIGHUP`.
fn action(signal: Signal) -> (usize, i32, bool) {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: because sigaction(2) fills in the structure, and sigismember(3) reads its mask.
    unsafe {
        assert_eq!(libc::sigaction(signal.number(), std::ptr::null(), action.as_mut_ptr()), 0);
        let action = action.assume_init();
        let blocks_hup = libc::sigismember(&action.sa_mask, libc::SIGHUP) == 1;
        // SA_RESTORER: the C library adds it to every action.
        (action.sa_sigaction, action.sa_flags & !0x0400_0000, blocks_hup)
    }
}

static CALLS: AtomicU64 = AtomicU64::new(0);

extern "C" fn count_call(_: i32) {
    CALLS.fetch_add(1, SeqCst);
}

fn set_action(signal: Signal, handler: SigHandler, flags: SaFlags) {
    let mut mask = SigSet::empty();
    mask.add(nix::sys::signal::SIGHUP);
    let signal = nix::sys::signal::Signal::try_from(signal.number()).unwrap();
    // SAFETY: because the handlers of these tests only add to atomic numbers.
    unsafe { sigaction(signal, &SigAction::new(handler, flags, mask)) }.unwrap();
}

fn raise(signal: Signal) {
    send(Pid::current(), signal).unwrap();
}

#[serial_test]
fn signal_after_the_last_counter_was_dropped_kills_again() {
    let mut peer = Peer::start(|| {
        drop(catch(Signal::TERM).unwrap());
        let (first, second) = (catch(Signal::TERM).unwrap(), catch(Signal::TERM).unwrap());
        drop(first);
        raise(Signal::TERM);
        assert_eq!(second.count(), 1);
        drop(second);
        raise(Signal::TERM);
    });
    let end = peer.wait().unwrap();
    assert_eq!(end, WaitStatus::Signaled(peer.pid(), nix::sys::signal::SIGTERM, false));
}

#[serial_test]
fn former_action_returns_with_flags_and_mask_after_the_last_counter() {
    in_child(|| {
        let flags = SaFlags::SA_ONSTACK | SaFlags::SA_NODEFER;
        set_action(Signal::USR1, SigHandler::Handler(count_call), flags);
        set_action(Signal::USR2, SigHandler::SigIgn, SaFlags::empty());
        let before = (action(Signal::USR1), action(Signal::USR2), action(rt(1)));
        let outer = (catch(Signal::USR1).unwrap(), catch(Signal::USR2).unwrap(), catch(rt(1)).unwrap());
        let inner = catch(Signal::USR1).unwrap();
        raise(Signal::USR1);
        assert_eq!((outer.0.count(), inner.count(), CALLS.load(SeqCst)), (1, 1, 1), "the former runs too");
        // The guards overlap, and end in another thread.
        std::thread::spawn(move || drop(outer)).join().unwrap();
        assert_ne!(action(Signal::USR1), before.0);
        raise(Signal::USR1);
        assert_eq!((inner.take(), inner.count()), (2, 0));
        drop(inner);
        assert_eq!((action(Signal::USR1), action(Signal::USR2), action(rt(1))), before);
        raise(Signal::USR1);
        raise(Signal::USR2);
        assert_eq!(CALLS.load(SeqCst), 3);
    });
}

/// The handler of another part of the program, which calls the replaced handler.
static REPLACED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn call_replaced(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    CALLS.fetch_add(1, SeqCst);
    type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void);
    // SAFETY: because the address is that of a handler with these arguments.
    let replaced = unsafe { std::mem::transmute::<usize, Handler>(REPLACED.load(SeqCst)) };
    replaced(signal, info, context);
}

#[serial_test]
fn handler_installed_over_a_counter_stays_and_chains_without_end() {
    in_child(|| {
        let counter = catch(Signal::USR1).unwrap();
        REPLACED.store(action(Signal::USR1).0, SeqCst);
        set_action(Signal::USR1, SigHandler::SigAction(call_replaced), SaFlags::SA_SIGINFO);
        raise(Signal::USR1);
        assert_eq!((counter.count(), CALLS.load(SeqCst)), (1, 1));
        let theirs = action(Signal::USR1);
        drop(counter);
        assert_eq!(action(Signal::USR1), theirs);
        raise(Signal::USR1);
        assert_eq!(CALLS.load(SeqCst), 2);
        // The chain now leads from ours to theirs and back.
        let again = catch(Signal::USR1).unwrap();
        raise(Signal::USR1);
        assert_eq!((again.count(), CALLS.load(SeqCst)), (1, 3));
        drop(again);
        assert_eq!(action(Signal::USR1), theirs);
    });
}

#[serial_test]
fn counter_dropped_in_a_forked_child_leaves_the_parents_handler() {
    in_child(|| {
        let counter = catch(Signal::USR1).unwrap();
        let before = action(Signal::USR1);
        let copy = std::mem::ManuallyDrop::new(counter);
        in_child(|| {
            // SAFETY: because this copy of the process drops its value once.
            drop(unsafe { std::ptr::read(&*copy) });
            assert_eq!(action(Signal::USR1).0, libc::SIG_DFL);
        });
        assert_eq!(action(Signal::USR1), before);
        raise(Signal::USR1);
        assert_eq!(copy.count(), 1);
    });
}
