//! FIFOs: what is promised on the module's page, and each row of its errno table that can be provoked.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use ipcraft::fifo::{Fifo, Options, PIPE_BUF, Reader, Writer};
use ipcraft::{ErrorKind, pipe};
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use tempfile::TempDir;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn place() -> (TempDir, PathBuf) {
    let dir = ipcraft_tests::scratch::directory();
    let path = dir.path().join("fifo");
    (dir, path)
}

fn opened(fifo: &Fifo) -> (Reader, Writer) {
    let reader = fifo.try_open_read().unwrap();
    (reader, fifo.try_open_write().unwrap())
}

fn kind<T: std::fmt::Debug>(result: ipcraft::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_mode_is_0600_unless_set_and_the_umask_is_taken_off() {
    let (dir, path) = place();
    let before = umask(Mode::from_bits_truncate(0o077));
    Fifo::create_new(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    let masked = dir.path().join("masked");
    Options::new().mode(0o666).create_new(&masked).unwrap();
    assert_eq!(mode(&masked), 0o600);
    umask(Mode::empty());
    let open = dir.path().join("open");
    Options::new().mode(0o622).create_new(&open).unwrap();
    umask(before);
    assert_eq!(mode(&open), 0o622);
}

#[test]
fn create_takes_an_existing_fifo_and_create_new_does_not() {
    let (_dir, path) = place();
    Fifo::create(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    Fifo::create(&path).unwrap();
    assert_eq!(mode(&path), 0o640, "the mode of an existing one is left alone");
    let error = Fifo::create_new(&path).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::AlreadyExists, "mkfifo"));
    assert_eq!(error.object(), path.to_str());
}

#[test]
fn exactly_one_of_many_racing_creators_wins() {
    let (_dir, path) = place();
    let racers: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            thread::spawn(move || Fifo::create_new(path).is_ok())
        })
        .collect();
    assert_eq!(racers.into_iter().map(|r| r.join().unwrap()).filter(|won| *won).count(), 1);
}

#[test]
fn the_name_stays_unless_removal_was_asked_for() {
    let (_dir, path) = place();
    drop(Fifo::create_new(&path).unwrap());
    assert!(path.exists());
    drop(Options::new().remove_on_drop(true).open(&path).unwrap());
    assert!(path.exists(), "only what this call created is removed");
    drop(Options::new().remove_on_drop(true).create(&path).unwrap());
    assert!(path.exists(), "it existed before");
    Fifo::open(&path).unwrap().remove().unwrap();
    assert!(!path.exists());
    let fifo = Options::new().remove_on_drop(true).create(&path).unwrap();
    assert!(fifo.removes_on_drop());
    drop(fifo);
    assert!(!path.exists());
}

#[test]
fn ends_outlive_the_name() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    let (reader, writer) = opened(&fifo);
    fifo.remove().unwrap();
    assert_eq!(kind(Fifo::open(&path)), ErrorKind::NotFound);
    writer.write(b"still").unwrap();
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 5);
}

#[test]
fn removing_twice_or_something_else_is_an_error() {
    let (_dir, path) = place();
    let (first, second) = (Fifo::create_new(&path).unwrap(), Fifo::open(&path).unwrap());
    let third = Fifo::open(&path).unwrap();
    first.remove().unwrap();
    assert_eq!(kind(second.remove()), ErrorKind::NotFound);
    fs::write(&path, "somebody's").unwrap();
    assert_eq!(kind(third.remove()), ErrorKind::WrongType);
    assert!(path.exists());
}

#[test]
fn anything_but_a_fifo_is_refused() {
    let (dir, path) = place();
    fs::write(&path, "a file").unwrap();
    let socket = dir.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    for planted in [path.as_path(), dir.path(), &socket, Path::new("/dev/null")] {
        let error = Fifo::open(planted).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongType, "{planted:?}");
        assert_eq!(error.object(), planted.to_str());
        assert_eq!(kind(Fifo::create(planted)), ErrorKind::WrongType, "{planted:?}");
    }
}

