//! Descriptors, credentials and pidfds beside the bytes: no loss without an error, and no leak on
//! any path.

use std::fs::{self, File};
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, ExitCode, ExitStatus};
use std::time::Duration;
use std::{env, iter};

use ipcraft::socket::datagram::{self, Socket};
use ipcraft::socket::{Address, Ancillary, Credentials, Incoming, Options, Outgoing, seqpacket, stream};
use ipcraft::{ErrorKind, name};
use ipcraft_tests::suite::{self, Outcome, serial_test};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::fstat;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    suite::main()
}

fn kind<T>(result: ipcraft::Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Runs `check` and expects as many open descriptors afterwards as before.
fn without_leak(check: impl FnOnce()) {
    let before = open_descriptors();
    check();
    assert_eq!(open_descriptors(), before);
}

fn is_same_file(left: impl AsFd, right: impl AsFd) -> bool {
    let (left, right) = (fstat(left).unwrap(), fstat(right).unwrap());
    (left.st_dev, left.st_ino) == (right.st_dev, right.st_ino)
}

fn is_close_on_exec(fd: impl AsFd) -> bool {
    FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD).unwrap()).contains(FdFlag::FD_CLOEXEC)
}

/// Sends two descriptors with two bytes, and receives them.
fn assert_passes_descriptors<S: Ancillary>(left: &S, right: &S) {
    let (null, zero) = (File::open("/dev/null").unwrap(), File::open("/dev/zero").unwrap());
    assert_eq!(left.send_descriptors(b"ab", &[null.as_fd(), zero.as_fd()]).unwrap(), 2);
    let (length, descriptors) = right.recv_descriptors(&mut [0; 8], 2).unwrap().unwrap();
    assert_eq!((length, descriptors.len()), (2, 2));
    assert!(is_same_file(&descriptors[0], &null) && is_same_file(&descriptors[1], &zero));
    assert!(descriptors.iter().all(is_close_on_exec));
    let mut bytes = [1; 4];
    File::from(descriptors.into_iter().nth(1).unwrap()).read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, [0; 4]);
}

#[serial_test]
fn send_descriptors_passes_files_on_every_type() {
    without_leak(|| {
        let (left, right) = stream::pair().unwrap();
        assert_passes_descriptors(&left, &right);
        let (left, right) = datagram::pair().unwrap();
        assert_passes_descriptors(&left, &right);
        let (left, right) = seqpacket::pair().unwrap();
        assert_passes_descriptors(&left, &right);
    });
}

#[serial_test]
fn recv_descriptors_in_three_forms_returns_empty_timed_out_or_message() {
    let (left, right) = stream::pair().unwrap();
    let file = File::open("/dev/null").unwrap();
    assert_eq!(kind(right.try_recv_descriptors(&mut [0; 8], 1)), ErrorKind::Empty);
    assert_eq!(kind(right.recv_descriptors_timeout(&mut [0; 8], 1, SHORT)), ErrorKind::TimedOut);
    assert_eq!(left.try_send_descriptors(b"a", &[file.as_fd()]).unwrap(), 1);
    assert_eq!(right.try_recv_descriptors(&mut [0; 8], 1).unwrap().unwrap().1.len(), 1);
    assert_eq!(left.send_descriptors_timeout(b"a", &[file.as_fd()], LONG).unwrap(), 1);
    assert_eq!(right.recv_descriptors_timeout(&mut [0; 8], 1, LONG).unwrap().unwrap().1.len(), 1);
    while left.try_write(&[0; 4096]).is_ok() {}
    assert_eq!(kind(left.try_send_descriptors(b"a", &[file.as_fd()])), ErrorKind::Full);
    assert_eq!(kind(left.send_descriptors_timeout(b"a", &[file.as_fd()], SHORT)), ErrorKind::TimedOut);
}

