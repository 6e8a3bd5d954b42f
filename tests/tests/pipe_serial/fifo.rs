//! FIFOs under a changed umask, limit or user, and with a writer in another program.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ipcraft::ErrorKind;
use ipcraft::fifo::{Fifo, Options};
use ipcraft_tests::scratch;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use tempfile::TempDir;

use super::kind_of;

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

#[serial_test]
fn open_without_permission_returns_permission_denied() {
    let (dir, path) = place();
    Fifo::create_new(&path).unwrap();
    if !nix::unistd::geteuid().is_root() {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o200)).unwrap();
        assert_eq!(kind_of(Fifo::open(&path).unwrap().try_open_read()), ErrorKind::PermissionDenied);
        return;
    }
    // Root has every permission, so a child changes its user first: `setpriv` is part of
    // util-linux.
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let status = Command::new("setpriv")
        .args(["--reuid=65534", "--clear-groups"])
        .arg(std::env::current_exe().unwrap())
        .args(["open_as_unprivileged_user_returns_permission_denied", "--exact"])
        .env("IPCRAFT_TEST_FIFO", &path)
        .output();
    match status {
        Ok(output) if output.status.success() => {}
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("setpriv: ") => {
            eprintln!("skipped: setpriv: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stdout)),
        Err(error) => eprintln!("skipped: setpriv: {error}"),
    }
}

#[serial_test]
fn open_as_unprivileged_user_returns_permission_denied() {
    let Some(path) = std::env::var_os("IPCRAFT_TEST_FIFO") else { return };
    let fifo = Fifo::open(&path).unwrap();
    assert_eq!(kind_of(fifo.try_open_read()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(fifo.open_write()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(Fifo::create(Path::new(&path).with_file_name("mine"))), ErrorKind::PermissionDenied);
}

#[serial_test]
fn open_read_timeout_with_shell_writer_reads_its_output() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    let mut shell =
        Command::new("sh").args(["-c", "echo from the shell > \"$0\""]).arg(&path).spawn().unwrap();
    let reader = fifo.open_read_timeout(LONG_TIMEOUT).unwrap();
    let mut text = String::new();
    (&reader).read_to_string(&mut text).unwrap();
    assert_eq!(text, "from the shell\n");
    assert!(shell.wait().unwrap().success());
}
