//! Values and permits.

use std::sync::OnceLock;

use ipcraft::ErrorKind;
use ipcraft::semaphore::posix::Semaphore;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use nix::unistd::pause;

use super::{MAX_VALUE, kind_of, semaphore, unique};

#[serial_test]
fn wait_decrements_and_post_increments() {
    let semaphore = semaphore(2);
    semaphore.wait().unwrap();
    semaphore.try_wait().unwrap();
    assert_eq!(semaphore.value().unwrap(), 0);
    semaphore.post().unwrap();
    assert_eq!(semaphore.value().unwrap(), 1);
}

#[serial_test]
fn post_and_create_above_maximum_value_overflow() {
    let full = semaphore(MAX_VALUE);
    let error = full.post().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Overflow, Some(Errno::EOVERFLOW as i32)));
    assert_eq!(
        error.limit().map(|limit| (limit.name(), limit.value())),
        Some(("SEM_VALUE_MAX", MAX_VALUE.into()))
    );
    assert_eq!(full.value().unwrap(), MAX_VALUE);
    let name = unique();
    let error = Semaphore::create_new(&name, MAX_VALUE + 1).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Overflow, Some(Errno::EINVAL as i32)));
    assert_eq!(kind_of(Semaphore::open(&name)), ErrorKind::NotFound);
}

#[serial_test]
fn try_wait_at_zero_returns_would_block() {
    let semaphore = semaphore(0);
    let error = semaphore.try_wait().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::WouldBlock, Some(Errno::EAGAIN as i32)));
    assert_eq!(kind_of(semaphore.try_acquire()), ErrorKind::WouldBlock);
    assert_eq!(semaphore.value().unwrap(), 0);
}

#[serial_test]
fn dropped_permit_posts_and_kept_permit_does_not() {
    let semaphore = semaphore(3);
    let permits = [semaphore.acquire(), semaphore.try_acquire(), semaphore.acquire_timeout(LONG_TIMEOUT)];
    let [one, two, three] = permits.map(Result::unwrap);
    assert_eq!(semaphore.value().unwrap(), 0);
    drop((one, two));
    assert_eq!(semaphore.value().unwrap(), 2);
    three.keep();
    assert_eq!(semaphore.value().unwrap(), 2);
}

#[serial_test]
fn unit_of_killed_process_is_lost() {
    let (semaphore, taken) = (semaphore(2), semaphore(0));
    let holder = Peer::start(|| {
        let _permit = semaphore.acquire().unwrap();
        taken.post().unwrap();
        pause();
    });
    taken.wait_timeout(LONG_TIMEOUT).unwrap();
    holder.kill();
    assert_eq!(semaphore.value().unwrap(), 1);
}

static FROM_HANDLER: OnceLock<Semaphore> = OnceLock::new();

extern "C" fn post(_signal: libc::c_int) {
    FROM_HANDLER.get().expect("set before").post().expect("below the maximum value");
}

#[serial_test]
fn post_works_in_a_signal_handler() {
    let semaphore = semaphore(0);
    let name = semaphore.name().unwrap().to_str().unwrap();
    Peer::start(|| {
        FROM_HANDLER.set(Semaphore::open(name).unwrap()).unwrap();
        let action = SigAction::new(SigHandler::Handler(post), SaFlags::empty(), SigSet::empty());
        // SAFETY: because the handler only calls sem_post(3), which is async-signal-safe.
        unsafe { sigaction(Signal::SIGUSR1, &action) }.expect("sigaction");
        raise(Signal::SIGUSR1).unwrap();
    })
    .join();
    assert_eq!(semaphore.value().unwrap(), 1);
}
