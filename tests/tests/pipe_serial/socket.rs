//! Sockets under a changed umask, and with a peer in another process.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ipcraft::ErrorKind;
use ipcraft::socket::stream::{Listener, Stream};
use ipcraft::socket::{Address, Credentials, Options};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, umask};

#[serial_test]
fn bind_applies_the_mode_less_the_umask() {
    let dir = ipcraft_tests::scratch::directory();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (private, public) = (dir.path().join("private"), dir.path().join("public"));
    let _private = Listener::bind(&private).unwrap();
    assert_eq!(mode(&private), 0o600);
    let before = umask(Mode::from_bits_truncate(0o022));
    let _public = Options::new().mode(0o666).listen_stream(&public).unwrap();
    umask(before);
    assert_eq!(mode(&public), 0o644);
}

#[serial_test]
fn peer_pidfd_of_reaped_peer_is_readable_or_disconnected() {
    let address = Address::abstract_name(ipcraft::name::unique("ipcraft-reaped"));
    let listener = Listener::bind(&address).unwrap();
    Peer::start(|| drop(Stream::connect(&address).unwrap())).join();
    let server = listener.try_accept().unwrap();
    assert_ne!(server.peer_credentials().unwrap(), Credentials::current());
    match server.peer_pidfd() {
        Ok(pidfd) => {
            let mut ready = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
            assert_eq!(poll(&mut ready, PollTimeout::ZERO), Ok(1), "it has ended");
        }
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Disconnected | ErrorKind::Unsupported), "{error}");
        }
    }
}
