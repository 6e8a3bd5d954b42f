use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ipcraft::futex::{self, Waiter};
use ipcraft::shm::posix::Options;
use ipcraft::{Error, ErrorKind, name};
use ipcraft_tests::kernel::skipped_without_futex_waitv;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::SHORT_TIMEOUT;
use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JUMP, BPF_K, BPF_LD, BPF_RET, BPF_STMT, BPF_W};
use nix::sys::prctl;
use nix::unistd::{ftruncate, gettid};

use super::page;

fn limit_of(error: &Error) -> Option<(&'static str, u64, Option<u64>)> {
    error.limit().map(|limit| (limit.name(), limit.value(), limit.requested()))
}

#[serial_test]
fn wait_any_with_invalid_word_count_returns_invalid() -> Outcome {
    if let Some(skipped) = skipped_without_futex_waitv() {
        return skipped;
    }
    let word = AtomicU32::new(0);
    let none = futex::wait_any(&[]).unwrap_err();
    assert_eq!((none.kind(), none.errno()), (ErrorKind::Invalid, Some(libc::EINVAL)));
    for count in [129, 1000] {
        let error = futex::wait_any_timeout(&vec![Waiter::new(&word, 0); count], SHORT_TIMEOUT).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(libc::EINVAL)));
        assert_eq!(limit_of(&error), Some(("FUTEX_WAITV_MAX", 128, Some(count as u64))));
    }
    Outcome::Passed
}

#[serial_test]
fn wait_and_wake_on_truncated_memory_return_efault() {
    let name = format!("/{}", name::unique("ipcraft-tests"));
    let memory = Options::new().remove_on_drop(true).create_new(&name, 4096).unwrap();
    let mapping = memory.map().unwrap();
    let word = mapping.atomic_u32(0).unwrap();
    ftruncate(&memory, 0).unwrap();
    let mut errors = vec![
        futex::wait(word, 0).unwrap_err(),
        futex::wait_timeout(word, 0, SHORT_TIMEOUT).unwrap_err(),
        futex::wake(word, 1).unwrap_err(),
    ];
    if skipped_without_futex_waitv().is_none() {
        errors.push(futex::wait_any_timeout(&[Waiter::new(word, 0)], SHORT_TIMEOUT).unwrap_err());
    }
    for error in errors {
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Other, Some(libc::EFAULT)), "{error}");
        assert!(error.to_string().contains("truncated"), "{error}");
    }
}

#[serial_test]
fn wake_on_priority_inheritance_lock_returns_invalid() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    // The kernel records this thread as the owner of the lock.
    word.store(gettid().as_raw() as u32, Relaxed);
    let peer = Peer::start(|| {
        let forever = ptr::null::<libc::timespec>();
        // SAFETY: because FUTEX_LOCK_PI reads and writes one aligned word atomically, and no
        // timeout.
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_LOCK_PI, 0, forever) };
    });
    peer.wait_asleep();
    let error = futex::wake(word, 1).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(libc::EINVAL)));
    assert!(error.to_string().contains("priority-inheritance"), "{error}");
    peer.kill();
}

/// Runs in a process whose kernel answers like one without the call.
#[serial_test]
fn wait_any_without_futex_waitv_returns_unsupported() -> Outcome {
    if let Some(skipped) = skipped_without_futex_waitv() {
        return skipped;
    }
    Peer::start(|| {
        prctl::set_no_new_privs().unwrap();
        hide(libc::SYS_futex_waitv);
        let word = AtomicU32::new(0);
        let error = futex::wait_any(&[Waiter::new(&word, 0)]).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Unsupported, Some(libc::ENOSYS)));
        assert!(error.to_string().contains("5.16"), "{error}");
    })
    .join();
    Outcome::Passed
}

/// seccomp(2): makes the system call of this number return `ENOSYS` in this process.
fn hide(number: libc::c_long) {
    let (load, equal) = ((BPF_LD | BPF_W | BPF_ABS) as u16, (BPF_JMP | BPF_JEQ | BPF_K) as u16);
    let answer = (BPF_RET | BPF_K) as u16;
    let no_such_call = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    // SAFETY: because these functions only store their arguments in structures. The number of the
    // call comes first in the data of the filter.
    let mut filter = unsafe {
        [
            BPF_STMT(load, 0),
            BPF_JUMP(equal, number as u32, 0, 1),
            BPF_STMT(answer, no_such_call),
            BPF_STMT(answer, libc::SECCOMP_RET_ALLOW),
        ]
    };
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: because PR_SET_SECCOMP reads a program and its instructions, which outlive the call.
    let status = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(status, 0, "{}", std::io::Error::last_os_error());
}
