//! Signals that interrupt a socket call never show: it goes on with the time that is left.

use std::thread;
use std::time::{Duration, Instant};

use ipcraft::socket::datagram::Socket;
use ipcraft::socket::seqpacket::{self, Connection};
use ipcraft::socket::stream::Stream;
use ipcraft::socket::{Address, Options, Records};
use ipcraft::{ErrorKind, name};
use ipcraft_tests::storm::Storm;

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(20);

fn abstract_address() -> Address {
    Address::abstract_name(name::unique("ipcraft-signals"))
}

/// Runs `call` in a storm and expects that it was hit.
fn in_a_storm<T>(call: impl FnOnce() -> T) -> T {
    let storm = Storm::start();
    let result = call();
    assert!(storm.caught() > 0, "the call was over before the first signal");
    result
}

fn assert_times_out<T>(call: impl FnOnce(Duration) -> ipcraft::Result<T>) {
    let start = Instant::now();
    let result = in_a_storm(|| call(SHORT));
    assert_eq!(result.err().expect("a timeout").kind(), ErrorKind::TimedOut);
    assert!(start.elapsed() >= SHORT);
}

#[test]
fn a_connect_that_is_interrupted_goes_on() {
    let address = abstract_address();
    let listener = Options::new().backlog(0).listen_stream(&address).unwrap();
    let _first = Stream::connect(&address).unwrap();
    assert_times_out(|timeout| Stream::connect_timeout(&address, timeout));
    let connects: [fn(&Address) -> ipcraft::Result<Stream>; 2] =
        [|address| Stream::connect(address), |address| Stream::connect_timeout(address, LONG)];
    for connect in connects {
        // Makes the queue full, if it is not.
        let _waiting = Stream::try_connect(&address);
        let client = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(SHORT);
                listener.accept().unwrap();
            });
            in_a_storm(|| connect(&address)).unwrap()
        });
        // One connection, not one for each attempt.
        let server = listener.try_accept().unwrap();
        client.write(b"x").unwrap();
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 1);
        assert_eq!(listener.try_accept().unwrap_err().kind(), ErrorKind::Empty);
    }
}

#[test]
fn an_accept_that_is_interrupted_goes_on() {
    let address = abstract_address();
    let listener = seqpacket::Listener::bind(&address).unwrap();
    assert_times_out(|timeout| listener.accept_timeout(timeout));
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(SHORT);
            Connection::connect(&address).unwrap();
        });
        in_a_storm(|| listener.accept()).unwrap();
    });
}

#[test]
fn a_receive_that_is_interrupted_goes_on() {
    let (left, right) = seqpacket::pair().unwrap();
    assert_times_out(|timeout| right.recv_timeout(&mut [0; 8], timeout));
    assert_times_out(|timeout| {
        right.recv_many_timeout(&mut [std::io::IoSliceMut::new(&mut [0; 8])], timeout)
    });
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(SHORT);
            left.send(b"x").unwrap();
        });
        assert_eq!(in_a_storm(|| right.recv(&mut [0; 8])).unwrap(), Some(1));
    });
}

#[test]
fn a_timed_send_that_is_interrupted_goes_on() {
    let address = abstract_address();
    let receiver = Socket::bind(&address).unwrap();
    let sender = Socket::unbound().unwrap();
    while sender.try_send_to(b"x", &address).is_ok() {}
    assert_times_out(|timeout| sender.send_to_timeout(b"x", &address, timeout));
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(SHORT);
            receiver.recv(&mut [0; 8]).unwrap();
        });
        in_a_storm(|| sender.send_to(b"x", &address)).unwrap();
    });
}
