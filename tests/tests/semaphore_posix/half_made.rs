//! Files that another program makes in several steps, and does not finish.

use std::fs::{self, File};
use std::time::Instant;

use ipcraft::ErrorKind;
use ipcraft::semaphore::posix::{Options, SIZE, Semaphore};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use ipcraft_tests::user::unprivileged_in_own_ipc;
use nix::sys::stat::{Mode, umask};

use super::{file, kind_of, semaphore, unique};

#[serial_test]
fn unfinished_file_is_refused_with_the_advice_to_unlink_it() {
    for length in [0, SIZE - 1, SIZE] {
        let name = unique();
        let before = umask(Mode::from_bits_truncate(0o077));
        fs::write(file(&name), vec![0; length]).unwrap();
        umask(before);
        let start = Instant::now();
        for error in [
            Semaphore::open(&name).unwrap_err(),
            Semaphore::create(&name, 1).unwrap_err(),
            Options::new().open_timeout(&name, SHORT_TIMEOUT).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
            assert!(error.to_string().contains("Semaphore::unlink"), "{error}");
        }
        assert!(start.elapsed() >= SHORT_TIMEOUT);
        Semaphore::unlink(&name).unwrap();
        Options::new().remove_on_drop(true).create_new(&name, 1).unwrap();
    }
}

#[serial_test]
fn open_timeout_waits_for_the_name_and_for_the_contents() {
    let (made, name) = (semaphore(3), unique());
    assert_eq!(kind_of(Options::new().open_timeout(&name, SHORT_TIMEOUT)), ErrorKind::TimedOut);
    let opener = Peer::start(|| {
        let found = Options::new().open_timeout(&name, LONG_TIMEOUT).unwrap();
        assert_eq!(found.value().unwrap(), 3);
    });
    opener.wait_asleep();
    let before = umask(Mode::from_bits_truncate(0o077));
    let empty = File::create(file(&name)).unwrap();
    umask(before);
    opener.wait_asleep();
    empty.set_len(SIZE as u64).unwrap();
    opener.wait_asleep();
    fs::write(file(&name), fs::read(file(made.name().unwrap().to_str().unwrap())).unwrap()).unwrap();
    opener.join();
    Semaphore::unlink(&name).unwrap();
}

#[serial_test]
fn create_while_another_process_removes_the_name_starts_over() {
    let name = unique();
    let remover = Peer::start(|| {
        loop {
            let _ = Semaphore::unlink(&name);
        }
    });
    for round in 0..5000 {
        Semaphore::create(&name, 1).unwrap_or_else(|e| panic!("round {round}: {e}"));
    }
    remover.kill();
    let _ = Semaphore::unlink(&name);
}

#[serial_test]
fn remove_on_drop_happens_with_a_full_descriptor_table() {
    let name = unique();
    Peer::start(|| {
        let made = Options::new().remove_on_drop(true).create_new(&name, 1).unwrap();
        let all: Vec<File> = std::iter::from_fn(|| File::open("/").ok()).collect();
        drop(made);
        drop(all);
        assert_eq!(kind_of(Semaphore::open(&name)), ErrorKind::NotFound);
    })
    .join();
}

#[serial_test]
fn unlink_removes_a_semaphore_that_cannot_be_opened() -> Outcome {
    let name = unique();
    unprivileged_in_own_ipc(
        || (),
        |()| {
            fs::write(file(&name), "").unwrap();
            fs::set_permissions(file(&name), std::os::unix::fs::PermissionsExt::from_mode(0o0)).unwrap();
            assert_eq!(kind_of(Semaphore::open(&name)), ErrorKind::PermissionDenied);
            Semaphore::unlink(&name).unwrap();
            assert_eq!(kind_of(Semaphore::open(&name)), ErrorKind::NotFound);
        },
    )
}
