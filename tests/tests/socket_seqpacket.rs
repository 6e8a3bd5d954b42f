//! Seqpacket sockets: the contract and the errno table of `ipcraft::socket`.

use std::io::IoSliceMut;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use ipcraft::socket::seqpacket::{Connection, Listener, pair};
use ipcraft::socket::{Address, Ancillary, Records};
use ipcraft::{ErrorKind, name};
use ipcraft_tests::time::patience;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, send, socketpair};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn kind<T>(result: ipcraft::Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

fn abstract_address() -> Address {
    Address::abstract_name(name::unique("ipcraft-seqpacket"))
}

/// Receives an empty record, one of three bytes, and the end.
fn assert_empty_record_differs_from_end(receiver: &Connection) {
    let mut buffer = [0; 16];
    assert_eq!(receiver.pending_length().unwrap(), Some(0));
    assert_eq!(receiver.recv(&mut buffer).unwrap(), Some(0));
    assert_eq!(receiver.try_recv(&mut buffer).unwrap(), Some(3));
    assert_eq!(receiver.recv_timeout(&mut buffer, LONG).unwrap(), None);
    assert_eq!(receiver.pending_length().unwrap(), None);
    assert_eq!(receiver.recv(&mut buffer).unwrap(), None, "the end is final");
}

#[test]
fn recv_distinguishes_empty_record_from_end() {
    let (left, right) = pair().unwrap();
    left.send(b"").unwrap();
    left.try_send(b"abc").unwrap();
    drop(left);
    assert_empty_record_differs_from_end(&right);

    let (left, right) = pair().unwrap();
    left.send(b"").unwrap();
    left.send_timeout(b"abc", LONG).unwrap();
    left.shutdown(Shutdown::Write).unwrap();
    assert_empty_record_differs_from_end(&right);
}

#[test]
fn recv_after_try_from_distinguishes_empty_record_from_end() {
    let (left, right) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap();
    for record in [&b""[..], b"abc"] {
        send(left.as_raw_fd(), record, MsgFlags::empty()).unwrap();
    }
    drop(left);
    assert_empty_record_differs_from_end(&Connection::try_from(right).unwrap());
}

#[test]
fn connection_try_from_another_descriptor_returns_wrong_type() {
    let file = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    let (stream, _peer) = ipcraft::socket::stream::pair().unwrap();
    for other in [file, stream.into()] {
        assert_eq!(kind(Connection::try_from(other)), ErrorKind::WrongType);
    }
    let (connection, _peer) = pair().unwrap();
    assert_eq!(kind(Listener::try_from(OwnedFd::from(connection))), ErrorKind::WrongType);
}

#[test]
fn recv_after_accept_distinguishes_empty_record_from_end() {
    let name = abstract_address();
    let listener = Listener::bind(&name).unwrap();
    assert_eq!(kind(listener.try_accept()), ErrorKind::Empty);
    assert_eq!(kind(listener.accept_timeout(SHORT)), ErrorKind::TimedOut);
    for _ in 0..3 {
        let client = Connection::connect_timeout(&name, LONG).unwrap();
        client.send(b"").unwrap();
        client.send(b"abc").unwrap();
    }
    assert_empty_record_differs_from_end(&listener.accept().unwrap());
    assert_empty_record_differs_from_end(&listener.try_accept().unwrap());
    let adopted = Listener::try_from(OwnedFd::from(listener)).unwrap();
    assert_eq!(kind(adopted.accept_timeout(SHORT)), ErrorKind::Invalid, "the open file blocks");
    adopted.set_nonblocking(true).unwrap();
    assert_empty_record_differs_from_end(&adopted.accept_timeout(LONG).unwrap());

    let client = Connection::try_connect(&name).unwrap();
    let server = adopted.accept().unwrap();
    server.send(b"").unwrap();
    server.send(b"abc").unwrap();
    drop(server);
    assert_empty_record_differs_from_end(&client);
}

#[test]
fn recv_of_longer_record_returns_truncated_and_its_length() {
    let (left, right) = pair().unwrap();
    left.send(&[1; 100]).unwrap();
    left.send(b"next").unwrap();
    let error = right.recv(&mut [0; 10]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    let limit = error.limit().unwrap();
    assert_eq!((limit.value(), limit.requested()), (10, Some(100)));
    assert_eq!(error.transferred(), Some(10));
    assert_eq!(right.recv(&mut [0; 10]).unwrap(), Some(4));
}

#[test]
fn transfer_returns_empty_full_timed_out_or_too_large() {
    let (left, right) = pair().unwrap();
    assert_eq!(kind(right.try_recv(&mut [0; 8])), ErrorKind::Empty);
    assert_eq!(kind(right.recv_timeout(&mut [0; 8], SHORT)), ErrorKind::TimedOut);
    assert_eq!(kind(right.pending_length()), ErrorKind::Empty);
    while left.try_send(&[0; 1000]).is_ok() {}
    assert_eq!(kind(left.try_send(&[0; 1000])), ErrorKind::Full);
    assert_eq!(kind(left.send_timeout(&[0; 1000], SHORT)), ErrorKind::TimedOut);
    let error = left.send(&[0; 1 << 20]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::TooLarge, Some(libc::EMSGSIZE)));
    assert_eq!(error.limit().unwrap().name(), "SO_SNDBUF");
}

#[test]
fn recv_after_peer_closed_returns_end_or_disconnected() {
    let (left, right) = pair().unwrap();
    drop(right);
    let error = left.send(b"x").unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Disconnected, Some(libc::EPIPE)));
    assert_eq!(left.recv(&mut [0; 8]).unwrap(), None);

    let (left, right) = pair().unwrap();
    left.send(b"never received").unwrap();
    drop(right);
    let error = left.recv(&mut [0; 8]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Disconnected, Some(libc::ECONNRESET)));
}