#[test]
fn what_took_the_place_of_the_fifo_is_not_opened() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(kind(fifo.open_read()), ErrorKind::NotFound);
    fs::write(&path, "planted").unwrap();
    assert_eq!(kind(fifo.open_read()), ErrorKind::WrongType);
    assert_eq!(kind(fifo.open_write()), ErrorKind::WrongType);
    assert_eq!(kind(fifo.open_write_timeout(LONG)), ErrorKind::WrongType);
    assert_eq!(kind(fifo.open_read_timeout(LONG)), ErrorKind::WrongType);
    assert_eq!(fs::read_to_string(&path).unwrap(), "planted");
}

#[test]
fn a_symbolic_link_to_a_fifo_is_followed_and_a_loop_is_not() {
    let (dir, path) = place();
    Fifo::create_new(&path).unwrap();
    let (link, looping) = (dir.path().join("link"), dir.path().join("loop"));
    symlink(&path, &link).unwrap();
    symlink(&looping, &looping).unwrap();
    opened(&Fifo::open(&link).unwrap());
    assert_eq!(kind(Fifo::open(&looping)), ErrorKind::InvalidName);
}

#[test]
fn bad_names_are_told_apart() {
    let (dir, path) = place();
    fs::write(&path, "").unwrap();
    assert_eq!(kind(Fifo::create("")), ErrorKind::InvalidName);
    assert_eq!(kind(Fifo::open("a\0b")), ErrorKind::InvalidName);
    assert_eq!(kind(Fifo::create(dir.path().join("n".repeat(256)))), ErrorKind::InvalidName);
    assert_eq!(kind(Fifo::create(dir.path().join("missing/fifo"))), ErrorKind::NotFound);
    assert_eq!(kind(Fifo::create(path.join("below-a-file"))), ErrorKind::NotFound);
    assert_eq!(kind(Fifo::create_new("/proc/ipcraft-fifo")), ErrorKind::NotFound);
}

#[test]
fn permission_is_needed() {
    let (dir, path) = place();
    Fifo::create_new(&path).unwrap();
    if !nix::unistd::geteuid().is_root() {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o200)).unwrap();
        assert_eq!(kind(Fifo::open(&path).unwrap().try_open_read()), ErrorKind::PermissionDenied);
        return;
    }
    // Root may do everything, so a child becomes nobody first: `setpriv` is part of util-linux.
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let status = Command::new("setpriv")
        .args(["--reuid=65534", "--clear-groups"])
        .arg(std::env::current_exe().unwrap())
        .args(["as_nobody", "--exact"])
        .env("IPCRAFT_TEST_FIFO", &path)
        .output();
    match status {
        Ok(output) if output.status.success() => {}
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("setpriv: ") => {
            eprintln!("skipped: setpriv: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stdout)),
        Err(error) => eprintln!("skipped: setpriv: {error}"),
    }
}

#[test]
fn as_nobody() {
    let Some(path) = std::env::var_os("IPCRAFT_TEST_FIFO") else { return };
    let fifo = Fifo::open(&path).unwrap();
    assert_eq!(kind(fifo.try_open_read()), ErrorKind::PermissionDenied);
    assert_eq!(kind(fifo.open_write()), ErrorKind::PermissionDenied);
    assert_eq!(kind(Fifo::create(Path::new(&path).with_file_name("mine"))), ErrorKind::PermissionDenied);
}

#[test]
fn opening_for_writing_without_a_reader_is_a_kind_of_its_own() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    let error = fifo.try_open_write().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoReader);
    assert_eq!(error.errno(), Some(nix::errno::Errno::ENXIO as i32));
    assert!(error.to_string().starts_with(&format!("open for writing {}", path.display())), "{error}");
}

