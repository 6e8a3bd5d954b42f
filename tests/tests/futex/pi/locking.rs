use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ipcraft::futex::pi::{self, PreviousOwner};
use ipcraft::shm::memfd::Memfd;
use ipcraft_tests::old_kernel::{Rule, with_rules};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::step;
use ipcraft_tests::suite::{Outcome, serial_test};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::gettid;

use super::super::page;
use super::{BLOCKING, FORMS, lock, owner};

#[serial_test]
fn lock_of_a_free_word_makes_the_caller_its_owner() {
    let word = AtomicU32::new(0);
    for form in FORMS {
        assert_eq!(form(&word).unwrap(), PreviousOwner::Unlocked);
        assert_eq!(word.load(Relaxed), gettid().as_raw() as u32);
        pi::unlock(&word).unwrap();
        assert_eq!(word.load(Relaxed), 0);
    }
}

#[serial_test]
fn lock_after_unlock_of_another_process_returns() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    for form in BLOCKING {
        lock(word);
        let peer = Peer::start(|| {
            assert_eq!(form(word).unwrap(), PreviousOwner::Unlocked);
            pi::unlock(word).unwrap();
        });
        peer.wait_asleep();
        pi::unlock(word).unwrap();
        peer.join();
        assert_eq!(owner(word), 0);
    }
}

#[serial_test]
fn lock_continues_after_process_is_stopped() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    for form in BLOCKING {
        lock(word);
        let peer = Peer::start(|| {
            assert_eq!(form(word).unwrap(), PreviousOwner::Unlocked);
            pi::unlock(word).unwrap();
        });
        peer.wait_asleep();
        kill(peer.pid(), Signal::SIGSTOP).unwrap();
        assert!(peer.wait_stopped());
        kill(peer.pid(), Signal::SIGCONT).unwrap();
        peer.wait_asleep();
        pi::unlock(word).unwrap();
        peer.join();
    }
}

#[serial_test]
fn lock_through_other_mappings_excludes_processes() {
    const ADDITIONS: u64 = 20_000;
    let memory = Memfd::create("test", 4096).unwrap();
    let add = || {
        let mapping = memory.map().unwrap();
        let word = mapping.atomic_u32(64).unwrap();
        // SAFETY: because the number is mapped and aligned, and every use is atomic.
        let number = unsafe { mapping.pointer(0, 8, 8).unwrap().cast::<AtomicU64>().as_ref() };
        for _ in 0..ADDITIONS {
            lock(word);
            number.store(number.load(Relaxed) + 1, Relaxed);
            pi::unlock(word).unwrap();
        }
        number.load(Relaxed)
    };
    let peers = [0; 2].map(|_| Peer::start(|| assert_ne!(add(), 0)));
    add();
    peers.into_iter().for_each(Peer::join);
    assert_eq!(add(), 4 * ADDITIONS);
}

#[serial_test]
fn lock_in_forked_child_of_a_caller_uses_the_id_of_the_child() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    lock(word); // The id of this thread is known now, and copied into the child.
    Peer::start(|| {
        assert_eq!(pi::try_lock(word).unwrap_err().errno(), Some(libc::EAGAIN));
        assert_eq!(pi::unlock(word).unwrap_err().errno(), Some(libc::EPERM));
        let own = AtomicU32::new(0);
        lock(&own);
        assert_eq!(own.load(Relaxed), gettid().as_raw() as u32);
    })
    .join();
    pi::unlock(word).unwrap();
}

#[serial_test]
fn lock_and_unlock_without_contention_make_no_system_call() -> Outcome {
    let word = AtomicU32::new(0);
    let operation = || {
        lock(&word);
        pi::unlock(&word).unwrap();
    };
    match step::trace(operation) {
        Err(step::REFUSED) => Outcome::Skipped("this system does not allow ptrace(2)".into()),
        traced => {
            assert_eq!(traced.unwrap().system_calls, step::trace(|| ()).unwrap().system_calls);
            Outcome::Passed
        }
    }
}

/// Linux before 5.14 knows no `FUTEX_LOCK_PI2`.
#[serial_test]
fn lock_timeout_without_the_newer_operation_uses_the_wall_clock() -> Outcome {
    let rule = Rule::FailsFor(libc::SYS_futex, libc::FUTEX_LOCK_PI2 as u32, Errno::ENOSYS);
    with_rules(&[rule], || {
        let page = page();
        let word = page.atomic_u32(0).unwrap();
        lock(word);
        let peer = Peer::start(|| {
            let error = pi::lock_timeout(word, Duration::from_millis(20)).unwrap_err();
            assert_eq!(error.errno(), Some(libc::ETIMEDOUT));
            for form in BLOCKING {
                assert_eq!(form(word).unwrap(), PreviousOwner::Unlocked);
                pi::unlock(word).unwrap();
            }
        });
        std::thread::sleep(Duration::from_millis(40));
        pi::unlock(word).unwrap();
        peer.join();
    })
}
