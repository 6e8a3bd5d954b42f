//! Files that are not a semaphore of the caller.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use ipcraft::ErrorKind;
use ipcraft::semaphore::posix::{Options, SIZE, Semaphore};
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::{self, UNPRIVILEGED_ID};
use nix::sys::stat::Mode;
use nix::unistd::{chown, mkfifo};

use super::{file, kind_of, semaphore, unique};

fn rejection(name: &str) -> ErrorKind {
    let kind = kind_of(Semaphore::open(name));
    assert_eq!(kind_of(Semaphore::create(name, 1)), kind);
    assert_eq!(kind_of(Semaphore::create_new(name, 1)), ErrorKind::AlreadyExists);
    kind
}

#[serial_test]
fn open_of_link_directory_or_fifo_returns_wrong_type() {
    let (target, name) = (semaphore(1), unique());
    symlink(file(target.name().unwrap().to_str().unwrap()), file(&name)).unwrap();
    let link = rejection(&name);
    fs::remove_file(file(&name)).unwrap();
    fs::create_dir(file(&name)).unwrap();
    let directory = rejection(&name);
    fs::remove_dir(file(&name)).unwrap();
    mkfifo(&file(&name), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let fifo = rejection(&name);
    fs::remove_file(file(&name)).unwrap();
    assert_eq!([link, directory, fifo], [ErrorKind::WrongType; 3]);
}

#[serial_test]
fn open_of_short_file_returns_wrong_type() {
    let name = unique();
    for length in [0, 1, SIZE - 1] {
        write(&name, &vec![0xff; length]);
        let kind = rejection(&name);
        fs::remove_file(file(&name)).unwrap();
        assert_eq!(kind, ErrorKind::WrongType, "{length} bytes");
    }
}

#[serial_test]
fn open_of_file_without_semaphore_returns_wrong_type() {
    let name = unique();
    for content in [vec![0; SIZE], vec![0xff; 4096]] {
        write(&name, &content);
        let kind = rejection(&name);
        fs::remove_file(file(&name)).unwrap();
        assert_eq!(kind, ErrorKind::WrongType);
    }
}

#[serial_test]
fn open_with_excess_permissions_fails() {
    let made = semaphore(1);
    let name = made.name().unwrap().to_str().unwrap();
    fs::set_permissions(file(name), fs::Permissions::from_mode(0o660)).unwrap();
    assert_eq!(kind_of(Semaphore::open(name)), ErrorKind::PermissionDenied);
    Options::new().mode(0o660).open(name).unwrap();
}

#[serial_test]
fn open_of_another_owner_fails_unless_expected() -> Outcome {
    if let Some(skipped) = user::skipped_unless_root() {
        return skipped;
    }
    let made = semaphore(1);
    let name = made.name().unwrap().to_str().unwrap();
    chown(&file(name), Some(UNPRIVILEGED_ID.into()), None).unwrap();
    assert_eq!(kind_of(Semaphore::open(name)), ErrorKind::PermissionDenied);
    Options::new().owner(UNPRIVILEGED_ID).open(name).unwrap();
    Outcome::Passed
}

fn write(name: &str, content: &[u8]) {
    fs::write(file(name), content).unwrap();
    fs::set_permissions(file(name), fs::Permissions::from_mode(0o600)).unwrap();
}