#[test]
fn timed_opens_end_with_a_peer_or_at_the_deadline() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    for open in
        [|f: &Fifo| f.open_write_timeout(SHORT).map(drop), |f: &Fifo| f.open_read_timeout(SHORT).map(drop)]
    {
        let start = Instant::now();
        assert_eq!(kind(open(&fifo)), ErrorKind::TimedOut);
        assert!(start.elapsed() >= SHORT);
    }
    thread::scope(|scope| {
        // Each waits for the other, in every combination of timed and plain.
        scope.spawn(|| fifo.open_read_timeout(LONG).unwrap());
        fifo.open_write_timeout(LONG).unwrap();
    });
    thread::scope(|scope| {
        scope.spawn(|| fifo.open_read().unwrap());
        fifo.open_write_timeout(LONG).unwrap();
    });
    thread::scope(|scope| {
        scope.spawn(|| fifo.open_write().unwrap());
        fifo.open_read_timeout(LONG).unwrap();
    });
}

#[test]
fn a_timed_reader_takes_a_silent_writer_and_one_that_has_left() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    thread::scope(|scope| {
        let writing = scope.spawn(|| fifo.open_write().unwrap());
        let reader = fifo.open_read_timeout(LONG).unwrap();
        let writer = writing.join().unwrap();
        assert_eq!(kind(reader.try_read(&mut [0; 4])), ErrorKind::Empty, "it is there and says nothing");
        drop(writer);
        assert_eq!(reader.try_read(&mut [0; 4]).unwrap(), 0);
    });
    thread::scope(|scope| {
        scope.spawn(|| fifo.open_write().unwrap().write(b"bye").unwrap());
        let reader = fifo.open_read_timeout(LONG).unwrap();
        let mut text = String::new();
        (&reader).read_to_string(&mut text).unwrap();
        assert_eq!(text, "bye");
    });
}

#[test]
fn zero_timeouts_still_succeed_when_the_peer_is_there() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    let (reader, writer) = opened(&fifo);
    fifo.open_write_timeout(Duration::ZERO).unwrap();
    fifo.open_read_timeout(Duration::ZERO).unwrap();
    writer.write_timeout(b"x", Duration::ZERO).unwrap();
    assert_eq!(reader.read_timeout(&mut [0; 4], Duration::ZERO).unwrap(), 1);
}

#[test]
fn an_ordinary_reader_sees_the_end_and_then_the_next_writer() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    let (reader, writer) = opened(&fifo);
    drop(writer);
    assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
    fifo.try_open_write().unwrap().write(b"next").unwrap();
    assert_eq!(reader.read(&mut [0; 4]).unwrap(), 4);
}

#[test]
fn a_reader_that_stays_open_never_sees_the_end() {
    let (_dir, path) = place();
    let fifo = Options::new().stay_open(true).create_new(&path).unwrap();
    for reader in [
        fifo.open_read().unwrap(),
        fifo.try_open_read().unwrap(),
        fifo.open_read_timeout(Duration::ZERO).unwrap(),
    ] {
        assert_eq!(kind(reader.try_read(&mut [0; 4])), ErrorKind::Empty, "before the first writer");
        assert_eq!(kind(reader.read_timeout(&mut [0; 4], SHORT)), ErrorKind::TimedOut);
        fifo.try_open_write().unwrap().write(b"one").unwrap();
        assert_eq!(reader.read(&mut [0; 4]).unwrap(), 3);
        assert_eq!(kind(reader.read_timeout(&mut [0; 4], SHORT)), ErrorKind::TimedOut, "between writers");
    }
}

#[test]
fn a_writer_notices_that_a_staying_reader_left() {
    let (_dir, path) = place();
    let fifo = Options::new().stay_open(true).create_new(&path).unwrap();
    let reader = fifo.open_read().unwrap();
    let writer = fifo.open_write().unwrap();
    drop(reader);
    let error = writer.write(b"x").unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::Disconnected, path.to_str()));
    assert_eq!(kind(writer.try_write(b"x")), ErrorKind::Disconnected);
    assert_eq!(kind(writer.write_timeout(b"x", LONG)), ErrorKind::Disconnected);
    assert_eq!(kind(fifo.try_open_write()), ErrorKind::NoReader);
}

