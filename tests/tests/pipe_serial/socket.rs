//! Sockets under a changed umask, and with a peer in another process.

use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::{env, fs, thread};

use ipcraft::ErrorKind;
use ipcraft::socket::stream::{Listener, Stream};
use ipcraft::socket::{Address, Credentials, Options};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, umask};

use super::kind_of;

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
fn bind_with_exact_mode_ignores_the_umask() {
    let dir = ipcraft_tests::scratch::directory();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let before = umask(Mode::from_bits_truncate(0o077));
    for take_over in [false, true] {
        let options = Options::new().exact_mode(0o666).take_over(take_over);
        let paths =
            ["stream", "seqpacket", "datagram"].map(|name| dir.path().join(format!("{name}-{take_over}")));
        let _stream = options.listen_stream(&paths[0]).unwrap();
        let _seqpacket = options.listen_seqpacket(&paths[1]).unwrap();
        let _datagram = options.bind_datagram(&paths[2]).unwrap();
        assert_eq!(paths.each_ref().map(|path| mode(path)), [0o666; 3]);
    }
    let now = umask(before);
    assert_eq!(now.bits(), 0o077, "the umask is untouched");
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

/// A child that is killed, and waited for, on drop.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[serial_test]
fn bind_with_reclaim_after_sigkill_succeeds() {
    const NAME: &str = "bind_with_reclaim_after_sigkill_succeeds";
    if let Some(path) = env::var_os("IPCRAFT_SOCKET_PATH") {
        let _listener = Options::new().remove_on_drop(true).listen_stream(Path::new(&path)).unwrap();
        loop {
            thread::park();
        }
    }
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    let mut command = Command::new(env::current_exe().unwrap());
    let child = command.args(["--exact", NAME]).env("IPCRAFT_SOCKET_PATH", &path).spawn().unwrap();
    let mut child = Killed(child);
    while Stream::connect(&path).is_err() {
        assert_eq!(child.0.try_wait().unwrap(), None, "the child listens until it is killed");
        thread::yield_now();
    }
    assert_eq!(kind_of(Options::new().reclaim_stale(true).listen_stream(&path)), ErrorKind::InUse);
    drop(child);
    assert!(path.exists());
    Options::new().reclaim_stale(true).listen_stream(&path).unwrap();
}
