//! The descriptors behind the ends.

use std::os::fd::OwnedFd;

use ipcraft::ErrorKind;
use ipcraft::pipe::{Options, Reader, Writer, duplex, pipe};
use ipcraft_tests::leak;
use ipcraft_tests::peer::Peer;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{ends, kind_of};

pub(crate) fn of_the_wrong_direction_are_refused() {
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

pub(crate) fn a_full_table_is_named() {
    Peer::start(|| {
        // Two descriptors are free, as many as a pipe needs; then one.
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let allowed = lowest_unused() + 2;
        setrlimit(Resource::RLIMIT_NOFILE, allowed, hard).unwrap();
        drop(ends());
        assert_eq!(kind_of(duplex()), ErrorKind::LimitReached, "which needs four");
        drop(pipe().expect("the failure has kept none"));

        let _one = std::fs::File::open("/dev/null").unwrap();
        for error in [pipe().unwrap_err(), Options::new().capacity(1).create().unwrap_err()] {
            assert_eq!(
                (error.kind(), error.errno()),
                (ErrorKind::LimitReached, Some(libc::EMFILE)),
                "{error}"
            );
            let limit = error.limit().expect("which limit");
            assert_eq!((limit.name(), limit.value()), ("RLIMIT_NOFILE", allowed));
        }
    })
    .join();
}

/// The number above all open descriptors of this child, whose table then has no gaps below it.
fn lowest_unused() -> u64 {
    let taken = leak::descriptors();
    let highest = taken.iter().map(|(fd, _)| u64::from(*fd)).max().unwrap_or(2);
    // The plugs last for the life of the child.
    let gaps = (0..=highest).filter(|fd| !taken.iter().any(|(number, _)| u64::from(*number) == *fd)).count();
    (0..gaps).for_each(|_| std::mem::forget(std::fs::File::open("/dev/null").unwrap()));
    highest + 1
}

pub(crate) fn convert_both_ways() {
    let (std_reader, std_writer) = std::io::pipe().unwrap();
    let (reader, writer) = (Reader::from(std_reader), Writer::from(std_writer));
    writer.write(b"through").unwrap();
    drop(OwnedFd::from(writer));
    let reader = Reader::from(OwnedFd::from(reader));
    let mut buffer = [0; 16];
    assert_eq!(reader.read(&mut buffer).unwrap(), 7);
    assert_eq!(reader.read(&mut buffer).unwrap(), 0, "a converted end closes when dropped");
}
