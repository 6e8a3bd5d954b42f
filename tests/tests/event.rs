//! `EventFd` between processes: counting, blocking, and passing descriptors.

use std::fmt::Debug;
use std::os::fd::{AsFd, AsRawFd};
use std::process::{Command, ExitCode};
use std::time::Duration;

use ipcraft::event::{EventFd, MAX, Options};
use ipcraft::process::{CommandExt, Inherit};
use ipcraft::socket::{Ancillary, seqpacket};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{self, serial_test};
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

fn main() -> ExitCode {
    suite::main()
}

fn counter() -> EventFd {
    EventFd::new(0).expect("an eventfd")
}

fn nonblocking() -> EventFd {
    Options::new().nonblocking(true).create(0).expect("an eventfd")
}

fn kind_of<T: Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("the call should fail").kind()
}

#[serial_test]
fn adds_by_three_processes_are_all_taken() {
    const ADDS: u64 = 5000;
    let counter = counter();
    let adders = [1, 2, 3].map(|amount| {
        let counter = &counter;
        Peer::start(move || (0..ADDS).for_each(|_| counter.add(amount).unwrap()))
    });
    let mut sum = 0;
    while sum < ADDS * (1 + 2 + 3) {
        sum += counter.take_timeout(LONG_TIMEOUT).unwrap();
    }
    adders.into_iter().for_each(Peer::join);
    assert_eq!((sum, kind_of(counter.try_take())), (ADDS * 6, ErrorKind::Empty));
}

#[serial_test]
fn take_of_an_empty_counter_blocks_until_an_add() {
    let counter = counter();
    for take in [
        EventFd::take,
        |c: &EventFd| c.take_timeout(LONG_TIMEOUT),
        |c: &EventFd| c.take_timeout(Duration::MAX),
    ] {
        let peer = Peer::start(|| assert_eq!(take(&counter).unwrap(), 7));
        peer.wait_asleep();
        counter.add(0).unwrap();
        peer.wait_asleep();
        counter.add(7).unwrap();
        peer.join();
    }
}

#[serial_test]
fn add_to_a_full_counter_blocks_until_a_take() {
    let adds: [fn(&EventFd) -> Result<()>; 2] = [|c| c.add(2), |c| c.add_timeout(2, LONG_TIMEOUT)];
    for (counter, add) in [counter(), nonblocking()].into_iter().zip(adds) {
        counter.add(MAX - 1).unwrap();
        let peer = Peer::start(|| add(&counter).unwrap());
        peer.wait_asleep();
        assert_eq!(counter.take().unwrap(), MAX - 1);
        peer.join();
        assert_eq!(counter.take().unwrap(), 2, "the blocked add is not lost");
    }
}

#[serial_test]
fn wait_releases_all_waiters_and_takes_nothing() {
    let counter = counter();
    let error = counter.try_wait().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::WouldBlock, Some(libc::EAGAIN)));
    let waits: [fn(&EventFd) -> Result<()>; 2] = [EventFd::wait, |c| c.wait_timeout(LONG_TIMEOUT)];
    let peers = waits.map(|wait| {
        let counter = &counter;
        Peer::start(move || wait(counter).unwrap())
    });
    peers.iter().for_each(Peer::wait_asleep);
    counter.add(4).unwrap();
    peers.into_iter().for_each(Peer::join);
    counter.try_wait().unwrap();
    assert_eq!(counter.take().unwrap(), 4);
}

#[serial_test]
fn take_timeout_on_a_nonblocking_counter_blocks() {
    let counter = nonblocking();
    assert_eq!(kind_of(counter.take()), ErrorKind::Empty);
    let peer = Peer::start(|| assert_eq!(counter.take_timeout(LONG_TIMEOUT).unwrap(), 9));
    peer.wait_asleep();
    counter.add(9).unwrap();
    peer.join();
}

#[serial_test]
fn counter_is_shared_with_a_forked_child() {
    let counter = counter();
    let clone = counter.try_clone().unwrap();
    let peer = Peer::start(|| counter.add(1).unwrap());
    peer.join();
    drop(counter);
    assert_eq!(clone.take().unwrap(), 1, "the add of the child, which has exited");
}

#[serial_test]
fn counter_is_inherited_by_another_program() {
    let counter = counter();
    let inherit = Inherit::new().numbered(7, counter.try_clone().unwrap());
    // A program without the library adds 513, in the byte order of the machine.
    let bytes: String = 513_u64.to_ne_bytes().iter().map(|byte| format!("\\{byte:03o}")).collect();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("printf '{bytes}' >&7")]);
    let mut child = shell.spawn_inheriting(inherit).unwrap();
    assert_eq!(counter.take_timeout(LONG_TIMEOUT).unwrap(), 513);
    assert!(child.wait().unwrap().success());
}

fn is_close_on_exec(fd: impl AsFd) -> bool {
    FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD).unwrap()).contains(FdFlag::FD_CLOEXEC)
}

#[serial_test]
fn counter_is_sent_over_a_socket() {
    let (ours, theirs) = seqpacket::pair().unwrap();
    let peer = Peer::start(|| {
        let (_, mut received) = theirs.recv_descriptors(&mut [0; 8], 1).unwrap().expect("a message");
        let counter = EventFd::from(received.remove(0));
        assert!(is_close_on_exec(&counter));
        counter.add(6).unwrap();
    });
    let counter = counter();
    ours.send_descriptors(b"counter", &[counter.as_fd()]).unwrap();
    assert_eq!(counter.take_timeout(LONG_TIMEOUT).unwrap(), 6);
    peer.join();
}

#[serial_test]
fn create_beyond_the_descriptor_limit_fails_with_limit_reached() {
    let counter = counter();
    Peer::start(|| {
        let lowest_free = counter.try_clone().unwrap().as_fd().as_raw_fd();
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, lowest_free as u64, hard).unwrap();
        for result in [EventFd::new(0), counter.try_clone()] {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::EMFILE)));
            assert_eq!(error.limit().unwrap().name(), "RLIMIT_NOFILE");
        }
        assert_eq!(kind_of(counter.try_take()), ErrorKind::Empty, "open descriptors still work");
    })
    .join();
}