#[test]
fn full_and_empty_are_told_and_small_writes_are_all_or_nothing() {
    let (_dir, path) = place();
    let (reader, writer) = opened(&Fifo::create_new(&path).unwrap());
    assert_eq!(writer.set_capacity(1).unwrap(), 4096);
    assert_eq!(reader.capacity().unwrap(), 4096);
    writer.write(&[1; 4095]).unwrap();
    assert_eq!(reader.available().unwrap(), 4095);
    assert_eq!(kind(writer.try_write(&[2; PIPE_BUF])), ErrorKind::Full);
    assert_eq!(kind(writer.write_timeout(&[2; PIPE_BUF], SHORT)), ErrorKind::TimedOut);
    assert_eq!(reader.available().unwrap(), 4095, "nothing went in");
    assert_eq!(reader.read(&mut [0; 8192]).unwrap(), 4095);
    assert_eq!(kind(reader.try_read(&mut [0; 1])), ErrorKind::Empty);
}

#[test]
fn the_plain_calls_still_block_after_the_others_were_used() {
    let (_dir, path) = place();
    let (reader, writer) = opened(&Fifo::create_new(&path).unwrap());
    let _ = reader.try_read(&mut [0; 1]).unwrap_err();
    writer.try_write(b"x").unwrap();
    for end in [reader.as_fd(), writer.as_fd()] {
        let flags = OFlag::from_bits_retain(fcntl(end, FcntlArg::F_GETFL).unwrap());
        assert!(!flags.contains(OFlag::O_NONBLOCK), "other holders of the description are not disturbed");
        assert_eq!(fcntl(end, FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
    }
    assert_eq!(reader.read(&mut [0; 4]).unwrap(), 1);
    thread::scope(|scope| {
        let reading = scope.spawn(|| reader.read(&mut [0; 4]).unwrap());
        thread::sleep(SHORT);
        writer.write(b"late").unwrap();
        assert_eq!(reading.join().unwrap(), 4);
    });
}

#[test]
fn nonblocking_ends_fail_instead_of_waiting() {
    let (_dir, path) = place();
    let (reader, writer) = opened(&Options::new().nonblocking(true).create_new(&path).unwrap());
    assert_eq!(kind(reader.read(&mut [0; 4])), ErrorKind::Empty);
    assert_eq!(kind(reader.read_timeout(&mut [0; 4], SHORT)), ErrorKind::TimedOut);
    while writer.write(&[0; PIPE_BUF]).is_ok() {}
    assert_eq!(kind(writer.write(&[0; PIPE_BUF])), ErrorKind::Full);
}

#[test]
fn a_reader_given_away_can_splice() {
    let (_dir, path) = place();
    let (reader, writer) = opened(&Fifo::create_new(&path).unwrap());
    writer.write(b"moved").unwrap();
    let reader = pipe::Reader::from(std::os::fd::OwnedFd::from(reader));
    let mut file = tempfile::tempfile().unwrap();
    assert_eq!(reader.splice_to(&file, 100).unwrap(), 5);
    let mut text = String::new();
    std::io::Seek::rewind(&mut file).unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "moved");
}

#[test]
fn a_full_descriptor_table_is_named_with_its_limit() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let free = File::open("/dev/null").unwrap();
    let next = std::os::fd::AsRawFd::as_raw_fd(&free) as u64;
    setrlimit(Resource::RLIMIT_NOFILE, next + 1, hard).unwrap();
    let error = fifo.try_open_read().unwrap_err();
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    assert_eq!(error.kind(), ErrorKind::LimitReached);
    let limit = error.limit().copied().expect("the limit is named");
    assert_eq!((limit.name(), limit.value()), ("RLIMIT_NOFILE", next + 1));
}

#[test]
fn a_shell_meets_us_at_the_name() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    let mut shell =
        Command::new("sh").args(["-c", "echo from the shell > \"$0\""]).arg(&path).spawn().unwrap();
    let reader = fifo.open_read_timeout(LONG).unwrap();
    let mut text = String::new();
    (&reader).read_to_string(&mut text).unwrap();
    assert_eq!(text, "from the shell\n");
    assert!(shell.wait().unwrap().success());
}
