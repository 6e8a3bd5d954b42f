//! Opening and converting pidfds.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use ipcraft::process::{PidFd, State};
use ipcraft::socket::stream;
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, setrlimit};

use crate::{idle, kind_of, pidfd_of, wait_for_state};

#[serial_test]
fn open_of_reaped_process_returns_not_found() {
    let mut child = Command::new("true").spawn().unwrap();
    let pid = Pid::from(&child);
    child.wait().unwrap();
    let error = PidFd::open(pid).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::NotFound, Some(libc::ESRCH)));
    assert_eq!(error.object(), Some(pid.to_string().as_str()));
    let unused = Pid::try_from(i32::MAX).unwrap();
    assert_eq!(kind_of(PidFd::open(unused)), ErrorKind::NotFound);
}

#[serial_test]
fn open_of_thread_returns_invalid() {
    let (id_sender, id_receiver) = mpsc::channel();
    let (hold, held) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        id_sender.send(ipcraft::signal::thread_id()).unwrap();
        let _ = held.recv();
    });
    assert_eq!(kind_of(PidFd::open(id_receiver.recv().unwrap())), ErrorKind::Invalid);
    drop(hold);
    thread.join().unwrap();
}

#[serial_test]
fn for_child_after_wait_returns_not_found() {
    let mut child = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
    let running = PidFd::for_child(&child).unwrap();
    assert_eq!(running.pid().unwrap(), Pid::from(&child));
    drop(child.stdin.take());
    wait_for_state(&running, State::Zombie);
    let ended = PidFd::for_child(&child).unwrap();
    assert!(ended.has_ended().unwrap());
    assert!(child.wait().unwrap().success());
    assert_eq!(kind_of(PidFd::for_child(&child)), ErrorKind::NotFound);
    assert_eq!(kind_of(ended.pid()), ErrorKind::Disconnected);
}

#[serial_test]
fn pidfds_and_their_duplicates_are_close_on_exec() {
    let pidfd = PidFd::current().unwrap();
    for fd in [pidfd.as_fd(), pidfd.try_clone().unwrap().as_fd(), pidfd.descriptor(2).unwrap().as_fd()] {
        assert_eq!(fcntl(fd, FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
    }
}

#[serial_test]
fn peer_pidfd_of_own_socket_refers_to_this_process() {
    let own = PidFd::current().unwrap();
    assert_eq!(own.pid().unwrap(), Pid::current());
    assert!(!own.has_ended().unwrap());
    let (one, _other) = stream::pair().unwrap();
    match one.peer_pidfd() {
        Ok(fd) => assert_eq!(PidFd::try_from(fd).unwrap().pid().unwrap(), Pid::current()),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported),
    }
}

#[serial_test]
fn open_with_full_table_names_rlimit_nofile() {
    Peer::start(|| {
        let own = PidFd::current().unwrap();
        let next = own.try_clone().unwrap().as_fd().as_raw_fd() as u64;
        setrlimit(Resource::RLIMIT_NOFILE, next, next).unwrap();
        for error in [PidFd::current().unwrap_err(), own.try_clone().unwrap_err()] {
            assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::EMFILE)));
            let limit = error.limit().unwrap();
            assert_eq!((limit.name(), limit.value()), ("RLIMIT_NOFILE", next));
        }
        // Reading /proc needs a descriptor, too.
        let error = own.state().unwrap_err();
        assert_eq!(error.limit().unwrap().name(), "RLIMIT_NOFILE");
    })
    .join();
}

#[serial_test]
fn try_from_other_descriptor_returns_wrong_type() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let directory = File::open("/proc/self").unwrap();
    for other in [OwnedFd::from(reader), directory.into()] {
        assert_eq!(kind_of(PidFd::try_from(other)), ErrorKind::WrongType);
    }
    match open_with(libc::O_EXCL) {
        Some(thread) => assert_eq!(kind_of(PidFd::try_from(thread)), ErrorKind::WrongType),
        None => assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EINVAL)),
    }
}

/// Calls pidfd_open(2) for this process with flags that the library never sets.
fn open_with(flags: i32) -> Option<OwnedFd> {
    // SAFETY: because pidfd_open(2) takes two integers.
    let number = unsafe { libc::syscall(libc::SYS_pidfd_open, libc::getpid(), flags) };
    // SAFETY: because pidfd_open(2) returns a new descriptor without another owner.
    (number >= 0).then(|| unsafe { OwnedFd::from_raw_fd(number as i32) })
}

#[serial_test]
fn clone_outlives_the_converted_original() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    let clone = pidfd.try_clone().unwrap();
    let back = PidFd::try_from(OwnedFd::from(pidfd)).unwrap();
    assert_eq!(back.pid().unwrap(), peer.id());
    drop(back);
    assert_eq!(clone.pid().unwrap(), peer.id());
    assert!(!clone.has_ended().unwrap(), "closing a handle does not end the process");
}
