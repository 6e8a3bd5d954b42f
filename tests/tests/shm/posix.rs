//! Objects with names: made, found, refused, removed.

use std::cell::RefCell;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::shm::Access;
use ipcraft::shm::posix::{Options, SharedMemory};
use ipcraft_tests::namespace;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::Outcome;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Uid, geteuid, mkfifo, setuid};

use super::{NOBODY, Name, kind, page};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn removed() -> Options {
    Options::new().remove_on_drop(true)
}

pub(super) fn capacity_is_exact_and_all_zero() {
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

pub(super) fn absurd_sizes_are_typed_errors_and_leave_nothing() {
    let name = Name::new();
    assert_eq!(kind(SharedMemory::create_new(&name, 0)), ErrorKind::Invalid);
    for size in [usize::MAX, isize::MAX as usize, 1 << 62] {
        let error = SharedMemory::create_new(&name, size).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitReached, "{error}");
        assert_eq!(error.object(), Some(&*name.text));
    }
    assert_eq!(kind(SharedMemory::open(&name)), ErrorKind::NotFound);
}

pub(super) fn mode_is_0600_unless_set_and_the_umask_is_taken_off() {
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

pub(super) fn descriptors_are_close_on_exec() {
    let name = Name::new();
    let (made, opened) = (removed().create_new(&name, 1).unwrap(), SharedMemory::open(&name).unwrap());
    for memory in [&made, &opened] {
        let flags = fcntl(memory.as_fd(), FcntlArg::F_GETFD).unwrap();
        assert!(FdFlag::from_bits_truncate(flags).contains(FdFlag::FD_CLOEXEC));
    }
}

pub(super) fn create_takes_what_exists_if_it_is_large_enough() {
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

pub(super) fn exactly_one_of_many_racing_creators_wins() {
    let (name, wins) = (Name::new(), Name::new());
    let tally = removed().create_new(&wins, 8).unwrap().map().unwrap();
    let race = || {
        if SharedMemory::create_new(&name, 4096).is_ok() {
            tally.atomic_u64(0).unwrap().fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        // Whoever won: nobody finds it without its size.
        assert_eq!(SharedMemory::open(&name).unwrap().size().unwrap(), 4096);
    };
    let racers: Vec<Peer> = (0..8).map(|_| Peer::start(race)).collect();
    racers.into_iter().for_each(Peer::join);
    assert_eq!(tally.atomic_u64(0).unwrap().load(std::sync::atomic::Ordering::SeqCst), 1);
    SharedMemory::open(&name).unwrap().remove().unwrap();
}

pub(super) fn what_is_no_memory_is_refused() {
    type Plant = fn(&PathBuf);
    let plants: [(&str, Plant); 5] = [
        ("a FIFO", |path| mkfifo(path, Mode::from_bits_truncate(0o600)).unwrap()),
        ("a symbolic link", |path| symlink("/dev/zero", path).unwrap()),
        ("a directory", |path| fs::create_dir(path).unwrap()),
        ("a socket", |path| drop(UnixListener::bind(path).unwrap())),
        ("an empty file", |path| {
            fs::write(path, "").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }),
    ];
    for (what, plant) in plants {
        let name = Name::new();
        plant(&name.path());
        for error in [SharedMemory::open(&name).unwrap_err(), SharedMemory::create(&name, 1).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::WrongType, "{what}: {error}");
        }
        assert_eq!(kind(SharedMemory::create_new(&name, 1)), ErrorKind::AlreadyExists, "{what}");
    }
}

pub(super) fn what_permits_more_than_asked_for_is_refused() {
    let name = Name::new();
    let memory = removed().create_new(&name, 1).unwrap();
    fs::set_permissions(name.path(), fs::Permissions::from_mode(0o622)).unwrap();
    assert_eq!(kind(SharedMemory::open(&name)), ErrorKind::PermissionDenied);
    Options::new().mode(0o666).open(&name).unwrap();
    drop(memory);
}

pub(super) fn somebody_elses_is_refused_unless_asked_for() -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may give files away".into());
    }
    let name = Name::new();
    let _memory = removed().create_new(&name, 1).unwrap();
    chown(name.path(), Some(NOBODY), None).unwrap();
    assert_eq!(kind(SharedMemory::open(&name)), ErrorKind::PermissionDenied);
    Options::new().owner(NOBODY).open(&name).unwrap();
    Outcome::Passed
}

pub(super) fn the_kernel_denies_other_users() -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may become another user".into());
    }
    let name = Name::new();
    let _memory = removed().create_new(&name, 1).unwrap();
    Peer::start(|| {
        setuid(Uid::from_raw(NOBODY)).unwrap();
        let error = SharedMemory::open(&name).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EACCES)));
    })
    .join();
    Outcome::Passed
}

