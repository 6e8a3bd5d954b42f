//! Named objects: creation, opening, checks and removal.

use std::cell::RefCell;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io, thread};

use ipcraft::ErrorKind;
use ipcraft::shm::Access;
use ipcraft::shm::posix::{Options, SharedMemory};
use ipcraft_tests::namespace;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use ipcraft_tests::user::{self, UNPRIVILEGED_ID};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Uid, geteuid, mkfifo, setuid};

use super::{Name, kind, page};

fn removed() -> Options {
    Options::new().remove_on_drop(true)
}

#[serial_test]
fn posix_object_has_exact_size_and_is_zeroed() {
    for size in [1, page() - 1, page(), page() + 1, 100_000] {
        let name = Name::new();
        let memory = removed().create_new(&name, size).unwrap();
        let mapping = memory.map().unwrap();
        assert_eq!((memory.size().unwrap(), mapping.len()), (size, size));
        let mut all = vec![1; size];
        mapping.read_at(0, &mut all).unwrap();
        assert_eq!(all, vec![0; size]);
        mapping.write_at(size - 1, b"x").unwrap();
        assert_eq!(kind(mapping.write_at(size, b"x")), ErrorKind::Invalid);
    }
}

#[serial_test]
fn posix_create_with_impossible_size_fails_and_leaves_nothing() {
    let name = Name::new();
    assert_eq!(kind(SharedMemory::create_new(&name, 0)), ErrorKind::Invalid);
    for size in [usize::MAX, isize::MAX as usize, 1 << 62] {
        let error = SharedMemory::create_new(&name, size).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitReached, "{error}");
        assert_eq!(error.object(), Some(&*name.text));
    }
    assert_eq!(kind(SharedMemory::open(&name)), ErrorKind::NotFound);
}

/// Takes or ends a lease on the file, of which this must be the only description.
fn lease(file: &fs::File, kind: i32) {
    const F_SETSIG: i32 = 10;
    // SAFETY: because these commands of fcntl(2) take a descriptor and an integer. The signal that
    // reports the other process is one that is ignored by default.
    let done = unsafe {
        libc::fcntl(file.as_raw_fd(), F_SETSIG, libc::SIGURG);
        libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, kind)
    };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

#[serial_test]
fn posix_open_waits_for_a_short_lease_and_reports_a_long_one() {
    let name = Name::new();
    drop(SharedMemory::create_new(&name, page()).unwrap());
    let file = fs::File::open(name.path()).unwrap();
    lease(&file, libc::F_WRLCK);
    let error = SharedMemory::open(&name).unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::WouldBlock, Some(&*name.text)), "{error}");
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(5));
            lease(&file, libc::F_UNLCK);
        });
        drop(SharedMemory::open(&name).unwrap());
    });
}

#[serial_test]
fn posix_mode_defaults_to_0600_less_the_umask() {
    let mode = |name: &Name| fs::metadata(name.path()).unwrap().mode() & 0o777;
    let (usual, masked, open) = (Name::new(), Name::new(), Name::new());
    let before = umask(Mode::from_bits_truncate(0o077));
    let _usual = removed().create_new(&usual, 1).unwrap();
    let _masked = removed().mode(0o666).create_new(&masked, 1).unwrap();
    umask(Mode::empty());
    let _open = removed().mode(0o666).create_new(&open, 1).unwrap();
    umask(before);
    assert_eq!((mode(&usual), mode(&masked), mode(&open)), (0o600, 0o600, 0o666));
    assert_eq!(fs::metadata(usual.path()).unwrap().uid(), geteuid().as_raw());
}

#[serial_test]
fn posix_descriptors_are_close_on_exec() {
    let name = Name::new();
    let (made, opened) = (removed().create_new(&name, 1).unwrap(), SharedMemory::open(&name).unwrap());
    for memory in [&made, &opened] {
        let flags = fcntl(memory.as_fd(), FcntlArg::F_GETFD).unwrap();
        assert!(FdFlag::from_bits_truncate(flags).contains(FdFlag::FD_CLOEXEC));
    }
}

