//! Stream sockets: the contract and the errno table of `ipcraft::socket`.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use ipcraft::ErrorKind;
use ipcraft::socket::stream::{Listener, Stream, pair};
use ipcraft::socket::{Address, Credentials, Options};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn kind<T>(result: ipcraft::Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

fn is_close_on_exec(fd: impl AsFd) -> bool {
    FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD).unwrap()).contains(FdFlag::FD_CLOEXEC)
}

/// Writes until there is no room, and returns the number of bytes.
fn fill(stream: &Stream) -> usize {
    std::iter::from_fn(|| stream.try_write(&[7; 4096]).ok()).sum()
}

#[test]
fn read_returns_bytes_of_both_directions_in_order() {
    let (left, right) = pair().unwrap();
    left.write_all(b"ping").unwrap();
    assert_eq!(right.available().unwrap(), 4);
    let mut buffer = [0; 2];
    assert_eq!(right.read(&mut buffer).unwrap(), 2);
    assert_eq!(&buffer, b"pi");
    assert_eq!(right.read(&mut buffer).unwrap(), 2);
    assert_eq!(&buffer, b"ng");
    assert_eq!(right.write(b"pong").unwrap(), 4);
    assert_eq!(left.read_timeout(&mut [0; 8], LONG).unwrap(), 4);
}

#[test]
fn transfer_returns_empty_full_or_timed_out() {
    let (left, right) = pair().unwrap();
    assert_eq!(kind(right.try_read(&mut [0; 8])), ErrorKind::Empty);
    assert_eq!(kind(right.read_timeout(&mut [0; 8], SHORT)), ErrorKind::TimedOut);
    assert_eq!(kind(right.read_timeout(&mut [0; 8], Duration::ZERO)), ErrorKind::TimedOut);
    let sent = fill(&left);
    assert_eq!(kind(left.try_write(b"x")), ErrorKind::Full);
    assert_eq!(kind(left.write_timeout(b"x", SHORT)), ErrorKind::TimedOut);
    drop(left);
    let mut all = Vec::new();
    (&right).read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), sent);
}

#[test]
fn write_timeout_on_full_stream_is_woken_by_read() {
    let (left, right) = pair().unwrap();
    fill(&left);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(SHORT);
            let mut buffer = vec![0; 1 << 20];
            while right.try_read(&mut buffer).is_ok() {}
        });
        assert_eq!(left.write_timeout(b"x", LONG).unwrap(), 1);
    });
}

#[test]
fn read_exact_fills_the_buffer_from_several_writes() {
    let (left, right) = pair().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for part in [&b"on"[..], b"e an", b"d two"] {
                left.write(part).unwrap();
                thread::sleep(SHORT);
            }
        });
        let mut buffer = [0; 11];
        right.read_exact(&mut buffer[..4]).unwrap();
        right.read_exact_timeout(&mut buffer[4..], LONG).unwrap();
        assert_eq!(&buffer, b"one and two");
    });
    right.read_exact_timeout(&mut [], Duration::ZERO).unwrap();
}

#[test]
fn read_exact_that_fails_returns_the_bytes_received() {
    let (left, right) = pair().unwrap();
    left.write(b"half").unwrap();
    let mut buffer = [0; 8];
    let error = right.read_exact_timeout(&mut buffer, SHORT).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::TimedOut, Some(4)));
    assert_eq!(&buffer[..4], b"half");
    left.write(b"way").unwrap();
    drop(left);
    let error = right.read_exact(&mut buffer).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::Disconnected, Some(3)));
    let error = right.read_exact(&mut buffer).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::Disconnected, Some(0)));
}

#[test]
fn write_all_sends_more_than_the_buffer_holds() {
    let (left, right) = pair().unwrap();
    let sent: Vec<u8> = (0..3_000_000_u32).map(|number| number as u8).collect();
    thread::scope(|scope| {
        scope.spawn(|| {
            left.write_all(&sent).unwrap();
            left.write_all_timeout(&sent, LONG).unwrap();
        });
        let mut received = vec![0; 2 * sent.len()];
        right.read_exact_timeout(&mut received, LONG).unwrap();
        assert!(received.chunks(sent.len()).all(|half| half == sent));
    });
}