#[test]
fn recv_after_reset_returns_the_records_of_the_peer() {
    let (left, right) = pair().unwrap();
    left.send(b"never received").unwrap();
    right.send(b"last bytes").unwrap();
    drop(right);
    assert_eq!(kind(left.recv(&mut [0; 16])), ErrorKind::Disconnected);
    assert_eq!(left.recv(&mut [0; 16]).unwrap(), Some(10));
    assert_eq!(left.recv(&mut [0; 16]).unwrap(), None);

    let (left, right) = pair().unwrap();
    left.send(b"never received").unwrap();
    drop(right);
    let error = left.send(b"x").unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Disconnected, Some(libc::ECONNRESET)));
}

#[test]
fn recv_on_unaccepted_connection_returns_disconnected() {
    let name = abstract_address();
    let listener = Listener::bind(&name).unwrap();
    let client = Connection::connect(&name).unwrap();
    drop(listener);
    assert_eq!(kind(client.recv(&mut [0; 8])), ErrorKind::Disconnected);
    assert_eq!(kind(Connection::connect(&name)), ErrorKind::Refused);
}

#[test]
fn send_from_unnamed_end_binds_an_abstract_name() {
    let (left, right) = pair().unwrap();
    assert!(left.local_address().unwrap().is_unnamed());
    left.send(b"x").unwrap();
    assert_eq!(left.local_address().unwrap().as_abstract_name().map(<[u8]>::len), Some(5));
    assert!(right.local_address().unwrap().is_unnamed());
}

/// Receives from many peers that each send one record and close immediately. `receive` does not
/// block, and returns the length of the record, or `None` at the end of the stream.
fn receive_from_peers_that_close_after_sending(
    receive: impl Fn(&Connection) -> ipcraft::Result<Option<usize>>,
) {
    let (hand_over, peers) = sync_channel::<Connection>(0);
    let hasty = thread::spawn(move || peers.into_iter().try_for_each(|peer| peer.send(b"last bytes")));
    for _ in 0..5_000 / patience() {
        let (ours, theirs) = pair().unwrap();
        hand_over.send(theirs).unwrap();
        let received = loop {
            match receive(&ours) {
                Err(nothing) if nothing.kind() == ErrorKind::Empty => {}
                received => break received,
            }
        };
        assert_eq!(received.unwrap(), Some(10));
    }
    drop(hand_over);
    hasty.join().unwrap().unwrap();
}

/// The kernel checks for a record first and for a closed peer afterwards. If the peer sends and
/// closes in between, it reports the end.
#[test]
fn recv_returns_the_last_record_before_the_end() {
    receive_from_peers_that_close_after_sending(|ours| ours.try_recv(&mut [0; 16]));
    receive_from_peers_that_close_after_sending(Connection::pending_length);
    receive_from_peers_that_close_after_sending(|ours| {
        Ok(ours.try_recv_descriptors(&mut [0; 16], 0)?.map(|(length, _)| length))
    });
}

#[test]
fn recv_many_returns_the_last_record_before_the_end() {
    for buffers in [1, 3] {
        receive_from_peers_that_close_after_sending(|ours| {
            let mut memory = [[0; 16]; 3];
            let mut buffers: Vec<_> =
                memory[..buffers].iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
            let batch = ours.try_recv_many(&mut buffers)?;
            let lengths: Result<Vec<_>, _> =
                batch.records(&buffers).map(|record| Ok(record?.len())).collect();
            assert_eq!(batch.len(), lengths.as_ref().map_or(0, Vec::len));
            lengths.map(|lengths| lengths.first().copied())
        });
    }
}
