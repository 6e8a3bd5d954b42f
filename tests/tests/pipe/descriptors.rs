//! The descriptors of the ends.

use std::os::fd::OwnedFd;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::pipe::{Options, Reader, Writer};

use crate::ends;

#[test]
fn end_from_wrong_direction_returns_ebadf() {
    let (reader, writer) = ends();
    let (no_writer, no_reader) = (Writer::from(OwnedFd::from(reader)), Reader::from(OwnedFd::from(writer)));
    let errors = [
        no_reader.read(&mut [0; 8]).unwrap_err(),
        no_reader.try_read(&mut [0; 8]).unwrap_err(),
        no_writer.write(b"x").unwrap_err(),
        no_writer.try_write(b"x").unwrap_err(),
        no_writer.splice_static(b"x").unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Other, Some(libc::EBADF)), "{error}");
    }
}

#[test]
fn ends_convert_to_and_from_std() {
    let (std_reader, std_writer) = std::io::pipe().unwrap();
    let (reader, writer) = (Reader::from(std_reader), Writer::from(std_writer));
    writer.write(b"through").unwrap();
    drop(OwnedFd::from(writer));
    let reader = Reader::from(OwnedFd::from(reader));
    let mut buffer = [0; 16];
    assert_eq!(reader.read(&mut buffer).unwrap(), 7);
    assert_eq!(reader.read(&mut buffer).unwrap(), 0, "a converted end closes when dropped");
}

#[test]
fn clones_are_the_same_end_and_keep_it_open() {
    let (reader, writer) = ends();
    let (other_reader, other_writer) = (reader.try_clone().unwrap(), writer.try_clone().unwrap());
    drop((reader, writer));
    other_writer.write_all(b"through").unwrap();
    drop(other_writer);
    let mut buffer = [0; 7];
    other_reader.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"through");
    assert_eq!(other_reader.read(&mut buffer).unwrap(), 0);
    let (reader, _writer) = Options::new().packets(true).create().unwrap();
    assert_eq!(reader.try_clone().unwrap().try_read(&mut buffer).unwrap_err().kind(), ErrorKind::Empty);
}

#[test]
fn read_exact_and_write_all_transfer_everything_or_return_the_bytes() {
    const LONG: Duration = Duration::from_secs(20);
    let (reader, writer) = ends();
    let mut buffer = [0; 100_000];
    std::thread::scope(|scope| {
        scope.spawn(|| writer.write_all_timeout(&[7; 100_000], LONG).unwrap());
        reader.read_exact_timeout(&mut buffer, LONG).unwrap();
    });
    assert!(buffer == [7; 100_000]);
    writer.write_all(b"part").unwrap();
    let error = reader.read_exact_timeout(&mut [0; 8], Duration::ZERO).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::TimedOut, Some(4)), "{error}");
    let error = writer.write_all_timeout(&[0; 100_000], Duration::ZERO).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::TimedOut, Some(65_536)), "{error}");
    drop(reader);
    let error = writer.write_all(b"x").unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::Disconnected, Some(0)), "{error}");
}
