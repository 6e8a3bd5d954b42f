//! Events, futexes and signals, as counters of the slots of a ring.

use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use ipcraft::event::{self, EventFd};
use ipcraft::futex::{self, Waiter};
use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft::signal::{self, Batch, Signal, SignalFd, SignalInfo, SignalMaskGuard};
use ipcraft::time::Deadline;
use ipcraft::{Pid, Result};
use ipcraft_tests::subject::Form;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::exchange::Route;
use crate::ring::{Counters, SLOTS, Slots, ring};

pub(crate) const ROUTES: &[Route] = &[
    Route {
        name: "eventfds",
        sends: &["event::EventFd::take"],
        receives: &["event::EventFd::take"],
        connect: &|_| ring(Events([SLOTS, 0].map(semaphore))),
    },
    Route {
        name: "polled_eventfds",
        sends: &["event::EventFd::wait"],
        receives: &["event::EventFd::wait"],
        connect: &|_| ring(Polled([SLOTS, 0].map(semaphore))),
    },
    Route {
        name: "full_eventfds",
        sends: &["event::EventFd::add"],
        receives: &["event::EventFd::add"],
        connect: &|_| ring(Room([SLOTS, 0].map(almost_full))),
    },
    Route {
        name: "futexes",
        sends: &["futex::wait"],
        receives: &["futex::wait"],
        connect: &|_| ring(Words::new(wait)),
    },
    Route {
        name: "futexes_with_bits",
        sends: &["futex::wait_bits"],
        receives: &["futex::wait_bits"],
        connect: &|_| ring(Words::new(wait_bits)),
    },
    Route {
        name: "futexes_of_several",
        sends: &["futex::wait_any"],
        receives: &["futex::wait_any"],
        connect: &|_| ring(Words::new(wait_any)),
    },
    Route {
        name: "signals",
        sends: &["event::EventFd::take"],
        receives: &["signal::SignalMaskGuard::wait"],
        connect: &|_| ring(Signals::new(wait_for_signal)),
    },
    Route {
        name: "signalfd",
        sends: &["event::EventFd::take"],
        receives: &["signal::SignalFd::read"],
        connect: &|_| ring(Signals::new(read_signal)),
    },
    Route {
        name: "signalfd_batches",
        sends: &["event::EventFd::take"],
        receives: &["signal::SignalFd::read_many"],
        connect: &|_| ring(Signals::new(read_signals)),
    },
];

fn semaphore(count: u32) -> EventFd {
    event::Options::new().semaphore(true).create(count).unwrap()
}

/// An eventfd for each counter.
struct Events([EventFd; 2]);

impl Counters for Events {
    fn take(&self, which: Slots, form: Form) -> Result<()> {
        take_event(&self.0[which as usize], form)
    }

    fn give(&self, which: Slots) -> Result<()> {
        self.0[which as usize].add(1)
    }
}

fn take_event(event: &EventFd, form: Form) -> Result<()> {
    let taken = match form {
        Form::Wait => event.take(),
        Form::Try => event.try_take(),
        Form::Within(timeout) => event.take_timeout(timeout),
    }?;
    assert_eq!(taken, 1);
    Ok(())
}

/// The same, where waiting and taking are two steps: no other process takes in between.
struct Polled([EventFd; 2]);

impl Counters for Polled {
    fn take(&self, which: Slots, form: Form) -> Result<()> {
        let event = &self.0[which as usize];
        match form {
            Form::Wait => event.wait(),
            Form::Try => event.try_wait(),
            Form::Within(timeout) => event.wait_timeout(timeout),
        }?;
        take_event(event, Form::Try)
    }

    fn give(&self, which: Slots) -> Result<()> {
        self.0[which as usize].add(1)
    }
}

/// An eventfd with room for `count` more.
fn almost_full(count: u32) -> EventFd {
    let event = semaphore(0);
    event.add(event::MAX - u64::from(count)).unwrap();
    event
}

/// The same upside down: what is counted is the room that there is to add.
struct Room([EventFd; 2]);

impl Counters for Room {
    fn take(&self, which: Slots, form: Form) -> Result<()> {
        let event = &self.0[which as usize];
        // Whether adding waits is a matter of the description; both processes use the same form at
        // the same time.
        let flags = if form == Form::Wait { OFlag::empty() } else { OFlag::O_NONBLOCK };
        fcntl(event, FcntlArg::F_SETFL(flags)).unwrap();
        match form {
            Form::Wait => event.add(1),
            Form::Try => event.try_add(1),
            Form::Within(timeout) => event.add_timeout(1, timeout),
        }
    }

    fn give(&self, which: Slots) -> Result<()> {
        take_event(&self.0[which as usize], Form::Try)
    }
}

/// How to sleep while a word in shared memory is zero; the second one always is.
type WaitOn = fn(&AtomicU32, &AtomicU32, Form) -> Result<()>;

fn wait(word: &AtomicU32, _: &AtomicU32, form: Form) -> Result<()> {
    match form {
        Form::Wait => futex::wait(word, 0),
        Form::Try => futex::wait_timeout(word, 0, Duration::ZERO),
        Form::Within(timeout) => futex::wait_timeout(word, 0, timeout),
    }
}

