//! The file of a socket: long and strange paths, taking a path over, and removal by path.

use std::ffi::OsStr;
use std::fs;
use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::socket::stream::{Listener, Stream};
use ipcraft::socket::{self, Address, Ancillary, Options, Outgoing, datagram, seqpacket};
use ipcraft_tests::scratch;

const LONG: Duration = Duration::from_secs(20);

fn kind<T>(result: ipcraft::Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

fn entries(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A directory whose path alone is longer than the kernel's form.
fn deep(directory: &Path) -> PathBuf {
    let deep = directory.join("d".repeat(100)).join("e".repeat(100));
    fs::create_dir_all(&deep).unwrap();
    deep
}

#[test]
fn bind_and_connect_with_a_long_path_succeed() {
    let dir = scratch::directory();
    let path = deep(dir.path()).join("socket");
    let listener = Options::new().remove_on_drop(true).listen_stream(&path).unwrap();
    assert_eq!(listener.local_address().unwrap(), Address::from(&path));
    assert_eq!(listener.try_clone().unwrap().local_address().unwrap(), Address::from(&path));
    for client in [Stream::connect(&path), Stream::try_connect(&path), Stream::connect_timeout(&path, LONG)] {
        client.unwrap().write(b"hello").unwrap();
        assert_eq!(listener.accept().unwrap().read(&mut [0; 8]).unwrap(), 5);
    }
    assert_eq!(kind(Listener::bind(&path)), ErrorKind::InUse);
    assert_eq!(kind(Options::new().reclaim_stale(true).listen_stream(&path)), ErrorKind::InUse);
    drop(OwnedFd::from(listener));
    assert_eq!(kind(Stream::connect(&path)), ErrorKind::Refused);
    let listener = Options::new().reclaim_stale(true).remove_on_drop(true).listen_seqpacket(&path).unwrap();
    seqpacket::Connection::connect(&path).unwrap();
    drop(listener);
    assert_eq!(entries(path.parent().unwrap()), 0);
    assert_eq!(kind(Stream::connect(&path)), ErrorKind::NotFound);
}

#[test]
fn send_to_with_a_long_path_succeeds_in_every_form() {
    let dir = scratch::directory();
    let address = Address::from(deep(dir.path()).join("socket"));
    let receiver = datagram::Socket::bind(&address).unwrap();
    assert_eq!(receiver.local_address().unwrap(), address);
    let sender = datagram::Socket::unbound().unwrap();
    sender.send_to(b"1", &address).unwrap();
    sender.try_send_to(b"2", &address).unwrap();
    sender.send_to_timeout(b"3", &address, LONG).unwrap();
    sender.send_message(&Outgoing::new(&[IoSlice::new(b"4")]).to(&address)).unwrap();
    sender.connect(&address).unwrap();
    sender.send(b"5").unwrap();
    for expected in b"12345" {
        let mut buffer = [0; 8];
        assert_eq!((receiver.recv(&mut buffer).unwrap(), buffer[0]), (1, *expected));
    }
}

#[test]
fn bind_with_a_long_last_name_returns_invalid_name_and_leaves_nothing() {
    let dir = scratch::directory();
    let path = dir.path().join("n".repeat(200));
    let error = Listener::bind(&path).unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::InvalidName, path.to_str()));
    assert_eq!(error.limit().unwrap().name(), "sun_path");
    assert_eq!(entries(dir.path()), 0);
    // A file that another program moved there is found, whatever the length of its name.
    let short = dir.path().join("short");
    let listener = Listener::bind(&short).unwrap();
    fs::rename(&short, &path).unwrap();
    Stream::connect(&path).unwrap();
    listener.try_accept().unwrap();
}

#[test]
fn bind_and_connect_with_a_path_that_is_not_utf8_succeed() {
    let dir = scratch::directory();
    for length in [2, 60] {
        let path = dir.path().join(OsStr::from_bytes(&b"\xff\xfe".repeat(length / 2)));
        let listener = Options::new().remove_on_drop(true).listen_stream(path.as_os_str()).unwrap();
        assert_eq!(listener.local_address().unwrap().as_path(), Some(&*path));
        Stream::connect(path.clone().into_os_string()).unwrap();
        listener.try_accept().unwrap();
        drop(listener);
        assert!(!path.exists());
    }
}

#[test]
fn bind_with_a_mode_beyond_777_returns_invalid_and_leaves_nothing() {
    let dir = scratch::directory();
    let path = dir.path().join("socket");
    for options in [Options::new().mode(666), Options::new().exact_mode(666)] {
        let error = options.listen_stream(&path).unwrap_err();
        assert_eq!((error.kind(), error.limit().unwrap().requested()), (ErrorKind::Invalid, Some(666)));
        assert_eq!(kind(options.bind_datagram(&path)), ErrorKind::Invalid);
    }
    assert_eq!(entries(dir.path()), 0);
}

