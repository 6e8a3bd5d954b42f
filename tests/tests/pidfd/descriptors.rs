use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd};

use ipcraft::ErrorKind;
use ipcraft::process::{PidFd, State};
use ipcraft::signal::Signal;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::scratch;
use ipcraft_tests::suite::Outcome;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, setrlimit};

use crate::{as_nobody, idle, kind_of, pidfd_of, reaches};

pub(crate) fn are_duplicates_of_the_same_description() {
    let directory = scratch::directory();
    let path = directory.path().join("file");
    std::fs::write(&path, "0123456789").unwrap();
    let (mut heard, mut tell) = io::pipe().unwrap();
    let (mut go_on, mut go) = io::pipe().unwrap();
    let peer = Peer::start(move || {
        let mut file = File::open(path).unwrap();
        file.seek(SeekFrom::Start(4)).unwrap();
        tell.write_all(&file.as_raw_fd().to_ne_bytes()).unwrap();
        go_on.read_exact(&mut [0]).unwrap();
        assert_eq!(file.stream_position().unwrap(), 7, "one position for both");
    });
    let mut number = [0; 4];
    heard.read_exact(&mut number).unwrap();
    let taken = pidfd_of(&peer).descriptor(i32::from_ne_bytes(number)).unwrap();
    assert_eq!(fcntl(taken.as_fd(), FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
    let mut text = [0; 3];
    File::from(taken).read_exact(&mut text).unwrap();
    assert_eq!(&text, b"456");
    go.write_all(b"x").unwrap();
    peer.join();
}

pub(crate) fn that_are_not_open_are_not_found() {
    let own = PidFd::current().unwrap();
    for number in [1_000_000, -1, i32::MAX] {
        let error = own.descriptor(number).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::NotFound, Some(libc::EBADF)));
        assert_eq!(error.object(), Some(format!("descriptor number {number}").as_str()));
    }
}

pub(crate) fn of_a_process_that_has_ended_are_gone() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    pidfd.send_signal(Signal::KILL).unwrap();
    reaches(&pidfd, State::Zombie);
    assert_eq!(kind_of(pidfd.descriptor(0)), ErrorKind::Disconnected);
    peer.kill();
    assert_eq!(kind_of(pidfd.descriptor(0)), ErrorKind::Disconnected);
}

pub(crate) fn beyond_the_limit_are_refused_by_name() {
    Peer::start(|| {
        let own = PidFd::current().unwrap();
        let next = own.try_clone().unwrap().as_fd().as_raw_fd() as u64;
        setrlimit(Resource::RLIMIT_NOFILE, next, next).unwrap();
        let error = own.descriptor(2).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::EMFILE)));
        assert_eq!(error.limit().unwrap().name(), "RLIMIT_NOFILE");
    })
    .join();
}

pub(crate) fn need_permission() -> Outcome {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    as_nobody(|| {
        let error = pidfd.descriptor(0).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EPERM)));
        assert!(error.to_string().contains("trace"), "{error}");
        // What names the process is no secret.
        assert_eq!(pidfd.pid().unwrap(), peer.id());
    })
}
