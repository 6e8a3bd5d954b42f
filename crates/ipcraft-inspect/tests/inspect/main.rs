//! What exists, which processes hold it, and that `DEAD` is never wrong.

mod churn;
mod interop;
mod locks;
mod objects;
mod removal;
mod rights;
mod scale;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft_inspect::{Kind, Object, ObjectName, State, find};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::{namespace, suite};

fn main() -> ExitCode {
    // System V objects and queues of other processes are out of reach, where that is permitted.
    namespace::enter_own_ipc();
    suite::main()
}

/// The watchdog's time for the tests that have a long form.
const LONG: Duration = Duration::from_secs(900);

/// A file in `/dev/shm`, as any program makes it; removed on drop.
#[derive(Debug)]
struct SharedFile {
    path: PathBuf,
    creator: u32,
}

impl SharedFile {
    fn new(prefix: &str) -> SharedFile {
        let path = Path::new("/dev/shm").join(ipcraft::name::unique(prefix));
        fs::write(&path, [0; 4096]).expect("a file in /dev/shm");
        SharedFile { path, creator: std::process::id() }
    }

    fn name(&self) -> ObjectName {
        let name = self.path.file_name().unwrap().to_str().unwrap();
        format!("shm:/{name}").parse().unwrap()
    }

    fn open(&self) -> File {
        File::options().read(true).write(true).open(&self.path).unwrap()
    }

    fn state(&self) -> State {
        state(&self.name())
    }
}

impl Drop for SharedFile {
    fn drop(&mut self) {
        if self.creator == std::process::id() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn object(name: &ObjectName) -> Object {
    find(name).unwrap_or_else(|error| panic!("{error}")).0
}

fn state(name: &ObjectName) -> State {
    object(name).state
}

/// A child that holds something until it is dropped.
fn holding(hold: impl FnOnce() -> Box<dyn std::any::Any>) -> Peer {
    let child = Peer::start(|| {
        let _held = hold();
        loop {
            sleep(Duration::from_secs(60));
        }
    });
    child.wait_asleep();
    child
}

/// The pids of an object's holders.
fn holders(name: &ObjectName) -> Vec<u32> {
    object(name).holders.iter().map(|holder| holder.process.pid).collect()
}

/// Waits until the object has this state: a killed process releases its memory a moment later.
fn assert_becomes(name: &ObjectName, wanted: State) {
    let started = Instant::now();
    while state(name) != wanted {
        assert!(started.elapsed() < Duration::from_secs(20), "{name} stays {}", state(name));
        sleep(Duration::from_millis(5));
    }
}

fn is_listed(kind: Kind, name: &ObjectName) -> bool {
    ipcraft_inspect::list(&[kind]).unwrap().objects.iter().any(|object| object.name == *name)
}

/// Whether the long form of a test was asked for.
fn is_full() -> bool {
    std::env::var("IPCRAFT_STRESS").is_ok_and(|value| value == "full")
}
