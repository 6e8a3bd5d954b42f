use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Command;
use std::time::Duration;

use ipcraft::event::{EventFd, Options};
use ipcraft::process::{CommandExt, Inherit};
use ipcraft::socket::{Ancillary, seqpacket};
use ipcraft::{ErrorKind, Result, pipe};
use ipcraft_tests::peer::Peer;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::{LONG, SHORT, counter, kind_of, nonblocking};

fn is_close_on_exec(fd: impl AsFd) -> bool {
    FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD).unwrap()).contains(FdFlag::FD_CLOEXEC)
}

pub(super) fn close_on_exec() {
    for options in [Options::new(), Options::new().semaphore(true), Options::new().nonblocking(true)] {
        let counter = options.create(0).unwrap();
        assert!(is_close_on_exec(&counter));
        assert!(is_close_on_exec(counter.try_clone().unwrap()));
    }
}

pub(super) fn are_shared_through_fork() {
    let counter = counter();
    let clone = counter.try_clone().unwrap();
    let peer = Peer::start(|| counter.add(1).unwrap());
    peer.join();
    drop(counter);
    assert_eq!(clone.take().unwrap(), 1, "by the clone, and though the child is dead");
}

pub(super) fn are_inherited_by_name() {
    let counter = counter();
    let inherit = Inherit::new().numbered(7, counter.try_clone().unwrap());
    // A program that knows nothing of the library adds 513, in the byte order of the machine.
    let bytes: String = 513_u64.to_ne_bytes().iter().map(|byte| format!("\\{byte:03o}")).collect();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("printf '{bytes}' >&7")]);
    let mut child = shell.spawn_inheriting(inherit).unwrap();
    assert_eq!(counter.take_timeout(LONG).unwrap(), 513);
    assert!(child.wait().unwrap().success());
}

pub(super) fn are_sent_over_sockets() {
    let (ours, theirs) = seqpacket::pair().unwrap();
    let peer = Peer::start(|| {
        let (_, mut received) = theirs.recv_descriptors(&mut [0; 8], 1).unwrap().expect("a message");
        let counter = EventFd::from(received.remove(0));
        assert!(is_close_on_exec(&counter));
        counter.add(6).unwrap();
    });
    let counter = counter();
    ours.send_descriptors(b"counter", &[counter.as_fd()]).unwrap();
    assert_eq!(counter.take_timeout(LONG).unwrap(), 6);
    peer.join();
}

pub(super) fn of_others_are_told() {
    let (reader, writer) = pipe::pipe().unwrap();
    writer.write(b"abc").unwrap();
    let stranger = EventFd::from(OwnedFd::from(reader));
    let error = stranger.take().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::WrongType, None), "{error}");
    writer.write(b"abc").unwrap();
    assert_eq!(kind_of(stranger.try_take()), ErrorKind::WrongType);
    drop(writer);
    assert_eq!(kind_of(stranger.take_timeout(LONG)), ErrorKind::WrongType, "the end of a stream is no count");
    assert_eq!(kind_of(stranger.add(1)), ErrorKind::Other, "EBADF");
    let file = EventFd::from(OwnedFd::from(File::open("/dev/null").unwrap()));
    assert_eq!(kind_of(file.take()), ErrorKind::WrongType);
}

pub(super) fn beyond_the_limit_are_refused() {
    let counter = counter();
    Peer::start(|| {
        let lowest_free = counter.try_clone().unwrap().as_fd().as_raw_fd();
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, lowest_free as u64, hard).unwrap();
        for refused in [EventFd::new(0), counter.try_clone()] {
            let error = refused.unwrap_err();
            assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::EMFILE)));
            assert_eq!(error.limit().unwrap().name(), "RLIMIT_NOFILE");
        }
        assert_eq!(kind_of(counter.try_take()), ErrorKind::Empty, "what is open works on");
    })
    .join();
}

/// As a C program may that shares the description: no call waits that should not, or fails that need not.
pub(super) fn of_c_programs_may_change_flags() {
    let set = |counter: &EventFd, flags| fcntl(counter, FcntlArg::F_SETFL(flags)).map(drop).unwrap();
    let counter = counter();
    set(&counter, OFlag::O_NONBLOCK);
    assert_eq!(kind_of(counter.take()), ErrorKind::Empty);
    assert_eq!(kind_of(counter.take_timeout(SHORT)), ErrorKind::TimedOut);
    let forms: [fn(&EventFd) -> Result<()>; 2] = [|c| c.try_add(1), |c| c.add_timeout(1, Duration::ZERO)];
    for form in forms {
        form(&counter).unwrap();
        assert_eq!(counter.take().unwrap(), 1);
    }
    let counter = nonblocking();
    set(&counter, OFlag::empty());
    assert_eq!(kind_of(counter.try_take()), ErrorKind::Empty);
    assert_eq!(kind_of(counter.try_add(1)), ErrorKind::Unsupported);
}