#[test]
fn write_all_that_fails_returns_the_bytes_sent() {
    let (left, right) = pair().unwrap();
    let error = left.write_all_timeout(&vec![1; 1 << 22], SHORT).unwrap_err();
    let sent = error.transferred().unwrap();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(right.available().unwrap(), sent);
    let error = left.write_all_timeout(b"more", Duration::ZERO).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::TimedOut, Some(0)));
    drop(right);
    let error = left.write_all(b"more").unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::Disconnected, Some(0)));
}

#[test]
fn read_with_nonblocking_returns_empty_and_read_timeout_waits() {
    let (left, _right) = pair().unwrap();
    left.set_nonblocking(true).unwrap();
    assert_eq!(kind(left.read(&mut [0; 8])), ErrorKind::Empty);
    assert_eq!(kind(left.read_timeout(&mut [0; 8], SHORT)), ErrorKind::TimedOut);
    fill(&left);
    assert_eq!(kind(left.write(b"x")), ErrorKind::Full);
}

#[test]
fn read_after_peer_closed_returns_end_or_disconnected() {
    let (left, right) = pair().unwrap();
    right.write(b"last words").unwrap();
    drop(right);
    assert_eq!(left.read(&mut [0; 32]).unwrap(), 10);
    assert_eq!(left.read(&mut [0; 32]).unwrap(), 0);
    let error = left.write(b"x").unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Disconnected, Some(libc::EPIPE)));

    let (left, right) = pair().unwrap();
    left.write(b"never read").unwrap();
    drop(right);
    let error = left.read(&mut [0; 32]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Disconnected, Some(libc::ECONNRESET)));
}

#[test]
fn read_before_reset_returns_the_bytes_of_the_peer() {
    let (left, right) = pair().unwrap();
    left.write(b"never read").unwrap();
    right.write(b"last words").unwrap();
    drop(right);
    assert_eq!(left.read(&mut [0; 32]).unwrap(), 10);
    assert_eq!(kind(left.read(&mut [0; 32])), ErrorKind::Disconnected);
    assert_eq!(left.read(&mut [0; 32]).unwrap(), 0);
}

#[test]
fn read_from_adopted_descriptor_of_another_kind_returns_an_error() {
    let file = OwnedFd::from(fs::File::open("/dev/null").unwrap());
    assert_eq!(kind(Stream::from(file).read(&mut [0; 8])), ErrorKind::WrongType);
    let loose = Stream::from(unconnected());
    assert_eq!(kind(loose.write(b"x")), ErrorKind::NotConnected);
    assert_eq!(kind(loose.read(&mut [0; 8])), ErrorKind::Invalid);
}

#[test]
fn listener_try_from_another_descriptor_returns_wrong_type() {
    let file = OwnedFd::from(fs::File::open("/dev/null").unwrap());
    let (stream, _peer) = pair().unwrap();
    let (datagram, _peer) = ipcraft::socket::datagram::pair().unwrap();
    for other in [file, stream.into(), datagram.into()] {
        assert_eq!(kind(Listener::try_from(other)), ErrorKind::WrongType);
    }
}

fn unconnected() -> OwnedFd {
    socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap()
}

#[test]
fn shutdown_write_ends_one_direction() {
    let (left, right) = pair().unwrap();
    left.shutdown(Shutdown::Write).unwrap();
    assert_eq!(right.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(kind(left.write(b"x")), ErrorKind::Disconnected);
    assert_eq!(right.write(b"answer").unwrap(), 6);
    assert_eq!(left.read(&mut [0; 8]).unwrap(), 6);
}

#[test]
fn accept_in_three_forms_returns_the_connection() {
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    let listener = Listener::bind(&path).unwrap();
    assert_eq!(listener.local_address().unwrap(), Address::from(&path));
    assert_eq!(kind(listener.try_accept()), ErrorKind::Empty);
    assert_eq!(kind(listener.accept_timeout(SHORT)), ErrorKind::TimedOut);

    let clients: Vec<_> = (0..3).map(|_| Stream::connect(&path).unwrap()).collect();
    let servers =
        [listener.accept().unwrap(), listener.try_accept().unwrap(), listener.accept_timeout(LONG).unwrap()];
    for (client, server) in clients.iter().zip(&servers) {
        client.write(b"hi").unwrap();
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 2);
        assert_eq!(client.peer_address().unwrap(), Address::from(&path));
        assert!(server.peer_address().unwrap().is_unnamed());
    }
}