#[test]
fn file_of_a_bound_socket_has_only_the_bits_asked_for() {
    let dir = scratch::directory();
    for removes in [false, true] {
        let path = dir.path().join(format!("{removes}"));
        let options = Options::new().mode(0o700).remove_on_drop(removes);
        let _listener = options.listen_stream(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        let path = dir.path().join(format!("{removes}-datagram"));
        let _socket = options.bind_datagram(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
    }
}

#[test]
fn drop_leaves_the_file_of_another_socket_at_the_path() {
    let dir = scratch::directory();
    let path = dir.path().join("socket");
    for _ in 0..100 {
        let listener = Options::new().remove_on_drop(true).listen_stream(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let successor = UnixListener::bind(&path).unwrap();
        drop(listener);
        UnixStream::connect(&path).unwrap();
        drop(successor);
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(entries(dir.path()), 0);
}

#[test]
fn drop_after_the_directory_was_moved_removes_the_file() {
    let dir = scratch::directory();
    let (before, after) = (dir.path().join("before"), dir.path().join("after"));
    fs::create_dir(&before).unwrap();
    let listener = Options::new().remove_on_drop(true).listen_stream(before.join("socket")).unwrap();
    fs::rename(&before, &after).unwrap();
    drop(listener);
    assert_eq!(entries(&after), 0);
}

#[test]
fn take_over_replaces_a_live_listener_without_a_gap() {
    let dir = scratch::directory();
    let path = dir.path().join("socket");
    let options = Options::new().take_over(true).exact_mode(0o666).remove_on_drop(true);
    let mut current = options.listen_stream(&path).unwrap();
    let (stop, connections) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            while !stop.load(Relaxed) {
                if let Err(error) = Stream::connect_timeout(&path, LONG) {
                    panic!("after {} connections: {error}", connections.load(Relaxed));
                }
                connections.fetch_add(1, Relaxed);
            }
        });
        for _ in 0..200 {
            let next = options.listen_stream(&path).unwrap();
            // An attempt that found the former owner ends before that closes.
            let before = connections.load(Relaxed);
            while connections.load(Relaxed) < before + 2 && !client.is_finished() {
                [&current, &next].into_iter().for_each(|listener| while listener.try_accept().is_ok() {});
                thread::yield_now();
            }
            current = next;
            assert_eq!(mode(&path), 0o666);
        }
        stop.store(true, Relaxed);
        client.join().unwrap();
    });
    assert_eq!(current.local_address().unwrap(), Address::from(&path));
    drop(current);
    assert_eq!(entries(dir.path()), 0, "no private name is left");
}

#[test]
fn drop_after_a_take_over_leaves_the_file_of_the_successor() {
    let dir = scratch::directory();
    let path = dir.path().join("socket");
    let first = Options::new().remove_on_drop(true).listen_seqpacket(&path).unwrap();
    let waiting = seqpacket::Connection::connect(&path).unwrap();
    let second = Options::new().take_over(true).remove_on_drop(true).listen_seqpacket(&path).unwrap();
    first.try_accept().unwrap().send(b"still served").unwrap();
    assert_eq!(waiting.recv(&mut [0; 16]).unwrap(), Some(12));
    drop(first);
    let _client = seqpacket::Connection::connect(&path).unwrap();
    second.try_accept().unwrap();
    drop(second);
    assert_eq!(entries(dir.path()), 0);
}

#[test]
fn take_over_of_a_closed_or_long_or_free_path_succeeds() {
    let dir = scratch::directory();
    let deep = deep(dir.path());
    let taking = Options::new().take_over(true);
    for path in [dir.path().join("s"), deep.join("socket")] {
        drop(taking.bind_datagram(&path).unwrap());
        let receiver = taking.bind_datagram(&path).unwrap();
        datagram::Socket::unbound().unwrap().send_to(b"x", &Address::from(&path)).unwrap();
        assert_eq!(receiver.try_recv(&mut [0; 8]).unwrap(), 1);
    }
    assert_eq!(entries(&deep), 1);
}

#[test]
fn take_over_of_another_file_returns_wrong_type_and_leaves_it() {
    let dir = scratch::directory();
    let path = dir.path().join("file");
    fs::write(&path, "precious").unwrap();
    let error = Options::new().take_over(true).listen_stream(&path).unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::WrongType, path.to_str()));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    assert_eq!(entries(dir.path()), 1);
}

#[test]
fn unlink_removes_a_live_or_closed_socket_and_no_other_file() {
    let dir = scratch::directory();
    let (path, file) = (deep(dir.path()).join("socket"), dir.path().join("file"));
    let live = Options::new().exact_mode(0).listen_stream(&path).unwrap();
    socket::unlink(&path).unwrap();
    drop(live);
    drop(Listener::bind(&path).unwrap());
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket());
    socket::unlink(&path).unwrap();
    assert_eq!(kind(socket::unlink(&path)), ErrorKind::NotFound);
    fs::write(&file, "").unwrap();
    let error = socket::unlink(&file).unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::WrongType, file.to_str()));
    assert_eq!(kind(socket::unlink("")), ErrorKind::InvalidName);
    assert_eq!(entries(path.parent().unwrap()), 0);
}
