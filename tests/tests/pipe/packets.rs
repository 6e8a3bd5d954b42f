//! Packet mode.

use std::os::fd::OwnedFd;
use std::time::Duration;

use ipcraft::pipe::{Options, PIPE_BUF, Reader, Writer};
use ipcraft::{ErrorKind, Result};

type Read = fn(&Reader, &mut [u8]) -> Result<usize>;

fn ends() -> (Reader, Writer) {
    Options::new().packets(true).create().unwrap()
}

#[test]
fn read_in_packet_mode_returns_one_write() {
    let (reader, writer) = ends();
    writer.write(b"one").unwrap();
    writer.write(b"three").unwrap();
    let mut buffer = [0; 64];
    assert_eq!(reader.read(&mut buffer).unwrap(), 3);
    assert_eq!(reader.read(&mut buffer).unwrap(), 5);

    writer.write(&[7; PIPE_BUF + 1]).unwrap();
    let mut large = [0; 2 * PIPE_BUF];
    assert_eq!(reader.read(&mut large).unwrap(), PIPE_BUF, "a longer write is several packets");
    assert_eq!(reader.read(&mut large).unwrap(), 1);
    drop(writer);
    assert_eq!(reader.read(&mut large).unwrap(), 0);
}

#[test]
fn read_of_longer_packet_returns_truncated() {
    let (reader, writer) = ends();
    let reads: [Read; 3] =
        [Reader::read, Reader::try_read, |reader, buffer| reader.read_timeout(buffer, Duration::ZERO)];
    for read in reads {
        writer.write(&[7; 100]).unwrap();
        writer.write(b"next").unwrap();
        let error = read(&reader, &mut [0; 10]).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Truncated, None), "{error}");
        let limit = error.limit().expect("the two lengths");
        assert_eq!((limit.value(), limit.requested()), (10, Some(100)));
        assert_eq!(error.transferred(), Some(10), "its beginning is in the buffer");
        let mut buffer = [0; 10];
        assert_eq!(read(&reader, &mut buffer).unwrap(), 4, "the next packet is unchanged");
        assert_eq!(&buffer[..4], b"next");
    }
    writer.write(&[7; 10]).unwrap();
    assert_eq!(reader.read(&mut [0; 10]).unwrap(), 10, "a packet of exactly the buffer's length");
}

#[test]
fn read_exact_of_packets_that_do_not_fit_returns_the_bytes() {
    let (reader, writer) = ends();
    for packet in [&b"abc"[..], b"defg", b"end"] {
        writer.write(packet).unwrap();
    }
    let mut buffer = [0; 5];
    let error = reader.read_exact(&mut buffer).unwrap_err();
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::Truncated, Some(5)), "{error}");
    assert_eq!(&buffer, b"abcde");
    reader.read_exact(&mut buffer[..3]).unwrap();
    assert_eq!(&buffer[..3], b"end");
}

#[test]
fn reader_from_descriptor_detects_packet_mode() {
    let (reader, writer) = ends();
    let reader = Reader::from(OwnedFd::from(reader));
    writer.write(&[7; 100]).unwrap();
    assert_eq!(reader.read(&mut [0; 10]).unwrap_err().kind(), ErrorKind::Truncated);
}

/// After a splicing call the kernel refuses `RWF_NOWAIT` on both ends, as old kernels do always.
fn ends_that_refuse_nowait() -> (Reader, Writer) {
    let (reader, writer) = ends();
    writer.splice_static(b"spliced").unwrap();
    reader.splice_to(tempfile::tempfile().unwrap(), 100).unwrap();
    (reader, writer)
}

#[test]
fn try_write_in_packet_mode_where_nowait_is_refused_keeps_boundaries() {
    let (reader, writer) = ends_that_refuse_nowait();
    let lengths = [3, 5, 4000, 4000];
    assert_eq!(writer.try_write(&[7; 3]).unwrap(), 3);
    assert_eq!(writer.write_timeout(&[7; 5], Duration::ZERO).unwrap(), 5);
    assert_eq!(writer.try_write(&[7; 4000]).unwrap(), 4000);
    assert_eq!(writer.write(&[7; 4000]).unwrap(), 4000);
    let mut buffer = [0; 2 * PIPE_BUF];
    for length in lengths {
        assert_eq!(reader.read(&mut buffer).unwrap(), length);
    }
}

#[test]
fn try_read_in_packet_mode_where_nowait_is_refused_returns_one_packet() {
    let (reader, writer) = ends_that_refuse_nowait();
    for packet in [&b"one"[..], b"three", b"seventh"] {
        writer.write(packet).unwrap();
    }
    let mut buffer = [0; 64];
    assert_eq!(reader.try_read(&mut buffer).unwrap(), 3);
    assert_eq!(reader.read_timeout(&mut buffer, Duration::ZERO).unwrap(), 5);
    let error = reader.try_read(&mut [0; 3]).unwrap_err();
    assert_eq!((error.kind(), error.limit().unwrap().requested()), (ErrorKind::Truncated, Some(7)));
    assert_eq!(reader.try_read(&mut buffer).unwrap_err().kind(), ErrorKind::Empty);
    drop(writer);
    assert_eq!(reader.try_read(&mut buffer).unwrap(), 0);
}