pub(super) fn names_have_a_slash_and_at_most_255_bytes() {
    for bad in ["", "/", "/..", "/a/b", "jobs", "/a\0"] {
        assert_eq!(kind(SharedMemory::create_new(bad, 1)), ErrorKind::InvalidName, "{bad:?}");
        assert_eq!(kind(SharedMemory::open(bad)), ErrorKind::InvalidName, "{bad:?}");
    }
    let longest = Name::padded(255);
    removed().create_new(&longest, 1).unwrap();
    let error = SharedMemory::create_new(&Name::padded(256), 1).unwrap_err();
    assert_eq!((error.kind(), error.limit().unwrap().value()), (ErrorKind::InvalidName, 255));
}

pub(super) fn a_missing_name_is_waited_for() {
    let name = Name::new();
    let error = SharedMemory::open(&name).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::NotFound, Some(libc::ENOENT)));
    assert_eq!(kind(SharedMemory::open_timeout(&name, SHORT)), ErrorKind::TimedOut);
    assert_eq!(kind(SharedMemory::open_timeout(&name, Duration::ZERO)), ErrorKind::TimedOut);
    let peer = Peer::start(|| {
        std::thread::sleep(SHORT);
        drop(SharedMemory::create_new(&name, 77).unwrap());
    });
    let memory = SharedMemory::open_timeout(&name, LONG).unwrap();
    assert_eq!(memory.size().unwrap(), 77);
    peer.join();
    assert_eq!(SharedMemory::open_timeout(&name, Duration::ZERO).unwrap().size().unwrap(), 77);
    memory.remove().unwrap();
}

pub(super) fn memory_outlives_its_name() {
    let name = Name::new();
    let memory = SharedMemory::create_new(&name, 8).unwrap();
    let (first, again) = (memory.map().unwrap(), SharedMemory::open(&name).unwrap());
    memory.remove().unwrap();
    assert_eq!(kind(SharedMemory::open(&name)), ErrorKind::NotFound);
    first.write_at(0, b"old").unwrap();
    let second = removed().create_new(&name, 8).unwrap().map().unwrap();
    let mut text = [1; 3];
    second.read_at(0, &mut text).unwrap();
    assert_eq!(text, [0; 3], "the name leads to another object now");
    again.map().unwrap().read_at(0, &mut text).unwrap();
    assert_eq!(&text, b"old");
}

pub(super) fn removing_takes_only_its_own() {
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

pub(super) fn the_name_stays_unless_removal_was_asked_for() {
    let name = Name::new();
    drop(SharedMemory::create_new(&name, 1).unwrap());
    drop(removed().open(&name).unwrap());
    drop(removed().create(&name, 1).unwrap());
    assert!(name.path().exists(), "only what this call created is removed");
    SharedMemory::open(&name).unwrap().remove().unwrap();
    let memory = RefCell::new(Some(removed().create(&name, 1).unwrap()));
    Peer::start(|| drop(memory.take())).join();
    assert!(name.path().exists(), "a forked copy removes nothing");
    drop(memory);
    assert!(!name.path().exists());
    drop(OwnedFd::from(removed().create(&name, 1).unwrap()));
    assert!(name.path().exists(), "who takes the descriptor keeps the name");
    SharedMemory::open(&name).unwrap().remove().unwrap();
}

pub(super) fn growing_keeps_contents_and_shrinking_is_refused() {
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

pub(super) fn an_object_opened_for_reading_is_not_written() {
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

pub(super) fn a_full_file_system_is_an_error_at_creation() -> Outcome {
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
        // The whole of it is there: no page is missing when it is touched.
        memory.map().unwrap().write_at(0, &[1; 65_536]).unwrap();
    })
}

pub(super) fn without_a_tmpfs_it_is_unsupported() -> Outcome {
    namespace::with_own_shm("64k", || {
        nix::mount::umount("/dev/shm").unwrap();
        nix::mount::mount(None::<&str>, "/dev", Some("ramfs"), nix::mount::MsFlags::empty(), None::<&str>)
            .unwrap();
        assert_eq!(kind(SharedMemory::create_new("/object", 1)), ErrorKind::Unsupported);
    })
}

pub(super) fn limits_of_the_process_are_named() {
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
            setuid(Uid::from_raw(NOBODY)).unwrap();
        }
        mapping.lock().unwrap_err()
    };
    in_child(Resource::RLIMIT_MEMLOCK, 4096, &lock, "RLIMIT_MEMLOCK");
}
