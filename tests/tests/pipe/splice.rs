//! `splice`, `tee` and `vmsplice`.

use std::fs::{self, File, OpenOptions};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::pipe::{PIPE_BUF, Writer};
use ipcraft_tests::scratch;
use ipcraft_tests::subject::pattern;

use crate::{ends, kind_of};

const SHORT: Duration = Duration::from_millis(10);
const LENGTH: usize = 3 * PIPE_BUF + 5;

#[test]
fn splice_moves_bytes_between_files_and_pipes() {
    let directory = scratch::directory();
    let (from, to) = (directory.path().join("from"), directory.path().join("to"));
    fs::write(&from, pattern(0, LENGTH)).unwrap();
    let ((reader, writer), (second_reader, second_writer)) = (ends(), ends());

    let source = File::open(&from).unwrap();
    assert_eq!(writer.splice_from(&source, 2 * LENGTH).unwrap(), LENGTH);
    assert_eq!(writer.splice_from(&source, 1).unwrap(), 0, "the end of the file");
    assert_eq!(reader.splice_to(&second_writer, LENGTH).unwrap(), LENGTH);
    assert_eq!(reader.available().unwrap(), 0, "moved, not copied");
    let target = File::create(&to).unwrap();
    assert_eq!(second_reader.splice_to(&target, LENGTH).unwrap(), LENGTH);
    assert!(fs::read(&to).unwrap() == pattern(0, LENGTH));
}

#[test]
fn splice_at_end_of_stream_returns_zero() {
    let ((reader, writer), (_keep, output)) = (ends(), ends());
    writer.write(b"last").unwrap();
    drop(writer);
    assert_eq!(reader.tee(&output, 100).unwrap(), 4);
    assert_eq!(reader.splice_to(&output, 100).unwrap(), 4);
    assert_eq!(reader.splice_to(&output, 100).unwrap(), 0);
    assert_eq!(reader.try_splice_to(&output, 100).unwrap(), 0);
    assert_eq!(reader.splice_to_timeout(&output, 100, SHORT).unwrap(), 0);
    assert_eq!(reader.tee(&output, 100).unwrap(), 0);
    assert_eq!(reader.try_tee(&output, 100).unwrap(), 0);
    assert_eq!(reader.tee_timeout(&output, 100, SHORT).unwrap(), 0);
}

#[test]
fn splice_of_unsuitable_file_returns_invalid() {
    let (reader, writer) = ends();
    writer.write(b"stays").unwrap();
    let directory = scratch::directory();
    let path = directory.path().join("log");
    let appending = OpenOptions::new().create(true).append(true).open(&path).unwrap();
    assert_eq!(kind_of(reader.splice_to(&appending, 5)), ErrorKind::Invalid, "a file opened for appending");
    assert_eq!(kind_of(reader.splice_to(&writer, 5)), ErrorKind::Invalid, "moved into itself");
    assert_eq!(kind_of(writer.splice_from(&reader, 5)), ErrorKind::Invalid, "moved from itself");
    assert_eq!(kind_of(reader.tee(&writer, 5)), ErrorKind::Invalid, "copied to itself");

    let no_pipe = Writer::from(OwnedFd::from(File::create(&path).unwrap()));
    assert_eq!(kind_of(reader.tee(&no_pipe, 5)), ErrorKind::Invalid, "copied to a file");
    assert_eq!(kind_of(no_pipe.splice_from(File::open(&path).unwrap(), 5)), ErrorKind::Invalid, "two files");
    let error = no_pipe.splice_static(b"x").unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Other, Some(libc::EBADF)), "{error}");
    assert_eq!(reader.available().unwrap(), 5, "the failed calls moved nothing");
}

#[test]
fn splice_in_three_forms_returns_empty_full_or_timed_out() {
    let ((reader, _writer), (_full_reader, full)) = (ends(), ends());
    let (_room_reader, room) = ends();
    let (source, source_writer) = ends();
    fill(&full);
    source_writer.write(b"x").unwrap();

    assert_eq!(kind_of(reader.try_splice_to(&room, 1)), ErrorKind::Empty);
    assert_eq!(kind_of(reader.try_tee(&room, 1)), ErrorKind::Empty);
    assert_eq!(kind_of(full.try_splice_from(&source, 1)), ErrorKind::Full);
    assert_eq!(kind_of(full.try_splice_static(b"x")), ErrorKind::Full);

    times_out(|| reader.splice_to_timeout(&room, 1, SHORT));
    times_out(|| reader.tee_timeout(&room, 1, SHORT));
    times_out(|| room.splice_from_timeout(&reader, 1, SHORT));
    times_out(|| full.splice_from_timeout(&source, 1, SHORT));
    times_out(|| source.splice_to_timeout(&full, 1, SHORT));
    times_out(|| source.tee_timeout(&full, 1, SHORT));
    times_out(|| full.splice_static_timeout(b"x", SHORT));

    // An expired timeout suffices for a transfer that can proceed immediately.
    assert_eq!(source.tee_timeout(&room, 1, Duration::ZERO).unwrap(), 1);
    assert_eq!(source.splice_to_timeout(&room, 1, Duration::ZERO).unwrap(), 1);
    source_writer.write(b"x").unwrap();
    assert_eq!(room.splice_from_timeout(&source, 1, Duration::ZERO).unwrap(), 1);
    assert_eq!(room.splice_static_timeout(b"x", Duration::ZERO).unwrap(), 1);
}

fn fill(writer: &Writer) {
    while writer.try_write(&[0; PIPE_BUF]).is_ok() {}
}

fn times_out(call: impl FnOnce() -> ipcraft::Result<usize>) {
    let start = Instant::now();
    assert_eq!(kind_of(call()), ErrorKind::TimedOut);
    assert!(start.elapsed() >= SHORT, "after {:?} already", start.elapsed());
}

#[test]
fn splice_without_reader_returns_disconnected() {
    let ((reader, writer), (unread, closed)) = (ends(), ends());
    writer.write(b"stays").unwrap();
    drop(unread);
    for error in [
        reader.splice_to(&closed, 5).unwrap_err(),
        closed.splice_from(&reader, 5).unwrap_err(),
        reader.tee(&closed, 5).unwrap_err(),
        closed.splice_static(b"x").unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Disconnected, Some(libc::EPIPE)), "{error}");
    }
    assert_eq!(reader.available().unwrap(), 5);
}

#[test]
fn tee_copies_and_leaves_the_bytes() {
    let ((reader, writer), (copy_reader, copy)) = (ends(), ends());
    writer.write(b"twice").unwrap();
    assert_eq!(reader.tee(&copy, 5).unwrap(), 5);
    assert_eq!(reader.try_tee(&copy, 3).unwrap(), 3, "from the first byte again");
    let mut buffer = [0; 16];
    assert_eq!(reader.read(&mut buffer).unwrap(), 5);
    assert_eq!(&buffer[..5], b"twice");
    assert_eq!(copy_reader.read(&mut buffer).unwrap(), 8);
    assert_eq!(&buffer[..8], b"twicetwi");
}
