//! Creation by name: afterwards the name leads to a complete value, or does not exist.
use std::thread;

use ipcraft::name;
use ipcraft::shm::{ProcessShared, Shared};
use ipcraft::sync::{Barrier, Event, Mutex, Once, OnceState, RwLock, Semaphore};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::survivors;
use libtest_mimic::Trial;

use crate::common::clean;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        creation("create_mutex", Open::OrCreate, |number: &Number| number.init(7), lock),
        creation("create_new_mutex", Open::New, |number: &Number| number.init(7), lock),
        creation("create_rwlock", Open::OrCreate, |table: &Table| table.init(7), read_and_write),
        creation("create_semaphore", Open::OrCreate, Semaphore::init, acquire_all),
        creation("create_barrier", Open::OrCreate, Barrier::init, meet),
        creation("create_once", Open::OrCreate, Once::init, call),
        creation("create_event", Open::OrCreate, |_: &Event| Ok(()), set),
    ]
}

pub(crate) type Number = Mutex<u32>;
pub(crate) type Table = RwLock<u32, 2>;

pub(crate) fn lock(number: &Number) {
    assert_eq!(*number.lock().unwrap(), 7);
}

pub(crate) fn read_and_write(table: &Table) {
    assert_eq!(*table.read().unwrap(), 7);
    assert_eq!(*table.write().unwrap(), 7);
}

pub(crate) fn acquire_all(permits: &Semaphore<2>) {
    let _both = (permits.acquire().unwrap(), permits.acquire().unwrap());
    assert_eq!(permits.try_acquire().unwrap_err().kind(), ErrorKind::Deadlock);
}

pub(crate) fn meet(line: &Barrier<2>) {
    let run = || line.join().unwrap().wait().unwrap();
    let leads = thread::scope(|scope| {
        let other = scope.spawn(run);
        [run(), other.join().unwrap()]
    });
    assert_ne!(leads[0], leads[1]);
}

pub(crate) fn call(once: &Once) {
    let mut made = None;
    once.call_once(|attempt| made = Some(attempt)).unwrap();
    assert_eq!(made, Some(OnceState::First));
}

fn set(event: &Event) {
    assert!(!event.is_set());
    event.set().unwrap();
    event.wait().unwrap();
}

/// The call that creates.
#[derive(Clone, Copy)]
enum Open {
    OrCreate,
    New,
}

/// Killed while it creates a named value.
struct Creation<T: ProcessShared> {
    open: Open,
    init: fn(&T) -> ipcraft::Result<()>,
    /// Uses a complete value that no process has used.
    using: fn(&T),
}

fn creation<T: ProcessShared + 'static>(
    name: &'static str,
    open: Open,
    init: fn(&T) -> ipcraft::Result<()>,
    using: fn(&T),
) -> Trial {
    clean(name, Creation { open, init, using })
}

impl<T: ProcessShared> Creation<T> {
    fn create(&self, name: &str) -> Result<Shared<T>, Error> {
        match self.open {
            Open::OrCreate => Shared::create(name, self.init),
            Open::New => Shared::create_new(name, self.init),
        }
    }
}

/// A name that is removed also if a check fails.
struct Name(String);

impl Name {
    fn remove(&self) -> bool {
        std::fs::remove_file(format!("/dev/shm{}", self.0)).is_ok()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        self.remove();
    }
}

impl<T: ProcessShared> Scenario for Creation<T> {
    type Fixture = Name;

    /// No process sees the value before it has its name.
    fn is_long(&self) -> bool {
        true
    }

    fn fixture(&self) -> Name {
        Name(format!("/{}", name::unique("ipcraft-tests")))
    }

    fn operate(&self, name: &Name) {
        drop(self.create(&name.0).unwrap());
    }

    fn rearm(&self, name: &Name) {
        assert!(name.remove(), "the first call has created it");
    }

    fn check(&self, name: Name) -> Outcome {
        let found = Shared::<T>::open(&name.0);
        let shared = match (found, self.open) {
            (Ok(complete), Open::New) => {
                assert_eq!(self.create(&name.0).map(drop).unwrap_err().kind(), ErrorKind::AlreadyExists);
                complete
            }
            (Err(e), _) if e.kind() != ErrorKind::NotFound => panic!("{e}"),
            _ => self.create(&name.0).unwrap(),
        };
        // A process of its own opens it by name, and can be ended if it hangs.
        let peer = survivors::start(|| (self.using)(&Shared::open(&name.0).unwrap()));
        if !survivors::finish([peer]) {
            return Outcome::Stuck;
        }
        shared.remove().unwrap();
        Outcome::Unnoticed
    }
}
