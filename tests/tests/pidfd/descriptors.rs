//! Duplicating descriptors of another process.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd};

use ipcraft::ErrorKind;
use ipcraft::process::{PidFd, State};
use ipcraft::signal::Signal;
use ipcraft_tests::kernel::kernel_is_at_least;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::scratch;
use ipcraft_tests::suite::{Outcome, serial_test};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, setrlimit};

use crate::{as_unprivileged_user, idle, kind_of, pidfd_of, wait_for_state};

#[serial_test]
fn descriptor_shares_the_open_file_description() {
    let directory = scratch::directory();
    let path = directory.path().join("file");
    std::fs::write(&path, "0123456789").unwrap();
    let (mut number_reader, mut number_writer) = io::pipe().unwrap();
    let (mut resumed, mut resume) = io::pipe().unwrap();
    let peer = Peer::start(move || {
        let mut file = File::open(path).unwrap();
        file.seek(SeekFrom::Start(4)).unwrap();
        number_writer.write_all(&file.as_raw_fd().to_ne_bytes()).unwrap();
        resumed.read_exact(&mut [0]).unwrap();
        assert_eq!(file.stream_position().unwrap(), 7, "both share one position");
    });
    let mut number = [0; 4];
    number_reader.read_exact(&mut number).unwrap();
    let taken = pidfd_of(&peer).descriptor(i32::from_ne_bytes(number)).unwrap();
    assert_eq!(fcntl(taken.as_fd(), FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
    let mut text = [0; 3];
    File::from(taken).read_exact(&mut text).unwrap();
    assert_eq!(&text, b"456");
    resume.write_all(b"x").unwrap();
    peer.join();
}

#[serial_test]
fn descriptor_of_closed_number_returns_not_found() {
    let own = PidFd::current().unwrap();
    for number in [1_000_000, -1, i32::MAX] {
        let error = own.descriptor(number).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::NotFound, Some(libc::EBADF)));
        assert_eq!(error.object(), Some(format!("descriptor number {number}").as_str()));
    }
}

#[serial_test]
fn descriptor_of_ended_process_returns_disconnected() {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    pidfd.send_signal(Signal::KILL).unwrap();
    wait_for_state(&pidfd, State::Zombie);
    assert_eq!(kind_of(pidfd.descriptor(0)), ErrorKind::Disconnected);
    peer.kill();
    assert_eq!(kind_of(pidfd.descriptor(0)), ErrorKind::Disconnected);
}

#[serial_test]
fn descriptor_with_full_table_names_rlimit_nofile() {
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

#[serial_test]
fn descriptor_without_trace_permission_returns_permission_denied() -> Outcome {
    let peer = idle();
    let pidfd = pidfd_of(&peer);
    as_unprivileged_user(|| {
        let error = pidfd.descriptor(0).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EPERM)));
        assert!(error.to_string().contains("trace"), "{error}");
        match pidfd.pid() {
            // Then a process that changed its user may not read its own fdinfo.
            Err(error) if !kernel_is_at_least(5, 14) => {
                assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            }
            // The id needs no permission.
            id => assert_eq!(id.unwrap(), peer.id()),
        }
    })
}
