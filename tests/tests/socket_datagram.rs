//! Datagram sockets: the contract and the errno table of `ipcraft::socket`.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::thread;
use std::time::Duration;

use ipcraft::socket::Address;
use ipcraft::socket::datagram::{Socket, pair};
use ipcraft::{ErrorKind, name};
use nix::sys::resource::{UsageWho, getrusage};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn kind<T>(result: ipcraft::Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

fn abstract_address() -> Address {
    Address::abstract_name(name::unique("ipcraft-datagram"))
}

fn fill(socket: &Socket, address: &Address) -> usize {
    (0..).take_while(|_| socket.try_send_to(b"x", address).is_ok()).count()
}

#[test]
fn recv_returns_each_datagram_even_an_empty_one() {
    let (left, right) = pair().unwrap();
    for record in [&b"one"[..], b"", b"three"] {
        left.send(record).unwrap();
    }
    let mut buffer = [0; 16];
    assert_eq!(right.pending_length().unwrap(), 3);
    assert_eq!(right.recv(&mut buffer).unwrap(), 3);
    assert_eq!(right.recv(&mut buffer).unwrap(), 0);
    assert_eq!(right.recv_timeout(&mut buffer, LONG).unwrap(), 5);
    assert_eq!(&buffer[..5], b"three");
    assert_eq!(kind(right.pending_length()), ErrorKind::Empty);
    assert_eq!(kind(right.try_recv(&mut buffer)), ErrorKind::Empty);
    assert_eq!(kind(right.recv_timeout(&mut buffer, SHORT)), ErrorKind::TimedOut);
}

#[test]
fn recv_of_longer_datagram_returns_truncated_and_its_length() {
    let (left, right) = pair().unwrap();
    left.send(&[1; 100]).unwrap();
    left.send(b"next").unwrap();
    let error = right.recv(&mut [0; 10]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    let limit = error.limit().unwrap();
    assert_eq!((limit.value(), limit.requested()), (10, Some(100)));
    assert_eq!(error.transferred(), Some(10));
    assert_eq!(right.recv(&mut [0; 10]).unwrap(), 4);
}

#[test]
fn recv_from_returns_the_address_of_the_sender() {
    let (server, client) = (abstract_address(), abstract_address());
    let receiver = Socket::bind(&server).unwrap();
    let bound = Socket::bind(&client).unwrap();
    bound.send_to(b"request", &server).unwrap();
    let (length, from) = receiver.recv_from(&mut [0; 16]).unwrap();
    assert_eq!((length, &from), (7, &client));
    receiver.send_to(b"reply", &from).unwrap();
    assert_eq!(bound.recv_from_timeout(&mut [0; 16], LONG).unwrap(), (5, server.clone()));

    Socket::unbound().unwrap().send_to_timeout(b"anonymous", &server, LONG).unwrap();
    let (_, from) = receiver.try_recv_from(&mut [0; 16]).unwrap();
    assert!(from.is_unnamed());
}

#[test]
fn bind_to_unnamed_takes_a_free_abstract_name() {
    let socket = Socket::bind(Address::unnamed()).unwrap();
    assert_eq!(socket.local_address().unwrap().as_abstract_name().map(<[u8]>::len), Some(5));
}

#[test]
fn send_to_full_queue_returns_full_times_out_or_wakes() {
    let address = abstract_address();
    let receiver = Socket::bind(&address).unwrap();
    let sender = Socket::unbound().unwrap();
    assert!(fill(&sender, &address) > 0);
    assert_eq!(kind(sender.try_send_to(b"x", &address)), ErrorKind::Full);
    assert_eq!(kind(sender.send_to_timeout(b"x", &address, SHORT)), ErrorKind::TimedOut);
    let connected = Socket::unbound().unwrap();
    connected.connect(&address).unwrap();
    assert_eq!(kind(connected.try_send(b"x")), ErrorKind::Full);
    assert_eq!(kind(connected.send_timeout(b"x", SHORT)), ErrorKind::TimedOut);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(SHORT);
            for _ in 0..2 {
                receiver.recv(&mut [0; 8]).unwrap();
            }
        });
        sender.send_to_timeout(b"x", &address, LONG).unwrap();
        connected.send_timeout(b"x", LONG).unwrap();
    });
}

