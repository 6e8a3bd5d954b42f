//! The descriptors of the ends.

use std::os::fd::OwnedFd;

use ipcraft::ErrorKind;
use ipcraft::pipe::{Reader, Writer};

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
