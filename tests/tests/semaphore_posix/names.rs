use std::fs;
use std::os::unix::fs::PermissionsExt;

use ipcraft::ErrorKind;
use ipcraft::semaphore::posix::{Options, Semaphore};
use ipcraft_tests::namespace;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::Outcome;
use nix::errno::Errno;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};

use super::{file, kind_of, semaphore, unique};

fn ours() -> Options {
    Options::new().remove_on_drop(true)
}

pub(super) fn lead_to_one_semaphore() {
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
    assert_eq!(opened.name(), Some(&*name));
    opened.wait().unwrap();
    created.post().unwrap();
    created.post().unwrap();
    assert_eq!([made.value().unwrap(), opened.value().unwrap(), created.value().unwrap()], [6; 3]);
}

pub(super) fn are_made_by_exactly_one_of_many_racing_processes() {
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

pub(super) fn appear_with_the_value() {
    let (name, seen) = (unique(), semaphore(0));
    for _ in 0..100 {
        let looker = Peer::start(|| {
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
        seen.wait_timeout(super::LONG).unwrap();
        made.remove().unwrap();
        looker.join();
    }
}

pub(super) fn stay_unless_removal_was_asked_for() {
    let name = unique();
    drop(Semaphore::create_new(&name, 3).unwrap());
    drop(ours().open(&name).unwrap());
    let found = Semaphore::open(&name).expect("only what this call created is removed");
    assert_eq!(found.value().unwrap(), 3);
    found.remove().unwrap();
    let made = ours().create(&name, 1).unwrap();
    assert!(made.removes_on_drop());
    drop(made);
    assert!(!file(&name).exists());
}

pub(super) fn outlive_nobody_who_has_the_semaphore() {
    let name = unique();
    let (made, opened) = (Semaphore::create_new(&name, 0).unwrap(), Semaphore::open(&name).unwrap());
    made.remove().unwrap();
    assert_eq!(kind_of(Semaphore::open(&name)), ErrorKind::NotFound);
    opened.post().unwrap();
    let another = ours().create_new(&name, 9).unwrap();
    assert_eq!((opened.value().unwrap(), another.value().unwrap()), (1, 9));
}

pub(super) fn removed_twice_or_taken_over_are_told() {
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

pub(super) fn that_cannot_be_are_refused() {
    for bad in ["", "/", "no-slash", "/a/b", "//a", "/a\0", "/.."] {
        assert_eq!(kind_of(Semaphore::open(bad)), ErrorKind::InvalidName, "{bad:?}");
        assert_eq!(kind_of(Semaphore::create(bad, 0)), ErrorKind::InvalidName, "{bad:?}");
    }
}

pub(super) fn may_be_251_bytes_long() {
    let name = unique();
    let longest = format!("{name}-{}", "n".repeat(250 - name.len()));
    assert_eq!(longest.len(), 1 + 250);
    let longest = longest + "n";
    drop(ours().create_new(&longest, 1).unwrap());
    let error = Semaphore::create_new(&(longest + "n"), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidName);
    assert_eq!(error.limit().unwrap().value(), 251);
}

pub(super) fn a_forked_copy_removes_nothing() {
    let mut made = Some(semaphore(1));
    Peer::start(|| drop(made.take())).join();
    let made = made.unwrap();
    Semaphore::open(made.name().unwrap()).unwrap();
}

pub(super) fn the_mode_is_0600_unless_set() {
    let mode = |name: &str| fs::metadata(file(name)).unwrap().permissions().mode() & 0o7777;
    let (plain, shared) = (unique(), unique());
    let before = umask(Mode::from_bits_truncate(0o022));
    let _plain = ours().create_new(&plain, 0).unwrap();
    let _shared = ours().mode(0o666).create_new(&shared, 0).unwrap();
    umask(before);
    assert_eq!((mode(&plain), mode(&shared)), (0o600, 0o644));
}

/// Root may do everything, so a child becomes nobody first.
pub(super) fn need_permission() -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may become another user".into());
    }
    let made = semaphore(1);
    let name = made.name().unwrap();
    Peer::start(|| {
        setgroups(&[]).expect("setgroups");
        setgid(Gid::from_raw(65534)).expect("setgid");
        setuid(Uid::from_raw(65534)).expect("setuid");
        let error = Options::new().owner(0).open(name).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(Errno::EACCES as i32)));
    })
    .join();
    Outcome::Passed
}

pub(super) fn need_room() -> Outcome {
    namespace::with_own_shm("8k", || {
        fs::write("/dev/shm/filler", [0; 4096]).unwrap();
        // The page for the directory entry counts too on some kernels, so the first may or may not find room.
        let results: Vec<_> = (0..2).map(|i| Semaphore::create_new(&format!("/room-{i}"), 1)).collect();
        let error = results.into_iter().find_map(Result::err).expect("there is no room for two");
        assert_eq!((error.kind(), error.operation()), (ErrorKind::LimitReached, "sem_open"));
        assert_eq!(error.errno(), Some(Errno::ENOSPC as i32));
    })
}