#[serial_test]
fn send_descriptors_of_253_succeeds_and_more_returns_limit_reached() {
    without_leak(|| {
        let (left, right) = seqpacket::pair().unwrap();
        let file = File::open("/dev/null").unwrap();
        let many: Vec<BorrowedFd<'_>> = iter::repeat_n(file.as_fd(), 254).collect();
        // This type also receives credentials, and pidfds if enabled: there is room for all of
        // them.
        let pidfds = right.set_receive_pidfds(true).is_ok();
        left.send_descriptors(b"x", &many[..253]).unwrap();
        let mut incoming = Incoming::new();
        let mut byte = [0];
        right.recv_message(&mut [IoSliceMut::new(&mut byte)], &mut incoming).unwrap();
        assert_eq!(incoming.descriptors().len(), 253);
        assert_eq!(incoming.pidfd().is_some(), pidfds);
        let error = left.send_descriptors(b"x", &many).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, None));
        let limit = error.limit().unwrap();
        assert_eq!((limit.name(), limit.value(), limit.requested()), ("SCM_MAX_FD", 253, Some(254)));
    });
}

#[serial_test]
fn send_descriptors_without_bytes_fails_on_streams_only() {
    let file = File::open("/dev/null").unwrap();
    let (left, right) = stream::pair().unwrap();
    assert_eq!(kind(left.send_descriptors(b"", &[file.as_fd()])), ErrorKind::Invalid);
    assert_eq!(kind(right.try_recv_descriptors(&mut [0; 8], 1)), ErrorKind::Empty);

    let (left, right) = seqpacket::pair().unwrap();
    left.send_descriptors(b"", &[file.as_fd()]).unwrap();
    left.send(b"").unwrap();
    drop(left);
    let (length, descriptors) = right.recv_descriptors(&mut [0; 8], 1).unwrap().unwrap();
    assert_eq!((length, descriptors.len()), (0, 1));
    assert_eq!(right.recv_descriptors(&mut [0; 8], 1).unwrap().unwrap().0, 0);
    assert!(right.recv_descriptors(&mut [0; 8], 1).unwrap().is_none(), "the end, not an empty record");
}

#[serial_test]
fn recv_descriptors_at_end_of_stream_returns_none() {
    let (left, right) = stream::pair().unwrap();
    drop(left);
    assert!(right.recv_descriptors(&mut [0; 8], 1).unwrap().is_none());
}

#[serial_test]
fn recv_descriptors_above_max_closes_all() {
    without_leak(|| {
        let (left, right) = seqpacket::pair().unwrap();
        left.send_descriptors(b"ab", &[left.as_fd(), right.as_fd()]).unwrap();
        let error = right.recv_descriptors(&mut [0; 8], 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert_eq!(error.limit().unwrap().requested(), Some(2));
    });
}

#[serial_test]
fn recv_descriptors_with_short_buffer_closes_all() {
    without_leak(|| {
        let (left, right) = datagram::pair().unwrap();
        left.send_descriptors(&[0; 100], &[left.as_fd()]).unwrap();
        let mut incoming = Incoming::new();
        let error = right.recv_message(&mut [IoSliceMut::new(&mut [0; 10])], &mut incoming).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated);
        assert_eq!(error.limit().unwrap().requested(), Some(100));
        assert_eq!(error.transferred(), Some(10));
        assert!(incoming.descriptors().is_empty());
    });
}

/// Sends five bytes with two descriptors, and more bytes. A receiver of one descriptor then fails,
/// and knows where the next message begins.
fn assert_surplus_leaves_the_stream_in_step(
    recv: impl Fn(&stream::Stream, &mut [u8]) -> ipcraft::Result<Option<(usize, Vec<OwnedFd>)>>,
) {
    without_leak(|| {
        let (left, right) = stream::pair().unwrap();
        left.send_descriptors(b"hello", &[left.as_fd(), left.as_fd()]).unwrap();
        left.write(b"world").unwrap();
        let mut buffer = [0; 16];
        let error = recv(&right, &mut buffer).unwrap_err();
        let taken = error.transferred().expect("bytes were taken");
        assert_eq!((error.kind(), error.limit().unwrap().requested()), (ErrorKind::TooLarge, Some(2)));
        let length = taken + right.read(&mut buffer[taken..]).unwrap();
        assert_eq!(&buffer[..length], b"helloworld");
    });
}

#[serial_test]
fn recv_descriptors_above_max_on_a_stream_returns_the_bytes_taken() {
    assert_surplus_leaves_the_stream_in_step(|stream, buffer| stream.recv_descriptors(buffer, 1));
    assert_surplus_leaves_the_stream_in_step(|stream, buffer| stream.try_recv_descriptors(buffer, 1));
    assert_surplus_leaves_the_stream_in_step(|stream, buffer| {
        stream.recv_descriptors_timeout(buffer, 1, LONG)
    });
}

