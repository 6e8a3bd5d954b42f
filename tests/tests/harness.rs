//! Tests of the harness itself that fork or count descriptors.

use std::process::ExitCode;
use std::time::Duration;

use ipcraft::name;
use ipcraft::queue::{posix, sysv};
use ipcraft::semaphore::sysv::SemaphoreSet;
use ipcraft::shm::sysv::Segment;
use ipcraft::sysv::Key;
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::namespace::enter_own_ipc;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::scratch;
use ipcraft_tests::suite::{self, serial_test};
use ipcraft_tests::watchdog::Watchdog;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

fn main() -> ExitCode {
    suite::main()
}

#[serial_test]
fn snapshot_lists_leaked_descriptor_file_and_child() {
    let before = Snapshot::take();
    assert_eq!(before.leaked(), Vec::<String>::new());

    let kept = (std::io::pipe().unwrap(), scratch::directory());
    let leaked = before.leaked();
    assert_eq!(leaked.iter().filter(|line| line.contains("pipe:[")).count(), 2, "{leaked:?}");
    let directory = kept.1.path().display().to_string();
    assert!(leaked.contains(&directory), "{leaked:?}");

    drop(kept);
    let child = Peer::start(|| ());
    assert_eq!(before.leaked(), ["a child process"]);
    child.join();
    assert_eq!(before.leaked(), Vec::<String>::new());
}

#[serial_test]
fn snapshot_lists_leaked_queues_segments_and_semaphores() {
    Peer::start(|| {
        enter_own_ipc();
        let before = Snapshot::take();
        let name = format!("/{}", name::unique("ipcraft-tests"));
        let named = posix::Options::new().remove_on_drop(true).create_new(&name).unwrap();
        let queue = sysv::Options::new().remove_on_drop(true).create_new(Key::PRIVATE).unwrap();
        let segment = Segment::create_new(Key::PRIVATE, 1).unwrap();
        let set = SemaphoreSet::create_new(Key::PRIVATE, &[1]).unwrap();
        let leaked = before.leaked();
        let expected = [
            format!("/dev/mqueue{name}"),
            format!("msg {}", queue.id()),
            format!("shm {}", segment.id()),
            format!("sem {}", set.id()),
        ];
        // Without privileges the objects may be invisible.
        if nix::unistd::geteuid().is_root() {
            assert!(expected.iter().all(|object| leaked.contains(object)), "{leaked:?}");
        }
        drop((named, queue));
        segment.remove().unwrap();
        set.remove().unwrap();
        assert_eq!(before.leaked(), Vec::<String>::new());
    })
    .join();
}

#[serial_test]
fn hanging_test_is_aborted() {
    let mut peer = Peer::start(|| {
        // The abort is intended, so it must not leave a core file.
        setrlimit(Resource::RLIMIT_CORE, 0, 0).unwrap();
        let _watchdog = Watchdog::start("a test of the watchdog", Duration::from_millis(1));
        nix::unistd::pause();
    });
    let status = peer.wait().unwrap();
    assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGABRT, _)), "{status:?}");
}

#[serial_test]
fn test_that_ends_in_time_is_not_aborted() {
    drop(Watchdog::start("a test of the watchdog", Duration::from_millis(1000)));
}