#[serial_test]
fn posix_create_opens_an_existing_object_that_is_large_enough() {
    let name = Name::new();
    let first = removed().create(&name, 100).unwrap();
    first.map().unwrap().write_at(0, b"kept").unwrap();
    let second = removed().create(&name, 50).unwrap();
    assert!(first.removes_on_drop() && !second.removes_on_drop());
    let mut text = [0; 4];
    second.map().unwrap().read_at(0, &mut text).unwrap();
    assert_eq!((&text, second.size().unwrap()), (b"kept", 100));
    let error = SharedMemory::create(&name, 101).unwrap_err();
    assert_eq!((error.kind(), error.limit().unwrap().value()), (ErrorKind::WrongType, 100));
    assert_eq!(kind(SharedMemory::create_new(&name, 100)), ErrorKind::AlreadyExists);
}

#[serial_test]
fn posix_create_new_in_racing_processes_succeeds_once() {
    let (name, wins) = (Name::new(), Name::new());
    let tally = removed().create_new(&wins, 8).unwrap().map().unwrap();
    let race = || {
        if SharedMemory::create_new(&name, 4096).is_ok() {
            tally.atomic_u64(0).unwrap().fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        // No process finds the object without its size.
        assert_eq!(SharedMemory::open(&name).unwrap().size().unwrap(), 4096);
    };
    let racers: Vec<Peer> = (0..8).map(|_| Peer::start(race)).collect();
    racers.into_iter().for_each(Peer::join);
    assert_eq!(tally.atomic_u64(0).unwrap().load(std::sync::atomic::Ordering::SeqCst), 1);
    SharedMemory::open(&name).unwrap().remove().unwrap();
}

#[serial_test]
fn posix_open_of_another_file_type_returns_wrong_type() {
    type Create = fn(&PathBuf);
    let others: [(&str, Create); 5] = [
        ("a FIFO", |path| mkfifo(path, Mode::from_bits_truncate(0o600)).unwrap()),
        ("a symbolic link", |path| symlink("/dev/zero", path).unwrap()),
        ("a directory", |path| fs::create_dir(path).unwrap()),
        ("a socket", |path| drop(UnixListener::bind(path).unwrap())),
        ("an empty file", |path| {
            fs::write(path, "").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }),
    ];
    for (what, create) in others {
        let name = Name::new();
        create(&name.path());
        for error in [SharedMemory::open(&name).unwrap_err(), SharedMemory::create(&name, 1).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::WrongType, "{what}: {error}");
        }
        assert_eq!(kind(SharedMemory::create_new(&name, 1)), ErrorKind::AlreadyExists, "{what}");
    }
}

#[serial_test]
fn posix_open_with_excess_permissions_fails() {
    let name = Name::new();
    let memory = removed().create_new(&name, 1).unwrap();
    fs::set_permissions(name.path(), fs::Permissions::from_mode(0o622)).unwrap();
    assert_eq!(kind(SharedMemory::open(&name)), ErrorKind::PermissionDenied);
    Options::new().mode(0o666).open(&name).unwrap();
    drop(memory);
}

#[serial_test]
fn posix_open_of_another_owner_fails_unless_expected() -> Outcome {
    if let Some(skipped) = user::skipped_unless_root() {
        return skipped;
    }
    let name = Name::new();
    let _memory = removed().create_new(&name, 1).unwrap();
    chown(name.path(), Some(UNPRIVILEGED_ID), None).unwrap();
    assert_eq!(kind(SharedMemory::open(&name)), ErrorKind::PermissionDenied);
    Options::new().owner(UNPRIVILEGED_ID).open(&name).unwrap();
    Outcome::Passed
}

#[serial_test]
fn posix_open_as_another_user_returns_permission_denied() -> Outcome {
    if let Some(skipped) = user::skipped_unless_root() {
        return skipped;
    }
    let name = Name::new();
    let _memory = removed().create_new(&name, 1).unwrap();
    user::as_unprivileged(|| {
        let error = SharedMemory::open(&name).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EACCES)));
    });
    Outcome::Passed
}

#[serial_test]
fn posix_name_without_slash_or_above_255_bytes_is_rejected() {
    for bad in ["", "/", "/..", "/a/b", "jobs", "/a\0"] {
        assert_eq!(kind(SharedMemory::create_new(bad, 1)), ErrorKind::InvalidName, "{bad:?}");
        assert_eq!(kind(SharedMemory::open(bad)), ErrorKind::InvalidName, "{bad:?}");
    }
    let longest = Name::padded(255);
    removed().create_new(&longest, 1).unwrap();
    let error = SharedMemory::create_new(Name::padded(256), 1).unwrap_err();
    assert_eq!((error.kind(), error.limit().unwrap().value()), (ErrorKind::InvalidName, 255));
}