#[serial_test]
fn recv_descriptors_above_max_returns_the_length_of_an_empty_record() {
    let (left, right) = seqpacket::pair().unwrap();
    left.send_descriptors(b"", &[left.as_fd()]).unwrap();
    let error = right.recv_descriptors(&mut [0; 8], 0).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::TooLarge, Some(0)));
    let error = right.try_recv_descriptors(&mut [0; 8], 0).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::Empty, None), "nothing was taken");
}

#[serial_test]
fn recv_message_that_is_cut_keeps_the_sender_and_the_bytes() {
    let address = Address::abstract_name(name::unique("ipcraft-cut"));
    let sender = Socket::bind(&address).unwrap();
    let there = Address::abstract_name(name::unique("ipcraft-cut"));
    let receiver = Socket::bind(&there).unwrap();
    receiver.set_receive_credentials(true).unwrap();
    sender.send_to(b"too long", &there).unwrap();
    let (mut incoming, mut buffer) = (Incoming::new(), [0; 3]);
    let error = receiver.recv_message(&mut [IoSliceMut::new(&mut buffer)], &mut incoming).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::Truncated, Some(3)));
    assert_eq!(&buffer, b"too");
    assert_eq!(incoming.sender(), Some(&address));
    assert_eq!(incoming.credentials(), Some(Credentials::current()));
}

#[serial_test]
fn recv_message_with_credentials_at_the_end_of_a_stream_returns_none() {
    let (left, right) = stream::pair().unwrap();
    right.set_receive_credentials(true).unwrap();
    drop(left);
    let mut incoming = Incoming::new();
    assert_eq!(right.recv_message(&mut [IoSliceMut::new(&mut [0; 8])], &mut incoming).unwrap(), None);
    assert_eq!(incoming.credentials(), None);
}

/// Options that another owner of the socket set must not take room from descriptors.
#[serial_test]
fn recv_message_with_timestamps_returns_253_descriptors() {
    without_leak(|| {
        let (left, right) = datagram::pair().unwrap();
        right.set_receive_credentials(true).unwrap();
        let _ = right.set_receive_pidfds(true);
        nix::sys::socket::setsockopt(&right, nix::sys::socket::sockopt::ReceiveTimestampns, &true).unwrap();
        let file = File::open("/dev/null").unwrap();
        left.send_descriptors(b"x", &[file.as_fd(); 253]).unwrap();
        let (_, descriptors) = right.recv_descriptors(&mut [0; 8], 253).unwrap().unwrap();
        assert_eq!(descriptors.len(), 253);
    });
}

#[serial_test]
fn plain_recv_closes_sent_descriptors() {
    without_leak(|| {
        let (left, right) = stream::pair().unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        left.send_descriptors(b"ab", &[writer.as_fd()]).unwrap();
        drop(writer);
        assert_eq!(right.read(&mut [0; 8]).unwrap(), 2);
        assert_eq!((&reader).read(&mut [0; 8]).unwrap(), 0, "no writer is left");

        let (left, right) = seqpacket::pair().unwrap();
        left.send_descriptors(b"", &[left.as_fd()]).unwrap();
        assert_eq!(right.recv(&mut [0; 8]).unwrap(), Some(0));
    });
}

#[serial_test]
fn next_recv_message_closes_untaken_descriptors() {
    without_leak(|| {
        let (left, right) = stream::pair().unwrap();
        let mut incoming = Incoming::new();
        let mut byte = [0];
        left.send_descriptors(b"a", &[left.as_fd()]).unwrap();
        right.recv_message(&mut [IoSliceMut::new(&mut byte)], &mut incoming).unwrap();
        assert_eq!(incoming.descriptors().len(), 1);
        left.write(b"b").unwrap();
        let before = open_descriptors();
        right.recv_message(&mut [IoSliceMut::new(&mut byte)], &mut incoming).unwrap();
        assert!(incoming.descriptors().is_empty());
        assert_eq!(open_descriptors(), before - 1);
    });
}

