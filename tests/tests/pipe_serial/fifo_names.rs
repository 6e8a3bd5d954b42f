//! Removal and permissions of a FIFO under a changed working directory, umask, limit or process.

use std::env;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ipcraft::error::{ErrorKind, Limit};
use ipcraft::fifo::{Fifo, Options};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::scratch;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::{drop_privileges, skipped_unless_root};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::chroot;

use super::kind_of;

fn removed_on_drop() -> Options {
    Options::new().remove_on_drop(true)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().count() == 0
}

/// Lets the process open no further descriptor.
fn exhaust_descriptors() {
    let next = File::open("/dev/null").unwrap().as_raw_fd() as u64;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, next, hard).unwrap();
}

#[serial_test]
fn drop_with_a_full_descriptor_table_removes_the_name() {
    let dir = scratch::directory();
    Peer::start(|| {
        let fifo = removed_on_drop().create_new(dir.path().join("fifo")).unwrap();
        let explicitly = Fifo::create_new(dir.path().join("explicitly")).unwrap();
        exhaust_descriptors();
        explicitly.remove().unwrap();
        drop(fifo);
    })
    .join();
    assert!(is_empty(dir.path()));
}

#[serial_test]
fn create_with_a_full_descriptor_table_names_the_limit_and_leaves_nothing() {
    let dir = scratch::directory();
    Peer::start(|| {
        // With 0, 1 and 2 free numbers: the directory and the file each need one.
        for free in 0..2 {
            let _fillers: Vec<File> = Vec::new();
            let next = File::open("/dev/null").unwrap().as_raw_fd() as u64;
            let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
            setrlimit(Resource::RLIMIT_NOFILE, next + free, hard).unwrap();
            let error = removed_on_drop().exact_mode(0o600).create(dir.path().join("fifo")).unwrap_err();
            setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
            assert_eq!(error.limit().map(Limit::name), Some("RLIMIT_NOFILE"), "{error}");
            assert!(error.object().is_some(), "{error}");
        }
    })
    .join();
    assert!(is_empty(dir.path()));
}

#[serial_test]
fn try_write_with_a_full_descriptor_table_names_the_limit() {
    let dir = scratch::directory();
    let fifo = removed_on_drop().create_new(dir.path().join("fifo")).unwrap();
    let (reader, writer) = (fifo.try_open_read().unwrap(), fifo.try_open_write().unwrap());
    Peer::start(|| {
        exhaust_descriptors();
        assert_eq!(kind_of(reader.try_read(&mut [0; 8])), ErrorKind::Empty, "it needs none");
        let error = writer.try_write(b"x").unwrap_err();
        assert_eq!((error.kind(), error.object()), (ErrorKind::LimitReached, fifo.path().to_str()));
        assert_eq!(error.limit().map(Limit::name), Some("RLIMIT_NOFILE"), "{error}");
        assert_eq!(writer.write(b"x").unwrap(), 1);
    })
    .join();
}

#[serial_test]
fn drop_after_the_working_directory_or_the_root_changed_removes_the_name() -> Outcome {
    if let Some(skipped) = skipped_unless_root() {
        return skipped;
    }
    let dir = scratch::directory();
    let changes: [fn(); 2] = [|| env::set_current_dir("/").unwrap(), || chroot("/sys").unwrap()];
    for change in changes {
        Peer::start(|| {
            env::set_current_dir(dir.path()).unwrap();
            let (fifo, other) = (removed_on_drop().create_new("fifo"), Fifo::create_new("other"));
            change();
            other.unwrap().remove().unwrap();
            drop(fifo.unwrap());
        })
        .join();
        assert!(is_empty(dir.path()));
    }
    Outcome::Passed
}

#[serial_test]
fn drop_in_a_forked_child_leaves_the_name() {
    let dir = scratch::directory();
    let path = dir.path().join("fifo");
    let mut fifo = Some(removed_on_drop().create_new(&path).unwrap());
    Peer::start(|| drop(fifo.take())).join();
    assert!(path.exists());
    drop(fifo);
    assert!(!path.exists());
}

#[serial_test]
fn create_new_with_exact_mode_ignores_the_umask() {
    let dir = scratch::directory();
    let before = umask(Mode::from_bits_truncate(0o077));
    let made = [0o666, 0o620, 0o000, 0o777].map(|bits| {
        let path = dir.path().join(format!("{bits:o}"));
        Options::new().exact_mode(bits).create(&path).map(|_| (bits, mode(&path)))
    });
    umask(before);
    for result in made {
        let (wanted, found) = result.unwrap();
        assert_eq!(wanted, found);
    }
}

#[serial_test]
fn create_of_an_existing_fifo_needs_no_right_to_its_directory() -> Outcome {
    if let Some(skipped) = skipped_unless_root() {
        return skipped;
    }
    let dir = scratch::directory();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = dir.path().join("fifo");
    Options::new().exact_mode(0o666).create_new(&path).unwrap();
    Peer::start(|| {
        drop_privileges();
        let fifo = removed_on_drop().create(&path).unwrap();
        assert!(!fifo.removes_on_drop(), "it existed");
        fifo.try_open_read().unwrap();
        assert_eq!(kind_of(fifo.remove()), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(Fifo::unlink(&path)), ErrorKind::PermissionDenied);
    })
    .join();
    assert!(path.exists());
    Outcome::Passed
}