#[serial_test]
fn posix_open_timeout_waits_until_the_name_exists() {
    let name = Name::new();
    let error = SharedMemory::open(&name).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::NotFound, Some(libc::ENOENT)));
    assert_eq!(kind(SharedMemory::open_timeout(&name, SHORT_TIMEOUT)), ErrorKind::TimedOut);
    assert_eq!(kind(SharedMemory::open_timeout(&name, Duration::ZERO)), ErrorKind::TimedOut);
    let peer = Peer::start(|| {
        std::thread::sleep(SHORT_TIMEOUT);
        drop(SharedMemory::create_new(&name, 77).unwrap());
    });
    let memory = SharedMemory::open_timeout(&name, LONG_TIMEOUT).unwrap();
    assert_eq!(memory.size().unwrap(), 77);
    peer.join();
    assert_eq!(SharedMemory::open_timeout(&name, Duration::ZERO).unwrap().size().unwrap(), 77);
    memory.remove().unwrap();
}

#[serial_test]
fn posix_memory_survives_remove_of_its_name() {
    let name = Name::new();
    let memory = SharedMemory::create_new(&name, 8).unwrap();
    let (first, again) = (memory.map().unwrap(), SharedMemory::open(&name).unwrap());
    memory.remove().unwrap();
    assert_eq!(kind(SharedMemory::open(&name)), ErrorKind::NotFound);
    first.write_at(0, b"old").unwrap();
    let second = removed().create_new(&name, 8).unwrap().map().unwrap();
    let mut text = [1; 3];
    second.read_at(0, &mut text).unwrap();
    assert_eq!(text, [0; 3], "the name belongs to another object");
    again.map().unwrap().read_at(0, &mut text).unwrap();
    assert_eq!(&text, b"old");
}

#[serial_test]
fn posix_remove_spares_another_object_of_the_same_name() {
    let name = Name::new();
    let (first, second) = (SharedMemory::create_new(&name, 1).unwrap(), SharedMemory::open(&name).unwrap());
    let third = SharedMemory::open(&name).unwrap();
    first.remove().unwrap();
    assert_eq!(kind(second.remove()), ErrorKind::NotFound);
    let other = removed().create_new(&name, 1).unwrap();
    assert_eq!(kind(third.remove()), ErrorKind::Removed);
    assert!(name.path().exists());
    drop(other);
    assert!(!name.path().exists());
}

#[serial_test]
fn posix_name_survives_drop_without_remove_on_drop() {
    let name = Name::new();
    drop(SharedMemory::create_new(&name, 1).unwrap());
    drop(removed().open(&name).unwrap());
    drop(removed().create(&name, 1).unwrap());
    assert!(name.path().exists(), "only an object created by the call is removed");
    SharedMemory::open(&name).unwrap().remove().unwrap();
    let memory = RefCell::new(Some(removed().create(&name, 1).unwrap()));
    Peer::start(|| drop(memory.take())).join();
    assert!(name.path().exists(), "a forked copy removes nothing");
    drop(memory);
    assert!(!name.path().exists());
    drop(OwnedFd::from(removed().create(&name, 1).unwrap()));
    assert!(name.path().exists(), "extracting the descriptor keeps the name");
    SharedMemory::open(&name).unwrap().remove().unwrap();
}

#[serial_test]
fn posix_grow_keeps_contents_and_shrinking_is_rejected() {
    let name = Name::new();
    let memory = removed().create_new(&name, 10).unwrap();
    let before = memory.map().unwrap();
    before.write_at(0, b"contents").unwrap();
    memory.grow(100_000).unwrap();
    let after = memory.map().unwrap();
    assert_eq!((before.len(), after.len()), (10, 100_000));
    after.write_at(99_999, b"x").unwrap();
    let mut text = [0; 8];
    after.read_at(0, &mut text).unwrap();
    assert_eq!(&text, b"contents");
    let error = memory.grow(99_999).unwrap_err();
    assert_eq!((error.kind(), error.limit().unwrap().value()), (ErrorKind::Invalid, 100_000));
    memory.grow(100_000).unwrap();
    assert_eq!(kind(memory.grow(1 << 62)), ErrorKind::LimitReached);
    assert_eq!(memory.size().unwrap(), 100_000);
}