#[serial_test]
fn recv_descriptors_never_joins_two_messages() {
    let (left, right) = stream::pair().unwrap();
    left.write(b"plain ").unwrap();
    left.send_descriptors(b"one", &[left.as_fd()]).unwrap();
    left.send_descriptors(b"two", &[left.as_fd()]).unwrap();
    let mut received = Vec::new();
    while received.iter().map(|(length, _)| length).sum::<usize>() < 12 {
        let (length, descriptors) = right.recv_descriptors(&mut [0; 64], 8).unwrap().unwrap();
        received.push((length, descriptors.len()));
    }
    assert_eq!(received, [(9, 1), (3, 1)]);
}

#[serial_test]
fn recv_message_returns_credentials_if_enabled() {
    let (left, right) = stream::pair().unwrap();
    let mut incoming = Incoming::new();
    let mut buffer = [0; 8];
    left.write(b"x").unwrap();
    right.recv_message(&mut [IoSliceMut::new(&mut buffer)], &mut incoming).unwrap();
    assert_eq!(incoming.credentials(), None);

    right.set_receive_credentials(true).unwrap();
    left.write(b"x").unwrap();
    right.recv_message(&mut [IoSliceMut::new(&mut buffer)], &mut incoming).unwrap();
    assert_eq!(incoming.credentials(), Some(Credentials::current()));

    let bytes = [IoSlice::new(b"y"), IoSlice::new(b"z")];
    let message = Outgoing::new(&bytes).credentials(Credentials::current());
    assert_eq!(left.send_message(&message).unwrap(), 2);
    assert_eq!(right.recv_message(&mut [IoSliceMut::new(&mut buffer)], &mut incoming).unwrap(), Some(2));
    assert_eq!(incoming.credentials(), Some(Credentials::current()));
    right.set_receive_credentials(false).unwrap();
}

#[serial_test]
fn send_message_with_false_credentials_returns_permission_denied() {
    let (left, _right) = datagram::pair().unwrap();
    let nobody = Credentials { pid: Some(i32::MAX.try_into().unwrap()), ..Credentials::current() };
    let bytes = [IoSlice::new(b"x")];
    let error = left.send_message(&Outgoing::new(&bytes).credentials(nobody)).unwrap_err();
    // A privileged process may state these credentials, but no such process exists.
    assert!(matches!(error.errno(), Some(libc::EPERM | libc::ESRCH)), "{error}");
}

#[serial_test]
fn send_descriptors_to_refusing_receiver_returns_permission_denied() -> Outcome {
    const SO_PASSRIGHTS: libc::c_int = 83;
    let (left, right) = stream::pair().unwrap();
    let off: libc::c_int = 0;
    let size = size_of_val(&off) as libc::socklen_t;
    // SAFETY: because the kernel reads one int, from a variable of that type.
    let status = unsafe {
        libc::setsockopt(
            right.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            SO_PASSRIGHTS,
            (&raw const off).cast(),
            size,
        )
    };
    if status != 0 {
        return Outcome::Skipped("no SO_PASSRIGHTS before Linux 6.16".into());
    }
    let error = left.send_descriptors(b"x", &[left.as_fd()]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EPERM)));
    Outcome::Passed
}

#[serial_test]
fn send_message_with_address_on_connection_returns_invalid() {
    let elsewhere = Address::abstract_name("elsewhere");
    let bytes = [IoSlice::new(b"x")];
    let message = Outgoing::new(&bytes).to(&elsewhere);
    assert_eq!(kind(stream::pair().unwrap().0.send_message(&message)), ErrorKind::Invalid);
    assert_eq!(kind(seqpacket::pair().unwrap().0.send_message(&message)), ErrorKind::Invalid);
}

#[serial_test]
fn recv_message_returns_pidfd_if_enabled() -> Outcome {
    let (left, right) = datagram::pair().unwrap();
    if let Err(error) = right.set_receive_pidfds(true) {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        return Outcome::Skipped("no pidfds of senders before Linux 6.5".into());
    }
    without_leak(|| {
        left.send(b"x").unwrap();
        let mut incoming = Incoming::new();
        right.recv_message(&mut [IoSliceMut::new(&mut [0; 8])], &mut incoming).unwrap();
        let pidfd = incoming.take_pidfd().unwrap();
        assert!(is_close_on_exec(&pidfd));
        assert!(incoming.pidfd().is_none());
        let mut ready = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut ready, PollTimeout::ZERO), Ok(0), "the sender, this process, lives");
    });
    Outcome::Passed
}

