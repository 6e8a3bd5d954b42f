use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ipcraft::futex::{self, Waiter};
use ipcraft::shm::posix::Options;
use ipcraft::{Error, ErrorKind, name};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::Outcome;
use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JUMP, BPF_K, BPF_LD, BPF_RET, BPF_STMT, BPF_W};
use nix::sys::prctl;
use nix::unistd::{ftruncate, gettid};

use super::{SHORT, page};

fn limit_of(error: &Error) -> Option<(&'static str, u64, Option<u64>)> {
    error.limit().map(|limit| (limit.name(), limit.value(), limit.requested()))
}

pub(super) fn a_number_of_words_that_cannot_be_is_refused() {
    let word = AtomicU32::new(0);
    let none = futex::wait_any(&[]).unwrap_err();
    assert_eq!((none.kind(), none.errno()), (ErrorKind::Invalid, Some(libc::EINVAL)));
    for count in [129, 1000] {
        let error = futex::wait_any_timeout(&vec![Waiter::new(&word, 0); count], SHORT).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(libc::EINVAL)));
        assert_eq!(limit_of(&error), Some(("FUTEX_WAITV_MAX", 128, Some(count as u64))));
    }
}

pub(super) fn memory_that_is_gone_is_told() {
    let name = format!("/{}", name::unique("ipcraft-tests"));
    let memory = Options::new().remove_on_drop(true).create_new(&name, 4096).unwrap();
    let mapping = memory.map().unwrap();
    let word = mapping.atomic_u32(0).unwrap();
    ftruncate(&memory, 0).unwrap();
    let errors = [
        futex::wait(word, 0).unwrap_err(),
        futex::wait_timeout(word, 0, SHORT).unwrap_err(),
        futex::wake(word, 1).unwrap_err(),
        futex::wait_any_timeout(&[Waiter::new(word, 0)], SHORT).unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Other, Some(libc::EFAULT)), "{error}");
        assert!(error.to_string().contains("made smaller"), "{error}");
    }
}

pub(super) fn a_lock_with_priority_inheritance_is_told() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    // This thread holds the lock, as the kernel notes it.
    word.store(gettid().as_raw() as u32, Relaxed);
    let peer = Peer::start(|| {
        let forever = ptr::null::<libc::timespec>();
        // SAFETY: because FUTEX_LOCK_PI reads and writes one aligned word, which is atomic, and no timeout.
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_LOCK_PI, 0, forever) };
    });
    peer.wait_asleep();
    let error = futex::wake(word, 1).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(libc::EINVAL)));
    assert!(error.to_string().contains("priority inheritance"), "{error}");
    peer.kill();
}

/// In a process whose kernel answers as one without the call does.
pub(super) fn a_kernel_without_waitv_is_told() -> Outcome {
    if futex::wait_any(&[Waiter::new(&AtomicU32::new(1), 0)]).is_err() {
        return Outcome::Skipped("the kernel has no futex_waitv(2) to hide".into());
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

/// seccomp(2): the system call of this number is `ENOSYS` for this process from now on.
fn hide(number: libc::c_long) {
    let (load, equal) = ((BPF_LD | BPF_W | BPF_ABS) as u16, (BPF_JMP | BPF_JEQ | BPF_K) as u16);
    let answer = (BPF_RET | BPF_K) as u16;
    let no_such_call = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    // SAFETY: because these only put their arguments into structures. The number of the call comes first in what the
    // filter sees.
    let mut filter = unsafe {
        [
            BPF_STMT(load, 0),
            BPF_JUMP(equal, number as u32, 0, 1),
            BPF_STMT(answer, no_such_call),
            BPF_STMT(answer, libc::SECCOMP_RET_ALLOW),
        ]
    };
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: because PR_SET_SECCOMP reads a program and its instructions, which both outlive the call.
    let status = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(status, 0, "{}", std::io::Error::last_os_error());
}