#[test]
fn blocked_accept_is_woken_by_connect() {
    let name = Address::abstract_name(ipcraft::name::unique("ipcraft-accept"));
    let listener = Listener::bind(&name).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for digit in [b"1", b"2"] {
                thread::sleep(SHORT);
                Stream::connect(&name).unwrap().write(digit).unwrap();
            }
        });
        for (expected, stream) in [b"1", b"2"].into_iter().zip(listener.incoming()) {
            let mut buffer = [0; 1];
            assert_eq!(stream.unwrap().read(&mut buffer).unwrap(), 1);
            assert_eq!(&buffer, expected);
        }
    });
}

#[test]
fn connect_to_full_queue_returns_full_times_out_or_connects() {
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    let listener = Options::new().backlog(0).listen_stream(&path).unwrap();
    let _first = Stream::try_connect(&path).unwrap();
    let error = Stream::try_connect(&path).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Full, Some(libc::EAGAIN)));
    assert_eq!(kind(Stream::connect_timeout(&path, SHORT)), ErrorKind::TimedOut);
    assert_eq!(kind(Stream::connect_timeout(&path, Duration::ZERO)), ErrorKind::TimedOut);
    let stream = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(SHORT);
            listener.accept().unwrap();
        });
        Stream::connect_timeout(&path, LONG).unwrap()
    });
    let timeout = UnixStream::from(stream).write_timeout().unwrap();
    assert_eq!(timeout, None, "the timeout of the connect does not apply to the stream");
}

#[test]
fn connect_without_listener_names_the_address_and_the_cause() {
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    assert_eq!(kind(Stream::connect(&path)), ErrorKind::NotFound);

    drop(Listener::bind(&path).unwrap());
    let error = Stream::connect(&path).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Refused, Some(libc::ECONNREFUSED)));
    assert_eq!(error.object(), path.to_str());
    let error = Listener::bind(&path).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::InUse, Some(libc::EADDRINUSE)));

    let other = dir.path().join("seqpacket");
    let _listener = Options::new().listen_seqpacket(&other).unwrap();
    let error = Stream::connect(&other).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::WrongType, Some(libc::EPROTOTYPE)));
}

#[test]
fn bind_and_connect_with_invalid_name_return_invalid_name() {
    let dir = ipcraft_tests::scratch::directory();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Listener::bind(file.join("below")).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::NotFound, Some(libc::ENOTDIR)));
    for bad in [String::new(), "a\0b".into()] {
        assert_eq!(kind(Stream::connect(&*bad)), ErrorKind::InvalidName);
        assert_eq!(kind(Listener::bind(bad)), ErrorKind::InvalidName);
    }
}

#[test]
fn bind_accepts_107_bytes_and_local_address_shows_108() {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let base = dir.path().to_str().unwrap();
    let path = format!("{base}/{}", "x".repeat(106 - base.len()));
    assert_eq!(path.len(), 107);
    let _listener = Listener::bind(&path).unwrap();
    Stream::connect(&path).unwrap();

    // The kernel allows one byte more, without room for the final NUL. Other programs may use it.
    let longest = format!("{path}y");
    let fd = unconnected();
    bind_without_nul(&fd, longest.as_bytes());
    assert_eq!(Stream::from(fd).local_address().unwrap().as_path(), Some(Path::new(&longest)));
}

fn bind_without_nul(socket: &OwnedFd, path: &[u8]) {
    let mut address = [0_u8; 110];
    address[..2].copy_from_slice(&(libc::AF_UNIX as u16).to_ne_bytes());
    address[2..].copy_from_slice(path);
    // SAFETY: because the bytes are a `sockaddr_un` of the length given (unix(7)).
    let status = unsafe { libc::bind(socket.as_raw_fd(), address.as_ptr().cast(), 110) };
    assert_eq!(status, 0);
}

#[test]
fn peer_credentials_and_peer_pidfd_name_the_peer() {
    let (left, _right) = pair().unwrap();
    assert_eq!(left.peer_credentials().unwrap(), Credentials::current());
    match left.peer_pidfd() {
        Ok(pidfd) => assert!(is_close_on_exec(&pidfd)),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            eprintln!("skipped: no pidfds of peers before Linux 6.5");
        }
    }
    let loose = Stream::from(unconnected());
    assert_eq!(kind(loose.peer_credentials()), ErrorKind::NotConnected);
    assert_eq!(kind(loose.peer_address()), ErrorKind::NotConnected);
    assert!(matches!(kind(loose.peer_pidfd()), ErrorKind::NotConnected | ErrorKind::Unsupported));
}

