//! The name of a FIFO: which file it leads to, its removal, and the permissions.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use ipcraft::ErrorKind;
use ipcraft::fifo::{Fifo, Options};

use crate::{kind, opened, place};

/// The number of names in the directory of a path.
fn names(path: &std::path::Path) -> usize {
    fs::read_dir(path.parent().unwrap()).unwrap().count()
}

#[test]
fn drop_after_another_fifo_took_the_name_leaves_that_one() {
    let (_dir, path) = place();
    // Many file systems give a freed inode number to the next file.
    for _ in 0..100 {
        let first = Options::new().remove_on_drop(true).create_new(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let _second = Fifo::create_new(&path).unwrap();
        drop(first);
        assert!(path.exists(), "the second FIFO is not the handle's");
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(names(&path), 0);
}

#[test]
fn remove_after_another_fifo_took_the_name_returns_removed() {
    let (_dir, path) = place();
    let made = Fifo::create_new(&path).unwrap();
    let found = Fifo::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    Fifo::create_new(&path).unwrap();
    for handle in [made, found] {
        let error = handle.remove().unwrap_err();
        assert_eq!((error.kind(), error.object()), (ErrorKind::Removed, path.to_str()), "{error}");
    }
    assert!(path.exists());
    Fifo::unlink(&path).unwrap();
    assert_eq!(names(&path), 0);
}

#[test]
fn create_new_that_fails_leaves_nothing() {
    let (_dir, path) = place();
    let _first = Fifo::create_new(&path).unwrap();
    for options in [Options::new(), Options::new().remove_on_drop(true).exact_mode(0o600)] {
        assert_eq!(kind(options.create_new(&path)), ErrorKind::AlreadyExists);
        assert_eq!(names(&path), 1, "the first FIFO");
    }
}

#[test]
fn create_while_the_name_is_removed_again_and_again_succeeds() {
    const ROUNDS: usize = 3000;
    let (_dir, path) = place();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                let _ = fs::remove_file(&path);
            }
        });
        let creating = || (0..ROUNDS).try_for_each(|_| Fifo::create(&path).map(drop));
        let creators = [scope.spawn(creating), scope.spawn(creating)];
        let results = creators.map(|creator| creator.join().unwrap());
        done.store(true, Relaxed);
        results.into_iter().for_each(Result::unwrap);
    });
}

#[test]
fn create_where_a_link_leads_nowhere_returns_wrong_type() {
    let (dir, path) = place();
    symlink(dir.path().join("nowhere"), &path).unwrap();
    assert_eq!(kind(Fifo::create(&path)), ErrorKind::WrongType);
    assert_eq!(kind(Fifo::create_new(&path)), ErrorKind::AlreadyExists);
    assert_eq!(kind(Fifo::open(&path)), ErrorKind::NotFound);
    assert_eq!(names(&path), 1);
}

#[test]
fn remove_of_a_fifo_opened_by_a_link_removes_the_link() {
    let (dir, path) = place();
    let link = dir.path().join("link");
    Fifo::create_new(&path).unwrap();
    symlink(&path, &link).unwrap();
    Fifo::open(&link).unwrap().remove().unwrap();
    assert!(path.exists() && !link.is_symlink());
}

#[test]
fn unlink_removes_a_fifo_and_nothing_else() {
    let (dir, path) = place();
    assert_eq!(kind(Fifo::unlink(&path)), ErrorKind::NotFound);
    assert_eq!(kind(Fifo::unlink(dir.path())), ErrorKind::WrongType);
    fs::write(&path, "a file").unwrap();
    assert_eq!(kind(Fifo::unlink(&path)), ErrorKind::WrongType);
    assert!(path.exists());
    fs::remove_file(&path).unwrap();
    Options::new().mode(0).create_new(&path).unwrap();
    Fifo::unlink(&path).unwrap();
    assert_eq!(names(&path), 0);
}

#[test]
fn create_with_bits_beyond_0o777_returns_invalid() {
    let (_dir, path) = place();
    for options in [Options::new().mode(666), Options::new().exact_mode(0o1600)] {
        for error in [options.create_new(&path).unwrap_err(), options.create(&path).unwrap_err()] {
            assert_eq!((error.kind(), error.object()), (ErrorKind::Invalid, path.to_str()));
            assert!(error.to_string().ends_with("write the mode in octal, such as 0o660"), "{error}");
        }
    }
    assert_eq!(names(&path), 0);
}

#[test]
fn name_that_is_not_utf8_works_in_every_call() {
    let (dir, _) = place();
    let path = dir.path().join(OsStr::from_bytes(b"f\xFF\xFEo"));
    let fifo = Options::new().remove_on_drop(true).create_new(&path).unwrap();
    let (reader, writer) = opened(&Fifo::open(&path).unwrap());
    writer.write_all(b"through").unwrap();
    reader.read_exact(&mut [0; 7]).unwrap();
    assert_eq!(fifo.path(), path);
    drop(fifo);
    assert_eq!(names(&path), 0);
    Fifo::create(&path).unwrap();
    Fifo::unlink(&path).unwrap();
    assert_eq!(names(&path), 0);
}

#[test]
fn create_with_a_name_of_the_greatest_length_succeeds() {
    let (dir, _) = place();
    let path = dir.path().join("n".repeat(255));
    drop(Options::new().remove_on_drop(true).exact_mode(0o640).create_new(&path).unwrap());
    assert_eq!(names(&path), 0);
}