#[serial_test]
fn send_message_with_address_reaches_the_bound_socket() {
    let [here, there] = ["here", "there"].map(|prefix| Address::abstract_name(name::unique(prefix)));
    let receiver = Socket::bind(&there).unwrap();
    let sender = Socket::bind(&here).unwrap();
    let bytes = [IoSlice::new(b"he"), IoSlice::new(b"llo")];
    let file = File::open("/dev/null").unwrap();
    let descriptors = [file.as_fd()];
    let message = Outgoing::new(&bytes).descriptors(&descriptors).to(&there);
    assert_eq!(sender.send_message_timeout(&message, LONG).unwrap(), 5);
    let mut incoming = Incoming::new();
    let (mut first, mut second) = ([0; 3], [0; 8]);
    let mut buffers = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
    assert_eq!(receiver.recv_message_timeout(&mut buffers, &mut incoming, LONG).unwrap(), Some(5));
    assert_eq!((&first, &second[..2]), (b"hel", &b"lo"[..]));
    assert_eq!(incoming.sender(), Some(&here));
    assert_eq!(incoming.descriptors().len(), 1);

    while sender.try_send_message(&message).is_ok() {}
    assert_eq!(kind(sender.try_send_message(&message)), ErrorKind::Full);
    assert_eq!(kind(sender.send_message_timeout(&message, SHORT)), ErrorKind::TimedOut);
    drop(receiver);
    let error = sender.send_message(&message).unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::Refused, Some(there.to_string().as_str())));
}

#[serial_test]
fn cyclic_sockets_in_transit_are_collected() {
    without_leak(|| {
        for _ in 0..100 {
            let (left, right) = stream::pair().unwrap();
            left.send_descriptors(b"me", &[left.as_fd(), right.as_fd()]).unwrap();
            right.send_descriptors(b"you", &[left.as_fd(), right.as_fd()]).unwrap();
        }
    });
}

/// Runs one test of this binary again, in a process of its own, whose limits it may change.
fn run_in_a_child_process(test: &str) -> ExitStatus {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("IPCRAFT_SOCKET_CHILD", test);
    let output = command.output().unwrap();
    std::io::stderr().write_all(&output.stderr).unwrap();
    output.status
}

fn is_child(test: &str) -> bool {
    env::var("IPCRAFT_SOCKET_CHILD").is_ok_and(|name| name == test)
}

fn limit_descriptors(count: usize) {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, count as u64, hard).unwrap();
}

/// Fills the descriptor table but for `room`, until the result is dropped.
fn fill_table(room: usize) -> Vec<OwnedFd> {
    limit_descriptors(64);
    let mut all: Vec<OwnedFd> =
        iter::from_fn(|| std::io::stdin().as_fd().try_clone_to_owned().ok()).collect();
    all.truncate(all.len() - room);
    all
}

/// Receives five descriptors where there is room for two.
fn assert_full_table_is_reported<S: Ancillary>(left: &S, right: &S) {
    // Descriptors of this user in transit, also those of other tests, count against the limit.
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    left.send_descriptors(b"x", &[left.as_fd(); 5]).unwrap();
    let table = fill_table(2);
    let error = right.recv_descriptors(&mut [0; 8], 8).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::EMFILE)), "{error}");
    assert_eq!(error.limit().map(|limit| (limit.name(), limit.value())), Some(("RLIMIT_NOFILE", 64)));
    assert_eq!(error.transferred(), Some(1));
    let room = fill_table(0);
    assert_eq!(room.len(), 2, "the received descriptors are closed");
    drop(table);
}

#[serial_test]
fn recv_descriptors_with_full_table_returns_limit_reached() {
    const NAME: &str = "recv_descriptors_with_full_table_returns_limit_reached";
    if !is_child(NAME) {
        return assert!(run_in_a_child_process(NAME).success());
    }
    let (left, right) = stream::pair().unwrap();
    assert_full_table_is_reported(&left, &right);
    let (left, right) = seqpacket::pair().unwrap();
    assert_full_table_is_reported(&left, &right);
    let (left, right) = datagram::pair().unwrap();
    assert_full_table_is_reported(&left, &right);
    assert_full_table_keeps_back_the_pidfd();
    assert_full_table_is_named_everywhere();
}

