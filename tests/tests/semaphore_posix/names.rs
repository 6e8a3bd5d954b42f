//! Names: validity, lifetime, permission and removal.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;

use ipcraft::ErrorKind;
use ipcraft::semaphore::posix::{Options, Semaphore};
use ipcraft_tests::namespace;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::LONG_TIMEOUT;
use ipcraft_tests::user;
use nix::errno::Errno;
use nix::sys::stat::{Mode, umask};

use super::{file, kind_of, semaphore, unique};

fn ours() -> Options {
    Options::new().remove_on_drop(true)
}

#[serial_test]
fn open_by_name_returns_the_same_semaphore() {
    let name = unique();
    let error = Semaphore::open(&name).unwrap_err();
    assert_eq!(
        (error.kind(), error.operation(), error.object()),
        (ErrorKind::NotFound, "sem_open", Some(&*name))
    );
    let made = ours().create_new(&name, 5).unwrap();
    let error = Semaphore::create_new(&name, 1).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::AlreadyExists, Some(Errno::EEXIST as i32)));
    let (opened, created) = (Semaphore::open(&name).unwrap(), ours().create(&name, 1).unwrap());
    assert!(!created.removes_on_drop(), "this call did not create it");
    assert_eq!(opened.name(), Some(OsStr::new(&name)));
    opened.wait().unwrap();
    created.post().unwrap();
    created.post().unwrap();
    assert_eq!([made.value().unwrap(), opened.value().unwrap(), created.value().unwrap()], [6; 3]);
}

#[serial_test]
fn create_new_in_racing_processes_succeeds_once() {
    let (name, won) = (unique(), semaphore(0));
    let racers: Vec<_> = (0..6)
        .map(|_| {
            Peer::start(|| match Semaphore::create_new(&name, 1) {
                Ok(_) => won.post().unwrap(),
                Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists),
            })
        })
        .collect();
    racers.into_iter().for_each(Peer::join);
    Semaphore::open(&name).unwrap().remove().unwrap();
    assert_eq!(won.value().unwrap(), 1);
}

#[serial_test]
fn name_appears_together_with_the_value() {
    let (name, seen) = (unique(), semaphore(0));
    for _ in 0..100 {
        let opener = Peer::start(|| {
            let found = loop {
                match Semaphore::open(&name) {
                    Ok(found) => break found,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
                }
            };
            assert_eq!(found.value().unwrap(), 7);
            seen.post().unwrap();
        });
        let made = Semaphore::create(&name, 7).unwrap();
        seen.wait_timeout(LONG_TIMEOUT).unwrap();
        made.remove().unwrap();
        opener.join();
    }
}

#[serial_test]
fn name_survives_drop_without_remove_on_drop() {
    let name = unique();
    drop(Semaphore::create_new(&name, 3).unwrap());
    drop(ours().open(&name).unwrap());
    let found = Semaphore::open(&name).expect("only a semaphore created by the call is removed");
    assert_eq!(found.value().unwrap(), 3);
    found.remove().unwrap();
    let made = ours().create(&name, 1).unwrap();
    assert!(made.removes_on_drop());
    drop(made);
    assert!(!file(&name).exists());
}

#[serial_test]
fn semaphore_survives_remove_of_its_name() {
    let name = unique();
    let (made, opened) = (Semaphore::create_new(&name, 0).unwrap(), Semaphore::open(&name).unwrap());
    made.remove().unwrap();
    assert_eq!(kind_of(Semaphore::open(&name)), ErrorKind::NotFound);
    opened.post().unwrap();
    let another = ours().create_new(&name, 9).unwrap();
    assert_eq!((opened.value().unwrap(), another.value().unwrap()), (1, 9));
}

#[serial_test]
fn remove_twice_or_of_reused_name_fails() {
    let name = unique();
    let (made, opened) = (Semaphore::create_new(&name, 0).unwrap(), Semaphore::open(&name).unwrap());
    let third = Semaphore::open(&name).unwrap();
    made.remove().unwrap();
    let error = opened.remove().unwrap_err();
    assert_eq!(
        (error.kind(), error.operation(), error.object()),
        (ErrorKind::NotFound, "sem_unlink", Some(&*name))
    );
    let _another = ours().create_new(&name, 0).unwrap();
    assert_eq!(kind_of(third.remove()), ErrorKind::Removed);
    assert!(file(&name).exists());
}

#[serial_test]
fn invalid_name_is_rejected() {
    for bad in ["", "/", "no-slash", "/a/b", "//a", "/a\0", "/.."] {
        assert_eq!(kind_of(Semaphore::open(bad)), ErrorKind::InvalidName, "{bad:?}");
        assert_eq!(kind_of(Semaphore::create(bad, 0)), ErrorKind::InvalidName, "{bad:?}");
    }
}

