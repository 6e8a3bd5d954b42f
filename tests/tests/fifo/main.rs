//! FIFOs: the contract of the module's page, and each row of its errno table that can be provoked.

mod names;

use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use ipcraft::fifo::{Fifo, Options, PIPE_BUF, Reader, Writer};
use ipcraft::{ErrorKind, pipe};
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
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
fn create_of_existing_fifo_opens_it_and_create_new_fails() {
    let (_dir, path) = place();
    Fifo::create(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    Fifo::create(&path).unwrap();
    assert_eq!(mode(&path), 0o640, "the mode of an existing FIFO is unchanged");
    let error = Fifo::create_new(&path).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::AlreadyExists, "mkfifo"));
    assert_eq!(error.object(), path.to_str());
}

#[test]
fn create_new_in_a_race_succeeds_once() {
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
fn drop_removes_the_name_only_with_remove_on_drop() {
    let (_dir, path) = place();
    drop(Fifo::create_new(&path).unwrap());
    assert!(path.exists());
    drop(Options::new().remove_on_drop(true).open(&path).unwrap());
    assert!(path.exists(), "only a FIFO that the call created is removed");
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
fn open_ends_work_after_remove() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    let (reader, writer) = opened(&fifo);
    fifo.remove().unwrap();
    assert_eq!(kind(Fifo::open(&path)), ErrorKind::NotFound);
    writer.write(b"still").unwrap();
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 5);
}

#[test]
fn remove_twice_or_of_another_file_returns_an_error() {
    let (_dir, path) = place();
    let (first, second) = (Fifo::create_new(&path).unwrap(), Fifo::open(&path).unwrap());
    let third = Fifo::open(&path).unwrap();
    first.remove().unwrap();
    assert_eq!(kind(second.remove()), ErrorKind::NotFound);
    fs::write(&path, "another file").unwrap();
    assert_eq!(kind(third.remove()), ErrorKind::WrongType);
    assert!(path.exists());
}