fn assert_full_table_keeps_back_the_pidfd() {
    let (left, right) = datagram::pair().unwrap();
    if right.set_receive_pidfds(true).is_ok() {
        left.send(b"x").unwrap();
        let _table = fill_table(0);
        let error = right.recv_descriptors(&mut [0; 8], 8).unwrap_err();
        assert_eq!((error.kind(), error.transferred()), (ErrorKind::LimitReached, Some(1)));
    }
}

fn assert_full_table_is_named_everywhere() {
    let name = Address::abstract_name(name::unique("ipcraft-full"));
    let listener = stream::Listener::bind(&name).unwrap();
    let _client = stream::Stream::connect(&name).unwrap();
    let table = fill_table(0);
    for error in [
        stream::pair().unwrap_err(),
        Socket::unbound().unwrap_err(),
        stream::Stream::connect(&name).unwrap_err(),
        listener.accept().unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::EMFILE)), "{error}");
        assert_eq!(error.limit().unwrap().name(), "RLIMIT_NOFILE");
    }
    drop(table);
    listener.try_accept().expect("the connection waited");
    for options in [Options::new(), Options::new().reclaim_stale(true), Options::new().take_over(true)] {
        assert_full_table_is_named_by_a_bind(&options.remove_on_drop(true));
    }
}

/// Binds to a path with room for more and more descriptors, until that succeeds.
fn assert_full_table_is_named_by_a_bind(options: &Options) {
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("socket");
    let mut failures = 0;
    let listener = loop {
        let table = fill_table(failures);
        let result = options.listen_stream(&path);
        drop(table);
        let error = match result {
            Ok(listener) => break listener,
            Err(error) => error,
        };
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::EMFILE)), "{error}");
        assert_eq!(error.limit().expect("a limit").name(), "RLIMIT_NOFILE", "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "with room for {failures}");
        failures += 1;
    };
    assert!(failures > 1, "a bind needs several descriptors");
    let table = fill_table(0);
    drop(listener);
    drop(table);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "removed with a full table");
}

#[serial_test]
fn send_descriptors_above_transit_limit_returns_limit_reached() {
    const NAME: &str = "send_descriptors_above_transit_limit_returns_limit_reached";
    if !is_child(NAME) {
        return assert!(run_in_a_child_process(NAME).success());
    }
    give_up_privileges();
    let (left, _right) = seqpacket::pair().unwrap();
    limit_descriptors(30);
    let errors = iter::from_fn(|| Some(left.try_send_descriptors(b"x", &[left.as_fd(); 10])));
    let error = errors.take(10).find_map(Result::err).expect("a limit");
    assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::ETOOMANYREFS)));
    assert_eq!(error.limit().map(|limit| (limit.name(), limit.value())), Some(("RLIMIT_NOFILE", 30)));
}

#[serial_test]
fn connect_without_write_permission_returns_permission_denied() {
    const NAME: &str = "connect_without_write_permission_returns_permission_denied";
    if !is_child(NAME) {
        return assert!(run_in_a_child_process(NAME).success());
    }
    give_up_privileges();
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let path = dir.path().join("socket");
    let _listener = Options::new().mode(0o400).listen_stream(&path).unwrap();
    let error = stream::Stream::connect(&path).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EACCES)));
    let error = Options::new().reclaim_stale(true).listen_stream(&path).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EACCES)));
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let error = stream::Listener::bind(dir.path().join("other")).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EACCES)));
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
}

/// Becomes an ordinary user, if this is root: the limit does not apply to privileged processes.
fn give_up_privileges() {
    if nix::unistd::geteuid().is_root() {
        nix::unistd::setuid(nix::unistd::Uid::from_raw(54_321)).unwrap();
    }
}

#[serial_test]
fn descriptors_convert_to_and_from_std() {
    use std::os::unix::net::UnixStream;
    let (left, right) = stream::pair().unwrap();
    let (inner, mut outer) = UnixStream::pair().unwrap();
    left.send_descriptors(b"x", &[inner.as_fd()]).unwrap();
    drop(inner);
    let (_, mut descriptors) = right.recv_descriptors(&mut [0; 8], 1).unwrap().unwrap();
    let received: OwnedFd = descriptors.remove(0);
    outer.write_all(b"through").unwrap();
    let mut buffer = [0; 7];
    UnixStream::from(received).read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"through");
}