fn wait_bits(word: &AtomicU32, _: &AtomicU32, form: Form) -> Result<()> {
    let bits = NonZeroU32::MIN;
    match form {
        Form::Wait => futex::wait_bits(word, 0, bits),
        Form::Try => futex::wait_bits_timeout(word, 0, bits, Duration::ZERO),
        Form::Within(timeout) => futex::wait_bits_timeout(word, 0, bits, timeout),
    }
}

fn wait_any(word: &AtomicU32, other: &AtomicU32, form: Form) -> Result<()> {
    let waiters = [Waiter::new(other, 0), Waiter::new(word, 0)];
    let woken = match form {
        Form::Wait => futex::wait_any(&waiters),
        Form::Try => futex::wait_any_timeout(&waiters, Duration::ZERO),
        Form::Within(timeout) => futex::wait_any_timeout(&waiters, timeout),
    }?;
    assert!(woken.is_none_or(|index| index == 1), "{woken:?}");
    Ok(())
}

/// A word for each counter, and one more.
struct Words {
    memory: Mapping,
    wait: WaitOn,
}

impl Words {
    fn new(wait: WaitOn) -> Words {
        let words = Words { memory: Memfd::create("words", 12).unwrap().map().unwrap(), wait };
        words.at(Slots::Free as usize).store(SLOTS, SeqCst);
        words
    }

    fn at(&self, index: usize) -> &AtomicU32 {
        self.memory.atomic_u32(4 * index).unwrap()
    }
}

impl Counters for Words {
    fn take(&self, which: Slots, form: Form) -> Result<()> {
        let word = self.at(which as usize);
        let deadline = match form {
            Form::Within(timeout) => Deadline::after(timeout),
            _ => Deadline::NEVER,
        };
        // Only this side makes it less.
        while word.load(SeqCst) == 0 {
            (self.wait)(word, self.at(2), deadline.remaining().map_or(form, Form::Within))?;
        }
        word.fetch_sub(1, SeqCst);
        Ok(())
    }

    fn give(&self, which: Slots) -> Result<()> {
        let word = self.at(which as usize);
        word.fetch_add(1, SeqCst);
        futex::wake(word, 1).map(drop)
    }
}

/// How to receive a signal.
type Take = fn(&Signals, Form) -> Result<SignalInfo>;

fn wait_for_signal(signals: &Signals, form: Form) -> Result<SignalInfo> {
    match form {
        Form::Wait => signals.blocked.wait(),
        Form::Try => signals.blocked.try_wait(),
        Form::Within(timeout) => signals.blocked.wait_timeout(timeout),
    }
}

fn read_signal(signals: &Signals, form: Form) -> Result<SignalInfo> {
    match form {
        Form::Wait => signals.fd.read(),
        Form::Try => signals.fd.try_read(),
        Form::Within(timeout) => signals.fd.read_timeout(timeout),
    }
}

fn read_signals(signals: &Signals, form: Form) -> Result<SignalInfo> {
    let mut rest = signals.rest.borrow_mut();
    if let Some(info) = rest.as_mut().and_then(Batch::next) {
        return Ok(info);
    }
    let batch = match form {
        Form::Wait => signals.fd.read_many(),
        Form::Try => signals.fd.try_read_many(),
        Form::Within(timeout) => signals.fd.read_many_timeout(timeout),
    }?;
    Ok(rest.insert(batch).next().expect("at least one"))
}

/// A realtime signal to the receiver, which is the process that made this, for each slot that is
/// full. Their values are numbered.
struct Signals {
    blocked: SignalMaskGuard,
    fd: SignalFd,
    rest: RefCell<Option<Batch>>,
    take: Take,
    receiver: Pid,
    signal: Signal,
    given: Cell<i32>,
    taken: Cell<i32>,
    free: EventFd,
}

impl Signals {
    fn new(take: Take) -> Signals {
        let signal = Signal::realtime(3).unwrap();
        let blocked = signal::block(signal).unwrap();
        let fd = SignalFd::new(&blocked).unwrap();
        let (receiver, free, rest) = (Pid::current(), semaphore(SLOTS), RefCell::new(None));
        let (given, taken) = (Cell::new(0), Cell::new(0));
        Signals { blocked, fd, rest, take, receiver, signal, given, taken, free }
    }
}

impl Counters for Signals {
    fn take(&self, which: Slots, form: Form) -> Result<()> {
        let Slots::Full = which else { return take_event(&self.free, form) };
        let value = (self.take)(self, form)?.value();
        assert_eq!(value, Some(self.taken.replace(self.taken.get() + 1)));
        Ok(())
    }

    fn give(&self, which: Slots) -> Result<()> {
        let Slots::Full = which else { return self.free.add(1) };
        signal::queue(self.receiver, self.signal, self.given.replace(self.given.get() + 1))
    }
}

/// What a failed test did not take would kill when it is unblocked.
impl Drop for Signals {
    fn drop(&mut self) {
        while self.blocked.try_wait().is_ok() {}
    }
}
