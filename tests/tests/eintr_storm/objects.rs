//! Waiting for a name to appear, for another to be ready, for a turn; and for memory.

use std::array;
use std::cell::Cell;
use std::fs::File;
use std::os::fd::BorrowedFd;
use std::process;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use ipcraft::semaphore::posix::{self, Semaphore};
use ipcraft::semaphore::sysv::{self, Operation};
use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::posix::{Options, SharedMemory};
use ipcraft::socket::{self, stream::Listener};
use ipcraft::sysv::Key;
use ipcraft::{Result, name, pipe};
use ipcraft_tests::eintr_storm::Handler;
use ipcraft_tests::kernel::unless_unsupported;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::scratch;
use ipcraft_tests::subject::{Ends, Form, Receiver, Sender};
use nix::fcntl::{Flock, FlockArg};

use crate::exchange::{CHUNK, LONG, Rain, Route, expires};

pub(crate) const ROUTES: &[Route] = &[
    Route {
        name: "shared_values_by_name",
        sends: &[],
        receives: &["shm::shared::Shared::open"],
        connect: &|_| named(|name, timeout| Shared::open_timeout(name, timeout)),
    },
    Route {
        name: "shared_memory_by_name",
        sends: &[],
        receives: &["shm::posix::SharedMemory::open"],
        connect: &|_| named(|name, timeout| Shared::from_object(SharedMemory::open_timeout(name, timeout)?)),
    },
    Route {
        name: "shared_memory_by_name_with_options",
        sends: &[],
        receives: &["shm::posix::Options::open"],
        connect: &|_| named(|name, timeout| Shared::from_object(Options::new().open_timeout(name, timeout)?)),
    },
];

type Message = [AtomicU8; CHUNK];
type Open = fn(&str, Duration) -> Result<Shared<Message>>;

/// An object of its own for each message, which the receiver waits for and removes.
struct Named {
    open: Open,
    name: String,
    number: Cell<u32>,
}

fn named(open: Open) -> Ends {
    let name = format!("/{}", name::unique("ipcraft-tests"));
    let end = || Named { open, name: name.clone(), number: Cell::new(0) };
    Ends::new(end(), end())
}

impl Named {
    fn next(&self) -> String {
        format!("{}-{}", self.name, self.number.replace(self.number.get() + 1))
    }
}

impl Sender for Named {
    fn send(&self, message: &[u8], _: Form) -> Result<usize> {
        let fill = |bytes: &Message| {
            bytes.iter().zip(message).for_each(|(at, &byte)| at.store(byte, Relaxed));
            Ok(())
        };
        Shared::create_new(self.next(), fill).map(|_| message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Receiver for Named {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let timeout = match form {
            Form::Wait => Duration::MAX,
            Form::Try => Duration::ZERO,
            Form::Within(timeout) => timeout,
        };
        let message = (self.open)(&self.next(), timeout)?;
        buffer.copy_from_slice(&array::from_fn::<u8, CHUNK, _>(|at| message[at].load(Relaxed)));
        message.remove()?;
        Ok(Some(buffer.len()))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

const ROUNDS: u16 = 10;
const PAUSE: Duration = Duration::from_millis(5);

/// A set of semaphores is there before it has values: opening it waits for them.
pub(crate) fn set_gets_its_values(handler: Handler) {
    let mut rain = Rain::start(handler);
    for round in 1..=ROUNDS {
        let key = Key::new(0x5000_0000 | process::id() as i32);
        // SAFETY: because semget(2) takes integers.
        let id = unsafe { libc::semget(key.number(), 1, libc::IPC_CREAT | libc::IPC_EXCL | 0o600) };
        assert!(id >= 0);
        let empty = sysv::Options::new().wait_for_creator(None).remove_on_drop(true).open(key).unwrap();
        let waiting = |timeout| sysv::Options::new().wait_for_creator(Some(timeout)).open(key);
        if round == 1 {
            expires(&mut rain, |timeout| waiting(timeout).map(drop));
        }
        let creator = Peer::start(|| {
            sleep(PAUSE);
            empty.set_value(0, round + 1).unwrap();
            empty.apply(&[Operation::subtract(0, 1)]).unwrap();
        });
        let set = rain.on(|| waiting(LONG)).expect("a signal is no error");
        assert_eq!(set.value(0).unwrap(), round);
        creator.join();
        set.remove().unwrap();
    }
}

/// A semaphore is opened before its name exists: opening it waits for the name.
pub(crate) fn semaphore_appears(handler: Handler) {
    let mut rain = Rain::start(handler);
    for round in 1..=u32::from(ROUNDS) {
        let name = format!("/{}", name::unique("ipcraft-tests"));
        let waiting = |timeout| posix::Options::new().open_timeout(&name, timeout);
        if round == 1 {
            expires(&mut rain, |timeout| waiting(timeout).map(drop));
        }
        let creator = Peer::start(|| {
            sleep(PAUSE);
            Semaphore::create_new(&name, round).unwrap();
        });
        let semaphore = rain.on(|| waiting(LONG)).expect("a signal is no error");
        assert_eq!(semaphore.value().unwrap(), round);
        creator.join();
        semaphore.remove().unwrap();
    }
}

/// A path is taken over by one process at a time: each waits for its turn.
pub(crate) fn turn_comes(handler: Handler) {
    let directory = scratch::directory();
    let path = directory.path().join("socket");
    let mut rain = Rain::start(handler);
    for _ in 0..ROUNDS / 2 {
        drop(Listener::bind(&path).or_else(|_| take_over(&path)).unwrap());
        let (held, hold) = pipe::pipe().unwrap();
        let other = Peer::start(|| {
            let directory = File::open(directory.path()).unwrap();
            let _turn = Flock::lock(directory, FlockArg::LockExclusive).unwrap();
            hold.write(b"x").unwrap();
            sleep(PAUSE);
        });
        held.read(&mut [0; 1]).unwrap();
        drop(rain.on(|| take_over(&path)).expect("a signal is no error"));
        other.join();
    }
}

fn take_over(path: &std::path::Path) -> Result<Listener> {
    socket::Options::new().reclaim_stale(true).listen_stream(path)
}

/// To reserve much memory takes longer than the time between two signals.
pub(crate) fn large_memory_is_made(handler: Handler) {
    const LARGE: usize = 64 << 20;
    let mut rain = Rain::start(handler);
    let memory = rain.on(|| Memfd::create("large", LARGE)).expect("a signal is no error");
    let mapping = memory.map().unwrap();
    mapping.write_at(LARGE - 1, b"x").unwrap();
    unless_unsupported(rain.on(|| mapping.populate()));
}