#[test]
fn open_of_another_file_type_returns_wrong_type() {
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
fn open_read_of_replaced_fifo_returns_wrong_type() {
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
fn open_follows_a_symbolic_link_and_refuses_a_loop() {
    let (dir, path) = place();
    Fifo::create_new(&path).unwrap();
    let (link, looping) = (dir.path().join("link"), dir.path().join("loop"));
    symlink(&path, &link).unwrap();
    symlink(&looping, &looping).unwrap();
    opened(&Fifo::open(&link).unwrap());
    assert_eq!(kind(Fifo::open(&looping)), ErrorKind::InvalidName);
}

#[test]
fn create_with_bad_name_returns_invalid_name_or_not_found() {
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
fn try_open_write_without_reader_returns_no_reader() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    let error = fifo.try_open_write().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoReader);
    assert_eq!(error.errno(), Some(nix::errno::Errno::ENXIO as i32));
    assert!(error.to_string().starts_with(&format!("open for writing {}", path.display())), "{error}");
}

#[test]
fn open_timeout_returns_with_a_peer_or_times_out() {
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
        // Each blocks until the other opens, in every combination of plain and timed.
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
fn open_read_timeout_detects_silent_and_closed_writers() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    thread::scope(|scope| {
        let writing = scope.spawn(|| fifo.open_write().unwrap());
        let reader = fifo.open_read_timeout(LONG).unwrap();
        let writer = writing.join().unwrap();
        assert_eq!(kind(reader.try_read(&mut [0; 4])), ErrorKind::Empty, "a silent writer");
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
fn open_timeout_of_zero_succeeds_with_a_peer() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    let (reader, writer) = opened(&fifo);
    fifo.open_write_timeout(Duration::ZERO).unwrap();
    fifo.open_read_timeout(Duration::ZERO).unwrap();
    writer.write_timeout(b"x", Duration::ZERO).unwrap();
    assert_eq!(reader.read_timeout(&mut [0; 4], Duration::ZERO).unwrap(), 1);
}

#[test]
fn read_after_end_of_stream_returns_the_next_writers_bytes() {
    let (_dir, path) = place();
    let fifo = Fifo::create_new(&path).unwrap();
    let (reader, writer) = opened(&fifo);
    drop(writer);
    assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
    fifo.try_open_write().unwrap().write(b"next").unwrap();
    assert_eq!(reader.read(&mut [0; 4]).unwrap(), 4);
}

#[test]
fn read_with_stay_open_never_returns_end_of_stream() {
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
fn write_after_staying_reader_closed_returns_disconnected() {
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
fn try_write_to_full_fifo_returns_full_and_writes_nothing() {
    let (_dir, path) = place();
    let (reader, writer) = opened(&Fifo::create_new(&path).unwrap());
    assert_eq!(writer.set_capacity(1).unwrap(), 4096);
    assert_eq!(reader.capacity().unwrap(), 4096);
    writer.write(&[1; 4095]).unwrap();
    assert_eq!(reader.available().unwrap(), 4095);
    assert_eq!(kind(writer.try_write(&[2; PIPE_BUF])), ErrorKind::Full);
    assert_eq!(kind(writer.write_timeout(&[2; PIPE_BUF], SHORT)), ErrorKind::TimedOut);
    assert_eq!(reader.available().unwrap(), 4095, "nothing was written");
    assert_eq!(reader.read(&mut [0; 8192]).unwrap(), 4095);
    assert_eq!(kind(reader.try_read(&mut [0; 1])), ErrorKind::Empty);
}

#[test]
fn read_after_try_read_still_blocks() {
    let (_dir, path) = place();
    let (reader, writer) = opened(&Fifo::create_new(&path).unwrap());
    let _ = reader.try_read(&mut [0; 1]).unwrap_err();
    writer.try_write(b"x").unwrap();
    for end in [reader.as_fd(), writer.as_fd()] {
        let flags = OFlag::from_bits_retain(fcntl(end, FcntlArg::F_GETFL).unwrap());
        assert!(!flags.contains(OFlag::O_NONBLOCK), "the shared description is unchanged");
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
fn read_and_write_with_nonblocking_return_empty_and_full() {
    let (_dir, path) = place();
    let (reader, writer) = opened(&Options::new().nonblocking(true).create_new(&path).unwrap());
    assert_eq!(kind(reader.read(&mut [0; 4])), ErrorKind::Empty);
    assert_eq!(kind(reader.read_timeout(&mut [0; 4], SHORT)), ErrorKind::TimedOut);
    while writer.write(&[0; PIPE_BUF]).is_ok() {}
    assert_eq!(kind(writer.write(&[0; PIPE_BUF])), ErrorKind::Full);
}

#[test]
fn pipe_reader_from_fifo_reader_splices() {
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
fn read_exact_and_write_all_transfer_everything_or_return_the_bytes() {
    let (_dir, path) = place();
    let (reader, writer) = opened(&Fifo::create_new(&path).unwrap());
    let mut buffer = [0; 100_000];
    thread::scope(|scope| {
        scope.spawn(|| writer.write_all(&[7; 100_000]).unwrap());
        reader.read_exact(&mut buffer).unwrap();
    });
    assert!(buffer == [7; 100_000]);
    writer.write_all_timeout(b"part", SHORT).unwrap();
    let error = reader.read_exact_timeout(&mut [0; 8], SHORT).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::TimedOut, Some(4)), "{error}");
    assert_eq!(error.object(), path.to_str());
    let error = writer.write_all_timeout(&[0; 100_000], SHORT).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::TimedOut, Some(65_536)), "{error}");
    reader.read_exact(&mut [0; 65_536]).unwrap();
    writer.write(b"end").unwrap();
    drop(writer);
    let error = reader.read_exact(&mut [0; 8]).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::Disconnected, Some(3)), "{error}");
    assert_eq!(error.object(), path.to_str());
}

#[test]
fn clones_are_the_same_end_and_keep_it_open() {
    let (_dir, path) = place();
    let fifo = Options::new().stay_open(true).create_new(&path).unwrap();
    let reader = fifo.open_read().unwrap().try_clone().unwrap();
    assert_eq!(kind(reader.try_read(&mut [0; 4])), ErrorKind::Empty, "the clone stays open, too");
    let writer = fifo.try_open_write().unwrap();
    writer.try_clone().unwrap().write_all(b"one").unwrap();
    drop(writer);
    reader.read_exact(&mut [0; 3]).unwrap();
}