#[serial_test]
fn posix_object_opened_read_only_cannot_be_mapped_for_writing() {
    let name = Name::new();
    let memory = removed().create_new(&name, 10).unwrap();
    fs::set_permissions(name.path(), fs::Permissions::from_mode(0o400)).unwrap();
    let reader = Options::new().access(Access::ReadOnly).open(&name).unwrap();
    memory.map().unwrap().write_at(0, b"seen").unwrap();
    let error = reader.map().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EACCES)));
    let mut text = [0; 4];
    reader.map_read_only().unwrap().read_at(0, &mut text).unwrap();
    assert_eq!(&text, b"seen");
}

#[serial_test]
fn posix_create_on_full_file_system_names_free_space() -> Outcome {
    namespace::with_own_shm("64k", || {
        let error = SharedMemory::create_new("/large", 65_537).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::ENOSPC)), "{error}");
        let limit = error.limit().unwrap();
        assert_eq!((limit.name(), limit.value(), limit.requested()), ("free space", 65_536, Some(65_537)));
        assert_eq!(kind(SharedMemory::open("/large")), ErrorKind::NotFound);
        let memory = SharedMemory::create_new("/fits", 32_768).unwrap();
        assert_eq!(kind(memory.grow(65_537)), ErrorKind::LimitReached);
        assert_eq!(memory.size().unwrap(), 32_768);
        memory.grow(65_536).unwrap();
        // Every page is allocated, so an access raises no signal.
        memory.map().unwrap().write_at(0, &[1; 65_536]).unwrap();
    })
}

#[serial_test]
fn posix_create_without_tmpfs_is_unsupported() -> Outcome {
    namespace::with_own_shm("64k", || {
        nix::mount::umount("/dev/shm").unwrap();
        nix::mount::mount(None::<&str>, "/dev", Some("ramfs"), nix::mount::MsFlags::empty(), None::<&str>)
            .unwrap();
        assert_eq!(kind(SharedMemory::create_new("/object", 1)), ErrorKind::Unsupported);
    })
}

#[serial_test]
fn posix_create_open_and_map_name_the_process_limit() {
    let name = Name::new();
    let memory = removed().create_new(&name, 1 << 20).unwrap();
    let in_child = |resource, value, test: &dyn Fn() -> ipcraft::Error, limit: &str| {
        Peer::start(|| {
            setrlimit(resource, value, value).unwrap();
            let error = test();
            assert_eq!(error.kind(), ErrorKind::LimitReached, "{error}");
            assert_eq!(error.limit().unwrap().name(), limit);
        })
        .join();
    };
    let other = Name::new();
    let open = || SharedMemory::open(&name).unwrap_err();
    let create = || SharedMemory::create_new(&other, 8192).unwrap_err();
    in_child(Resource::RLIMIT_NOFILE, 3, &open, "RLIMIT_NOFILE");
    in_child(Resource::RLIMIT_NOFILE, 3, &create, "RLIMIT_NOFILE");
    in_child(Resource::RLIMIT_FSIZE, 4096, &create, "RLIMIT_FSIZE");
    in_child(Resource::RLIMIT_AS, 4096, &|| memory.map().unwrap_err(), "RLIMIT_AS");
    let mapping = memory.map().unwrap();
    let lock = || {
        if geteuid().is_root() {
            setuid(Uid::from_raw(UNPRIVILEGED_ID)).unwrap();
        }
        mapping.lock().unwrap_err()
    };
    in_child(Resource::RLIMIT_MEMLOCK, 4096, &lock, "RLIMIT_MEMLOCK");
}

#[serial_test]
fn posix_unlink_removes_an_object_that_open_rejects() {
    let name = Name::new();
    fs::write(name.path(), "").unwrap();
    fs::set_permissions(name.path(), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(kind(SharedMemory::open(&name)), ErrorKind::WrongType);
    SharedMemory::unlink(&name).unwrap();
    assert!(!name.path().exists());
    let error = SharedMemory::unlink(&name).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, "shm_unlink"));
    assert_eq!(error.object(), Some(&*name.text));
    assert_eq!(kind(SharedMemory::unlink("no-slash")), ErrorKind::InvalidName);
}
