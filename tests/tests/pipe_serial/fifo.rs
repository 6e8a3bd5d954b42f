//! FIFOs under a changed umask and a changed limit of descriptors.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ipcraft::ErrorKind;
use ipcraft::fifo::{Fifo, Options};
use ipcraft_tests::scratch;
use ipcraft_tests::suite::serial_test;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let directory = scratch::directory();
    let path = directory.path().join("fifo");
    (directory, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[serial_test]
fn create_new_applies_the_mode_less_the_umask() {
    let (dir, path) = place();
    let before = umask(Mode::from_bits_truncate(0o077));
    Fifo::create_new(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    let masked = dir.path().join("masked");
    Options::new().mode(0o666).create_new(&masked).unwrap();
    assert_eq!(mode(&masked), 0o600);
    umask(Mode::empty());
    let open = dir.path().join("open");
    Options::new().mode(0o622).create_new(&open).unwrap();
    umask(before);
    assert_eq!(mode(&open), 0o622);
}

#[serial_test]
fn open_with_full_descriptor_table_names_the_limit() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let free = File::open("/dev/null").unwrap();
    let next = free.as_raw_fd() as u64;
    setrlimit(Resource::RLIMIT_NOFILE, next + 1, hard).unwrap();
    let error = fifo.try_open_read().unwrap_err();
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    assert_eq!(error.kind(), ErrorKind::LimitReached);
    let limit = error.limit().copied().expect("the limit is named");
    assert_eq!((limit.name(), limit.value()), ("RLIMIT_NOFILE", next + 1));
}