#[test]
fn every_created_socket_is_close_on_exec() {
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    let listener = Listener::bind(&path).unwrap();
    let client = Stream::connect(&path).unwrap();
    let server = listener.accept().unwrap();
    let (left, right) = pair().unwrap();
    for fd in [listener.as_fd(), client.as_fd(), server.as_fd(), left.as_fd(), right.as_fd()] {
        assert!(is_close_on_exec(fd));
    }
}

#[test]
fn stream_and_listener_convert_to_and_from_std() {
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    let listener = UnixListener::from(Listener::bind(&path).unwrap());
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(SHORT);
            assert_eq!(Stream::connect(&path).unwrap().read(&mut [0; 32]).unwrap(), 8);
        });
        // The accept blocks again, as std expects.
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"from std").unwrap();
    });

    let listener = Listener::try_from(listener).unwrap();
    assert_eq!(kind(listener.try_accept()), ErrorKind::Invalid);
    assert_eq!(kind(listener.accept_timeout(SHORT)), ErrorKind::Invalid);
    listener.set_nonblocking(true).unwrap();
    assert_eq!(kind(listener.try_accept()), ErrorKind::Empty);
    assert_eq!(kind(listener.accept_timeout(SHORT)), ErrorKind::TimedOut);
    let mut client = UnixStream::connect(&path).unwrap();
    let server = listener.accept().unwrap();
    client.write_all(b"from std").unwrap();
    assert_eq!(server.read(&mut [0; 32]).unwrap(), 8);
    assert!(UnixStream::from(server).peer_addr().unwrap().is_unnamed());
}

fn status_flags(fd: impl AsFd) -> i32 {
    fcntl(fd, FcntlArg::F_GETFL).unwrap()
}

#[test]
fn listener_from_descriptor_leaves_the_shared_file_as_it_is() {
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    let shared = UnixListener::bind(&path).unwrap();
    for nonblocking in [false, true] {
        shared.set_nonblocking(nonblocking).unwrap();
        let before = status_flags(&shared);
        let adopted = Listener::try_from(shared.try_clone().unwrap()).unwrap();
        assert_eq!(status_flags(&shared), before);
        let _client = Stream::connect(&path).unwrap();
        adopted.accept().unwrap();
        drop(adopted.try_clone().unwrap());
        drop(OwnedFd::from(adopted.try_clone().unwrap()));
        let back = OwnedFd::from(adopted);
        assert_eq!(status_flags(&shared), before);
        drop(back);
        assert_eq!(status_flags(&shared), before);
    }
}

#[test]
fn accept_of_adopted_listener_waits_with_and_without_the_flag() {
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    let adopted = Listener::try_from(UnixListener::bind(&path).unwrap()).unwrap();
    for nonblocking in [false, true] {
        adopted.set_nonblocking(nonblocking).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(SHORT);
                Stream::connect(&path).unwrap();
            });
            adopted.accept().unwrap();
        });
    }
    let own = Listener::bind(dir.path().join("own")).unwrap();
    own.set_nonblocking(false).unwrap();
    assert_eq!(kind(own.try_accept()), ErrorKind::Invalid, "it could block");
}

#[test]
fn drop_with_linger_and_unread_data_does_not_wait() {
    let (left, right) = pair().unwrap();
    let linger = libc::linger { l_onoff: 1, l_linger: 1000 };
    nix::sys::socket::setsockopt(&left, nix::sys::socket::sockopt::Linger, &linger).unwrap();
    fill(&left);
    drop(left);
    assert!(right.available().unwrap() > 0);
}

#[test]
fn try_clone_returns_a_second_handle_of_the_connection() {
    let (left, right) = pair().unwrap();
    let clone = left.try_clone().unwrap();
    assert!(is_close_on_exec(&clone));
    drop(left);
    clone.write(b"still here").unwrap();
    assert_eq!(right.read(&mut [0; 16]).unwrap(), 10);
    drop(clone);
    assert_eq!(right.read(&mut [0; 16]).unwrap(), 0);
}

#[test]
fn set_send_buffer_returns_the_doubled_size() {
    let (left, _right) = pair().unwrap();
    assert_eq!(left.set_send_buffer(10_000).unwrap(), 20_000);
    assert_eq!(left.send_buffer().unwrap(), 20_000);
    assert!(left.set_send_buffer(usize::MAX).unwrap() >= 20_000);
}
