//! The options of a pipe.

use std::os::fd::AsFd;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::pipe::Options;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::kind_of;

#[test]
fn create_sets_the_flags_of_both_ends() {
    for (options, expected) in [
        (Options::new(), OFlag::empty()),
        (Options::new().nonblocking(true), OFlag::O_NONBLOCK),
        (Options::new().packets(true), OFlag::O_DIRECT),
        (Options::new().packets(true).nonblocking(true), OFlag::O_DIRECT | OFlag::O_NONBLOCK),
    ] {
        let (reader, writer) = options.create().unwrap();
        assert_eq!(flags(&reader), expected);
        assert_eq!(flags(&writer), expected);
    }
}

fn flags(end: impl AsFd) -> OFlag {
    let flags = OFlag::from_bits_retain(fcntl(end, FcntlArg::F_GETFL).unwrap());
    flags & (OFlag::O_NONBLOCK | OFlag::O_DIRECT)
}

#[test]
fn read_with_nonblocking_returns_empty_and_read_timeout_waits() {
    const SHORT: Duration = Duration::from_millis(5);
    let (reader, writer) = Options::new().nonblocking(true).create().unwrap();
    assert_eq!(kind_of(reader.read(&mut [0; 8])), ErrorKind::Empty);
    assert_eq!(kind_of(reader.read_timeout(&mut [0; 8], SHORT)), ErrorKind::TimedOut);
    let capacity = writer.capacity().unwrap();
    assert_eq!(writer.write(&vec![0; capacity + 1]).unwrap(), capacity);
    assert_eq!(kind_of(writer.write(b"x")), ErrorKind::Full);
    assert_eq!(kind_of(writer.write_timeout(b"x", SHORT)), ErrorKind::TimedOut);
}
