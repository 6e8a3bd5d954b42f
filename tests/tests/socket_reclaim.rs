//! Reclaiming a path: only that of a closed socket, and one process at a time.

use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use ipcraft::ErrorKind;
use ipcraft::socket::stream::{Listener, Stream};
use ipcraft::socket::{Options, datagram, seqpacket};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, socket};
use nix::sys::stat::Mode;

fn kind<T>(result: ipcraft::Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

fn reclaiming() -> Options {
    Options::new().reclaim_stale(true)
}

fn entries(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
fn bind_with_reclaim_replaces_a_closed_socket_of_any_type() {
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    drop(Listener::bind(&path).unwrap());
    assert_eq!(kind(Listener::bind(&path)), ErrorKind::InUse);
    drop(reclaiming().listen_seqpacket(&path).unwrap());
    drop(reclaiming().bind_datagram(&path).unwrap());
    let listener = reclaiming().listen_stream(&path).unwrap();
    Stream::connect(&path).unwrap();
    listener.try_accept().unwrap();
    assert_eq!(entries(dir.path()), 1, "no lock file is left");
}

#[test]
fn bind_with_reclaim_to_free_path_succeeds() {
    let dir = ipcraft_tests::scratch::directory();
    let _listener = reclaiming().listen_stream(dir.path().join("socket")).unwrap();
    assert_eq!(kind(reclaiming().listen_stream(dir.path().join("no").join("socket"))), ErrorKind::NotFound);
}

#[test]
fn bind_with_reclaim_below_a_fifo_does_not_block() {
    let dir = ipcraft_tests::scratch::directory();
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let error = reclaiming().listen_stream(fifo.join("socket")).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::NotFound, Some(libc::ENOTDIR)));
}

/// A socket that is bound and does not listen.
fn bound(kind: SockType, path: &Path) -> OwnedFd {
    let fd = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(fd.as_raw_fd(), &UnixAddr::new(path).unwrap()).unwrap();
    fd
}

#[test]
fn bind_with_reclaim_of_live_socket_returns_in_use() {
    let dir = ipcraft_tests::scratch::directory();
    for socket_type in [SockType::Stream, SockType::SeqPacket, SockType::Datagram] {
        let path = dir.path().join(format!("{socket_type:?}"));
        let _live = bound(socket_type, &path);
        assert_eq!(kind(reclaiming().listen_stream(&path)), ErrorKind::InUse);
        assert_eq!(kind(reclaiming().bind_datagram(&path)), ErrorKind::InUse);
        assert!(path.exists());
    }
}

#[test]
fn bind_with_reclaim_leaves_a_live_listener_without_connection() {
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    let listener = Options::new().backlog(0).listen_stream(&path).unwrap();
    let error = reclaiming().listen_stream(&path).unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::InUse, path.to_str()));
    assert_eq!(kind(listener.try_accept()), ErrorKind::Empty);
    // A full queue does not make it stale either.
    let _waiting = Stream::connect(&path).unwrap();
    assert_eq!(kind(reclaiming().listen_stream(&path)), ErrorKind::InUse);
    listener.try_accept().unwrap();
}

#[test]
fn bind_with_reclaim_of_connected_datagram_socket_returns_in_use() {
    let dir = ipcraft_tests::scratch::directory();
    let (here, there) = (dir.path().join("here"), dir.path().join("there"));
    let socket = datagram::Socket::bind(&here).unwrap();
    let _other = datagram::Socket::bind(&there).unwrap();
    socket.connect(&there).unwrap();
    assert_eq!(kind(reclaiming().bind_datagram(&here)), ErrorKind::InUse);
}

#[test]
fn bind_with_reclaim_of_another_file_returns_wrong_type() {
    let dir = ipcraft_tests::scratch::directory();
    let (file, link, dead) = (dir.path().join("file"), dir.path().join("link"), dir.path().join("dead"));
    fs::write(&file, "precious").unwrap();
    drop(seqpacket::Listener::bind(&dead).unwrap());
    std::os::unix::fs::symlink(&dead, &link).unwrap();
    for path in [&file, &link] {
        let error = reclaiming().listen_stream(path).unwrap_err();
        assert_eq!((error.kind(), error.object()), (ErrorKind::WrongType, path.to_str()));
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(link.is_symlink() && dead.exists());
}

#[test]
fn bind_with_reclaim_in_a_race_succeeds_once() {
    const RACERS: usize = 8;
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    drop(Listener::bind(&path).unwrap());
    let barrier = Barrier::new(RACERS);
    let results: Vec<_> = thread::scope(|scope| {
        let race = || {
            barrier.wait();
            reclaiming().listen_stream(&path)
        };
        let racers: Vec<_> = (0..RACERS).map(|_| scope.spawn(race)).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    let (winners, losers): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(winners.len(), 1);
    assert!(losers.into_iter().all(|loser| kind(loser) == ErrorKind::InUse));
    Stream::connect(&path).expect("the winner's socket is the one at the path");
}

#[test]
fn bind_with_reclaim_of_locked_directory_times_out() {
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    let lock = Flock::lock(File::open(dir.path()).unwrap(), FlockArg::LockExclusive).unwrap();
    assert_eq!(kind(reclaiming().listen_stream(&path)), ErrorKind::TimedOut);
    drop(lock);
    reclaiming().listen_stream(&path).unwrap();
}

#[test]
fn drop_removes_the_file_only_with_remove_on_drop() {
    let dir = ipcraft_tests::scratch::directory();
    let (stays, goes) = (dir.path().join("stays"), dir.path().join("goes"));
    let removing = Options::new().remove_on_drop(true);
    drop(Listener::bind(&stays).unwrap());
    drop(removing.listen_seqpacket(&goes).unwrap());
    assert!(stays.exists() && !goes.exists());
    drop(removing.bind_datagram(&goes).unwrap());
    assert!(!goes.exists());
    let taken_over = OwnedFd::from(removing.listen_stream(&goes).unwrap());
    assert!(goes.exists(), "the file that replaced it stays");
    Stream::connect(&goes).unwrap();
    drop(taken_over);
}