#[serial_test]
fn name_of_251_bytes_is_accepted_and_of_252_rejected() {
    let name = unique();
    let longest = format!("{name}-{}", "n".repeat(250 - name.len()));
    assert_eq!(longest.len(), 1 + 250);
    let longest = longest + "n";
    drop(ours().create_new(&longest, 1).unwrap());
    let error = Semaphore::create_new(&(longest + "n"), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidName);
    assert_eq!(error.limit().unwrap().value(), 251);
}

#[serial_test]
fn drop_of_forked_copy_removes_nothing() {
    let mut made = Some(semaphore(1));
    Peer::start(|| drop(made.take())).join();
    let made = made.unwrap();
    Semaphore::open(made.name().unwrap().to_str().unwrap()).unwrap();
}

#[serial_test]
fn mode_defaults_to_0600_less_the_umask() {
    let mode = |name: &str| fs::metadata(file(name)).unwrap().permissions().mode() & 0o7777;
    let (plain, shared) = (unique(), unique());
    let before = umask(Mode::from_bits_truncate(0o022));
    let _plain = ours().create_new(&plain, 0).unwrap();
    let _shared = ours().mode(0o666).create_new(&shared, 0).unwrap();
    umask(before);
    assert_eq!((mode(&plain), mode(&shared)), (0o600, 0o644));
}

#[serial_test]
fn open_without_permission_fails() -> Outcome {
    if let Some(skipped) = user::skipped_unless_root() {
        return skipped;
    }
    let made = semaphore(1);
    let name = made.name().unwrap().to_str().unwrap();
    user::as_unprivileged(|| {
        let error = Options::new().owner(0).open(name).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(Errno::EACCES as i32)));
    });
    Outcome::Passed
}

#[serial_test]
fn create_on_full_file_system_returns_limit_reached() -> Outcome {
    namespace::with_own_shm("8k", || {
        fs::write("/dev/shm/filler", [0; 4096]).unwrap();
        // On some kernels the directory entry takes a page too, so the first creation may fail or
        // succeed.
        let results: Vec<_> = (0..2).map(|i| Semaphore::create_new(format!("/room-{i}"), 1)).collect();
        let error = results.into_iter().find_map(Result::err).expect("two semaphores do not fit");
        assert_eq!((error.kind(), error.operation()), (ErrorKind::LimitReached, "sem_open"));
        assert_eq!(error.errno(), Some(Errno::ENOSPC as i32));
    })
}

#[serial_test]
fn unlink_removes_a_file_that_open_rejects() {
    let name = unique();
    fs::write(file(&name), "").unwrap();
    fs::set_permissions(file(&name), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(kind_of(Semaphore::open(&name)), ErrorKind::WrongType);
    Semaphore::unlink(&name).unwrap();
    assert!(!file(&name).exists());
    let error = Semaphore::unlink(&name).unwrap_err();
    assert_eq!(
        (error.kind(), error.operation(), error.object()),
        (ErrorKind::NotFound, "sem_unlink", Some(&*name))
    );
    assert_eq!(kind_of(Semaphore::unlink("no-slash")), ErrorKind::InvalidName);
}

#[serial_test]
fn exact_mode_is_not_cut_by_the_umask_and_decimal_is_refused() {
    let name = unique();
    let before = umask(Mode::from_bits_truncate(0o077));
    let made = Options::new().exact_mode(0o664).remove_on_drop(true).create_new(&name, 1);
    umask(before);
    let made = made.unwrap();
    assert_eq!(fs::metadata(file(&name)).unwrap().permissions().mode() & 0o777, 0o664);
    drop(made);
    for options in [Options::new().mode(664), Options::new().exact_mode(664)] {
        assert_eq!(kind_of(options.create_new(&name, 1)), ErrorKind::Invalid);
    }
}

#[serial_test]
fn any_mode_and_any_owner_accept_what_is_refused_otherwise() -> Outcome {
    if let Some(skipped) = user::skipped_unless_root() {
        return skipped;
    }
    let name = unique();
    let _made = Options::new().exact_mode(0o666).remove_on_drop(true).create_new(&name, 1).unwrap();
    user::as_unprivileged(|| {
        let (any_mode, any_owner) = (Options::new().any_mode(), Options::new().any_owner());
        for options in [&any_mode, &any_owner] {
            let error = options.open(&name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        }
        any_mode.any_owner().open(&name).unwrap().wait().unwrap();
    });
    Outcome::Passed
}

#[serial_test]
fn name_that_is_not_utf8_is_accepted() {
    let name = OsString::from_vec([unique().as_bytes(), b"-\xff"].concat());
    let made = Semaphore::create_new(&name, 1).unwrap();
    assert_eq!(made.name(), Some(&*name));
    Semaphore::open(&name).unwrap().wait().unwrap();
    assert_eq!(made.value().unwrap(), 0);
    Semaphore::unlink(&name).unwrap();
    assert_eq!(kind_of(made.remove()), ErrorKind::NotFound);
}
