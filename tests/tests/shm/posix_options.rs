//! Named objects of other programs: half-made, of any owner, mode or name; and sparse objects.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::thread::sleep;

use ipcraft::ErrorKind;
use ipcraft::shm::posix::{Options, SharedMemory};
use ipcraft_tests::namespace;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use ipcraft_tests::user::{self, UNPRIVILEGED_ID};
use nix::fcntl::OFlag;
use nix::sys::mman::shm_open;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::ftruncate;

use super::{Name, kind};

fn removed() -> Options {
    Options::new().remove_on_drop(true)
}

/// What a C program does first.
fn create_empty(name: &Name) -> std::os::fd::OwnedFd {
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR;
    shm_open(&**name, flags, Mode::S_IRUSR | Mode::S_IWUSR).unwrap()
}

fn mode(name: &Name) -> u32 {
    fs::metadata(name.path()).unwrap().mode() & 0o777
}

#[serial_test]
fn open_timeout_of_an_object_without_size_waits_for_the_size() {
    let name = Name::new();
    let fd = create_empty(&name);
    let creator = Peer::start(|| {
        sleep(SHORT_TIMEOUT);
        ftruncate(&fd, 4096).unwrap();
    });
    assert_eq!(SharedMemory::open_timeout(&name, LONG_TIMEOUT).unwrap().size().unwrap(), 4096);
    creator.join();
}

#[serial_test]
fn empty_object_is_named_as_such_and_unlink_clears_the_name() {
    let name = Name::new();
    let _fd = create_empty(&name);
    let error = SharedMemory::open_timeout(&name, SHORT_TIMEOUT).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::TimedOut, Some(libc::ETIMEDOUT)));
    assert_eq!((error.limit().unwrap().name(), error.limit().unwrap().value()), ("its size", 0), "{error}");
    for error in [SharedMemory::open(&name).unwrap_err(), SharedMemory::create(&name, 10).unwrap_err()] {
        assert_eq!((error.kind(), error.limit().unwrap().value()), (ErrorKind::WrongType, 0));
        assert!(error.to_string().contains("unlink it"), "{error}");
    }
    SharedMemory::unlink(&name).unwrap();
    assert_eq!(removed().create(&name, 10).unwrap().size().unwrap(), 10);
}

#[serial_test]
fn open_of_an_object_below_min_size_names_both_sizes_and_waits_for_growth() {
    let name = Name::new();
    let memory = removed().create_new(&name, 100).unwrap();
    let at_least = Options::new().min_size(5000);
    let error = at_least.open(&name).unwrap_err();
    let limit = error.limit().unwrap();
    assert_eq!((error.kind(), limit.value(), limit.requested()), (ErrorKind::WrongType, 100, Some(5000)));
    let grower = Peer::start(|| {
        sleep(SHORT_TIMEOUT);
        memory.grow(5000).unwrap();
    });
    assert_eq!(at_least.open_timeout(&name, LONG_TIMEOUT).unwrap().size().unwrap(), 5000);
    grower.join();
}

#[serial_test]
fn exact_mode_is_not_cut_by_the_umask_and_decimal_modes_are_refused() {
    let (name, other) = (Name::new(), Name::new());
    let before = umask(Mode::from_bits_truncate(0o077));
    let _exact = removed().exact_mode(0o664).create_new(&name, 1).unwrap();
    umask(before);
    assert_eq!(mode(&name), 0o664);
    Options::new().exact_mode(0o664).open(&name).unwrap();
    for options in [removed().mode(666), removed().exact_mode(666)] {
        let error = options.create_new(&other, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert_eq!(error.object(), Some(&*other.text));
        assert_eq!(kind(options.open(&name)), ErrorKind::Invalid);
    }
    assert!(!other.path().exists());
}

#[serial_test]
fn object_of_any_mode_and_owner_opens_on_request_and_errors_name_what_was_found() -> Outcome {
    if let Some(skipped) = user::skipped_unless_root() {
        return skipped;
    }
    let name = Name::new();
    let _memory = removed().create_new(&name, 1).unwrap();
    fs::set_permissions(name.path(), fs::Permissions::from_mode(0o666)).unwrap();
    let error = SharedMemory::open(&name).unwrap_err();
    assert!(error.to_string().contains("at most 0o600 needed, its mode is 0o666"), "{error}");
    Options::new().any_mode().open(&name).unwrap();
    chown(name.path(), Some(UNPRIVILEGED_ID), None).unwrap();
    let error = Options::new().any_mode().open(&name).unwrap_err();
    assert!(error.to_string().contains("user 0 needed, its owner is user 65534"), "{error}");
    assert_eq!(kind(Options::new().any_owner().open(&name)), ErrorKind::PermissionDenied);
    Options::new().any_owner().any_mode().open(&name).unwrap();
    Outcome::Passed
}

#[serial_test]
fn name_that_is_not_utf8_is_accepted() {
    let prefix = Name::new();
    let bytes = [prefix.as_bytes(), b"-\xff\xfe"].concat();
    let name = OsString::from_vec(bytes.clone());
    let memory = removed().create_new(&name, 10).unwrap();
    assert_eq!(memory.name().as_bytes(), bytes);
    assert!(fs::exists(OsStr::from_bytes(&[b"/dev/shm", &*bytes].concat())).unwrap());
    let opened = SharedMemory::open(&name).unwrap();
    opened.remove().unwrap();
    let error = SharedMemory::open(&name).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains('\u{fffd}'), "{error}");
    assert_eq!(kind(SharedMemory::unlink(&name)), ErrorKind::NotFound);
}

#[serial_test]
fn sparse_object_takes_memory_when_reserved() -> Outcome {
    const SIZE: usize = 1 << 30;
    namespace::with_own_shm("64k", || {
        let memory = Options::new().sparse(true).create_new("/sparse", SIZE).unwrap();
        let blocks = || fs::metadata("/dev/shm/sparse").unwrap().blocks();
        assert_eq!((memory.size().unwrap(), blocks()), (SIZE, 0));
        memory.reserve(SIZE - 16_384, 16_384).unwrap();
        assert_eq!(blocks() * 512, 16_384);
        memory.map().unwrap().write_at(SIZE - 1, b"x").unwrap();
        let error = memory.reserve(0, 65_536).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitReached);
        assert_eq!(error.limit().unwrap().name(), "free space", "{error}");
        let error = memory.map().unwrap().populate().unwrap_err();
        assert!([ErrorKind::LimitReached, ErrorKind::Unsupported].contains(&error.kind()), "{error}");
        assert_eq!(kind(memory.reserve(SIZE, 1)), ErrorKind::Invalid);
        assert_eq!(kind(memory.reserve(0, 0)), ErrorKind::Invalid);
        assert_eq!(memory.size().unwrap(), SIZE);
        assert_eq!(kind(Options::new().sparse(true).create_new("/none", 0)), ErrorKind::Invalid);
        assert_eq!(kind(Options::new().sparse(true).create_new("/none", 1 << 63)), ErrorKind::LimitReached);
    })
}

#[serial_test]
fn remove_with_a_full_descriptor_table_removes_the_name() {
    let (kept, dropped) = (Name::new(), Name::new());
    let opened = SharedMemory::create_new(&kept, 1).unwrap();
    let owned = std::cell::RefCell::new(Some(dropped));
    Peer::start(|| {
        let dropped = owned.take().unwrap();
        let memory = removed().create_new(&dropped, 1).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, 3, 3).unwrap();
        opened.remove().unwrap();
        assert!(!kept.path().exists());
        drop(memory);
        assert!(!dropped.path().exists());
    })
    .join();
}
