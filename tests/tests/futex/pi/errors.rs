use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ipcraft::futex::{self, pi};
use ipcraft::shm::posix::Options;
use ipcraft::{ErrorKind, name};
use ipcraft_tests::old_kernel::{Rule, with_rules};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::errno::Errno;
use nix::unistd::ftruncate;

use super::super::page;
use super::{BLOCKING, FORMS, lock};

#[serial_test]
fn try_lock_of_a_taken_lock_returns_would_block() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    lock(word);
    Peer::start(|| {
        let error = pi::try_lock(word).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::WouldBlock, Some(libc::EAGAIN)));
    })
    .join();
}

#[serial_test]
fn lock_timeout_past_deadline_returns_timed_out() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    lock(word);
    Peer::start(|| {
        for timeout in [SHORT_TIMEOUT, Duration::ZERO] {
            let start = Instant::now();
            let error = pi::lock_timeout(word, timeout).unwrap_err();
            assert_eq!((error.kind(), error.errno()), (ErrorKind::TimedOut, Some(libc::ETIMEDOUT)));
            assert!(start.elapsed() >= timeout);
        }
    })
    .join();
    pi::unlock(word).unwrap();
}

#[serial_test]
fn lock_of_an_own_lock_returns_deadlock_in_every_form() {
    let word = AtomicU32::new(0);
    lock(&word);
    for form in FORMS {
        let error = form(&word).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Deadlock, Some(libc::EDEADLK)));
    }
    pi::unlock(&word).unwrap();
}

#[serial_test]
fn lock_in_a_circle_of_two_processes_returns_deadlock() {
    let page = page();
    let (first, second) = (page.atomic_u32(0).unwrap(), page.atomic_u32(64).unwrap());
    for form in BLOCKING {
        lock(first);
        let peer = Peer::start(|| {
            lock(second);
            lock(first); // The other process unlocks.
            pi::unlock(first).unwrap();
            pi::unlock(second).unwrap();
        });
        peer.wait_asleep();
        let error = form(second).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Deadlock, Some(libc::EDEADLK)));
        pi::unlock(first).unwrap();
        peer.join();
    }
}

#[serial_test]
fn unlock_by_another_thread_or_twice_returns_permission_denied() {
    let word = AtomicU32::new(0);
    let refused = || {
        let error = pi::unlock(&word).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EPERM)));
        assert!(error.to_string().contains("only the thread that locked it"), "{error}");
    };
    refused();
    lock(&word);
    std::thread::scope(|scope| scope.spawn(refused).join().unwrap());
    pi::unlock(&word).unwrap();
    refused();
}

#[serial_test]
fn lock_of_a_word_that_names_a_kernel_thread_returns_permission_denied() -> Outcome {
    const KTHREADD: u32 = 2;
    if std::fs::read_to_string("/proc/2/comm").is_ok_and(|name| name == "kthreadd\n") {
        for form in FORMS {
            let error = form(&AtomicU32::new(KTHREADD)).unwrap_err();
            assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EPERM)));
        }
        return Outcome::Passed;
    }
    Outcome::Skipped("this pid namespace shows no thread of the kernel".into())
}

#[serial_test]
fn lock_and_unlock_of_a_word_with_other_waiters_return_invalid() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    lock(word);
    let value = word.load(Relaxed);
    let waiter = Peer::start(|| futex::wait_timeout(word, value, LONG_TIMEOUT).unwrap());
    waiter.wait_asleep();
    Peer::start(|| {
        for form in FORMS {
            let error = form(word).unwrap_err();
            assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(libc::EINVAL)));
            assert!(error.to_string().contains("another purpose"), "{error}");
        }
    })
    .join();
    // A value with which the kernel expects a waiter of its own.
    word.store(value | libc::FUTEX_WAITERS, Relaxed);
    let error = pi::unlock(word).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(libc::EINVAL)));
    waiter.kill();
}

#[serial_test]
fn lock_of_memory_that_is_truncated_meanwhile_returns_efault() {
    let name = format!("/{}", name::unique("ipcraft-tests"));
    let memory = Options::new().remove_on_drop(true).create_new(&name, 4096).unwrap();
    let mapping = memory.map().unwrap();
    let word = mapping.atomic_u32(0).unwrap();
    let owner = Peer::start(|| {
        lock(word);
        std::thread::sleep(LONG_TIMEOUT);
    });
    owner.wait_asleep();
    let waiter = Peer::start(|| {
        let error = pi::lock(word).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Other, Some(libc::EFAULT)));
        assert!(error.to_string().contains("truncated"), "{error}");
    });
    waiter.wait_asleep();
    ftruncate(&memory, 0).unwrap();
    owner.kill();
    waiter.join();
}

#[serial_test]
fn lock_without_priority_inheritance_in_the_kernel_returns_unsupported() -> Outcome {
    with_rules(&[Rule::Fails(libc::SYS_futex, Errno::ENOSYS)], || {
        let word = AtomicU32::new(1); // The process with this id is alive.
        for form in FORMS {
            let error = form(&word).unwrap_err();
            assert_eq!((error.kind(), error.errno()), (ErrorKind::Unsupported, Some(libc::ENOSYS)));
            assert!(error.to_string().contains("CONFIG_FUTEX_PI"), "{error}");
        }
        assert_eq!(pi::unlock(&word).unwrap_err().errno(), Some(libc::ENOSYS));
    })
}