#[test]
fn send_to_timeout_with_full_queue_sleeps() {
    let address = abstract_address();
    let _receiver = Socket::bind(&address).unwrap();
    let sender = Socket::unbound().unwrap();
    fill(&sender, &address);
    let before = voluntary_switches();
    assert_eq!(kind(sender.send_to_timeout(b"x", &address, SHORT)), ErrorKind::TimedOut);
    assert!(voluntary_switches() > before, "it slept");
}

fn voluntary_switches() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).unwrap().voluntary_context_switches()
}

#[test]
fn send_timeout_with_full_buffer_times_out() {
    let (left, _right) = pair().unwrap();
    while left.try_send(&[0; 1000]).is_ok() {}
    assert_eq!(kind(left.try_send(&[0; 1000])), ErrorKind::Full);
    assert_eq!(kind(left.send_timeout(&[0; 1000], SHORT)), ErrorKind::TimedOut);
}

#[test]
fn send_to_timeout_to_connected_peer_succeeds_after_recv() {
    let (a, b) = (abstract_address(), abstract_address());
    let (left, right) = (Socket::bind(&a).unwrap(), Socket::bind(&b).unwrap());
    right.connect(&a).unwrap();
    while left.try_send_to(&[0; 1000], &b).is_ok() {}
    assert_eq!(kind(left.send_to_timeout(&[0; 1000], &b, SHORT)), ErrorKind::TimedOut);
    let error = Socket::unbound().unwrap().send_to(b"x", &b).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EPERM)));
}

#[test]
fn send_after_peer_closed_returns_disconnected_each_time() {
    let (left, right) = pair().unwrap();
    drop(right);
    let error = left.send(b"x").unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Disconnected, Some(libc::ECONNREFUSED)));
    let error = left.send(b"x").unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Disconnected, Some(libc::ENOTCONN)));
    assert_eq!(kind(left.recv_timeout(&mut [0; 8], SHORT)), ErrorKind::TimedOut);
}

#[test]
fn send_to_without_receiver_names_the_address_and_the_cause() {
    let dir = ipcraft_tests::scratch::directory();
    let address = Address::from(dir.path().join("socket"));
    let socket = Socket::unbound().unwrap();
    assert_eq!(kind(socket.send(b"x")), ErrorKind::NotConnected);
    assert_eq!(kind(socket.send_to(b"x", &address)), ErrorKind::NotFound);
    drop(Socket::bind(&address).unwrap());
    let error = socket.send_to_timeout(b"x", &address, LONG).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Refused, Some(libc::ECONNREFUSED)));
    assert_eq!(error.object(), Some(address.to_string().as_str()));
    assert_eq!(kind(socket.connect(&address)), ErrorKind::Refused);
}

#[test]
fn send_above_the_send_buffer_returns_too_large() {
    let (left, _right) = pair().unwrap();
    let room = left.send_buffer().unwrap();
    let error = left.send(&vec![0; room]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::TooLarge, Some(libc::EMSGSIZE)));
    let limit = error.limit().unwrap();
    assert_eq!((limit.name(), limit.value()), ("SO_SNDBUF", room as u64));
    assert_eq!(limit.requested(), Some(room as u64 + 32));
    left.send(&vec![0; room - 32]).unwrap();
}

#[test]
fn datagram_socket_converts_to_and_from_std() {
    let (left, right) = pair().unwrap();
    let left = UnixDatagram::from(left);
    left.send(b"from std").unwrap();
    assert_eq!(right.recv(&mut [0; 16]).unwrap(), 8);
    let left = Socket::from(OwnedFd::from(left));
    drop(right);
    left.send(b"x").unwrap_err();
    assert_eq!(kind(left.send(b"x")), ErrorKind::Disconnected, "it was connected when it was converted");
}
