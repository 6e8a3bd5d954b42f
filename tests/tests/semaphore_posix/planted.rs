use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use ipcraft::ErrorKind;
use ipcraft::semaphore::posix::{Options, SIZE, Semaphore};
use ipcraft_tests::suite::Outcome;
use nix::sys::stat::Mode;
use nix::unistd::{chown, geteuid, mkfifo};

use super::{file, kind_of, semaphore, unique};

fn refused(name: &str) -> ErrorKind {
    let kind = kind_of(Semaphore::open(name));
    assert_eq!(kind_of(Semaphore::create(name, 1)), kind);
    assert_eq!(kind_of(Semaphore::create_new(name, 1)), ErrorKind::AlreadyExists);
    kind
}

pub(super) fn files_of_other_types_are_refused() {
    let (target, name) = (semaphore(1), unique());
    symlink(file(target.name().unwrap()), file(&name)).unwrap();
    let link = refused(&name);
    fs::remove_file(file(&name)).unwrap();
    fs::create_dir(file(&name)).unwrap();
    let directory = refused(&name);
    fs::remove_dir(file(&name)).unwrap();
    mkfifo(&file(&name), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let fifo = refused(&name);
    fs::remove_file(file(&name)).unwrap();
    assert_eq!([link, directory, fifo], [ErrorKind::WrongType; 3]);
}

pub(super) fn files_that_are_too_short_are_refused() {
    let name = unique();
    for length in [0, 1, SIZE - 1] {
        write(&name, &vec![0xff; length]);
        let kind = refused(&name);
        fs::remove_file(file(&name)).unwrap();
        assert_eq!(kind, ErrorKind::WrongType, "{length} bytes");
    }
}

pub(super) fn files_of_other_content_are_refused() {
    let name = unique();
    for content in [vec![0; SIZE], vec![0xff; 4096]] {
        write(&name, &content);
        let kind = refused(&name);
        fs::remove_file(file(&name)).unwrap();
        assert_eq!(kind, ErrorKind::WrongType);
    }
}

pub(super) fn files_open_to_others_are_refused() {
    let made = semaphore(1);
    let name = made.name().unwrap();
    fs::set_permissions(file(name), fs::Permissions::from_mode(0o660)).unwrap();
    assert_eq!(kind_of(Semaphore::open(name)), ErrorKind::PermissionDenied);
    Options::new().mode(0o660).open(name).unwrap();
}

pub(super) fn files_of_other_users_are_refused() -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may give a file away".into());
    }
    let made = semaphore(1);
    let name = made.name().unwrap();
    chown(&file(name), Some(65534.into()), None).unwrap();
    assert_eq!(kind_of(Semaphore::open(name)), ErrorKind::PermissionDenied);
    Options::new().owner(65534).open(name).unwrap();
    Outcome::Passed
}

fn write(name: &str, content: &[u8]) {
    fs::write(file(name), content).unwrap();
    fs::set_permissions(file(name), fs::Permissions::from_mode(0o600)).unwrap();
}
