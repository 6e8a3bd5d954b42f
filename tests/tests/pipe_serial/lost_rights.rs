//! Ends that stay in use after the process gave up its rights, or where /proc is missing.

use std::os::fd::OwnedFd;
use std::time::Duration;

use ipcraft::fifo::{self, Fifo};
use ipcraft::{ErrorKind, Result, pipe};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::scratch;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::SHORT_TIMEOUT;
use ipcraft_tests::user::{drop_privileges, skipped_unless_root};
use nix::unistd::chroot;

use super::kind_of;

/// What a process may lose.
const LOSSES: [(&str, fn()); 3] = [
    ("the user", drop_privileges),
    ("/proc", lose_proc),
    ("the user and /proc", || {
        lose_proc();
        drop_privileges();
    }),
];

fn lose_proc() {
    chroot("/var/empty").or_else(|_| chroot("/sys")).expect("chroot");
    assert!(!std::path::Path::new("/proc/self").exists());
}

type Read<'a> = &'a dyn Fn(&mut [u8]) -> Result<usize>;
type Write<'a> = &'a dyn Fn(&[u8]) -> Result<usize>;

/// Calls on an empty pipe, whose result is the same whatever the process may open.
fn exchange(what: &str, reads: [Read<'_>; 2], writes: [Write<'_>; 2]) {
    let mut buffer = [0; 64];
    assert_eq!(kind_of(reads[0](&mut buffer)), ErrorKind::Empty, "{what}");
    assert_eq!(kind_of(reads[1](&mut buffer)), ErrorKind::TimedOut, "{what}");
    for write in writes {
        for read in reads {
            assert_eq!(write(b"some bytes").unwrap(), 10, "{what}");
            assert_eq!(read(&mut buffer).unwrap(), 10, "{what}");
            assert_eq!(&buffer[..10], b"some bytes", "{what}");
        }
    }
    while writes[0](&[7; 4096]).is_ok() {}
    assert_eq!(kind_of(writes[0](b"x")), ErrorKind::Full, "{what}");
    assert_eq!(kind_of(writes[1](b"x")), ErrorKind::TimedOut, "{what}");
}

#[serial_test]
fn fifo_ends_stay_usable_after_the_process_lost_its_rights() -> Outcome {
    if let Some(skipped) = skipped_unless_root() {
        return skipped;
    }
    for (what, lose) in LOSSES {
        let dir = scratch::directory();
        let fifo = Fifo::create_new(dir.path().join("fifo")).unwrap();
        let reader = fifo.try_open_read().unwrap();
        let writer = fifo.try_open_write().unwrap();
        Peer::start(|| {
            lose();
            exchange(
                what,
                [&|b| reader.try_read(b), &|b| reader.read_timeout(b, SHORT_TIMEOUT)],
                [&|b| writer.try_write(b), &|b| writer.write_timeout(b, SHORT_TIMEOUT)],
            );
        })
        .join();
    }
    Outcome::Passed
}

#[serial_test]
fn pipe_ends_stay_usable_after_the_process_lost_its_rights() -> Outcome {
    if let Some(skipped) = skipped_unless_root() {
        return skipped;
    }
    for (what, lose) in LOSSES {
        for packets in [false, true] {
            let (reader, writer) = pipe::Options::new().packets(packets).create().unwrap();
            // After these calls the kernel refuses RWF_NOWAIT, as old kernels do always.
            writer.splice_static(b"spliced").unwrap();
            reader.splice_to(tempfile::tempfile().unwrap(), 100).unwrap();
            Peer::start(|| {
                lose();
                exchange(
                    what,
                    [&|b| reader.try_read(b), &|b| reader.read_timeout(b, SHORT_TIMEOUT)],
                    [&|b| writer.try_write(b), &|b| writer.write_timeout(b, SHORT_TIMEOUT)],
                );
            })
            .join();
        }
    }
    Outcome::Passed
}

#[serial_test]
fn write_of_packets_after_the_process_lost_its_rights_keeps_boundaries() -> Outcome {
    if let Some(skipped) = skipped_unless_root() {
        return skipped;
    }
    for (what, lose) in LOSSES {
        let (reader, writer) = pipe::Options::new().packets(true).create().unwrap();
        writer.splice_static(b"spliced").unwrap();
        reader.splice_to(tempfile::tempfile().unwrap(), 100).unwrap();
        Peer::start(|| {
            lose();
            for length in [3, 5, 4000, 4000] {
                assert_eq!(writer.try_write(&vec![7; length]).unwrap(), length, "{what}");
            }
            for length in [3, 5, 4000, 4000] {
                assert_eq!(reader.try_read(&mut [0; 8192]).unwrap(), length, "{what}");
            }
        })
        .join();
    }
    Outcome::Passed
}

#[serial_test]
fn open_of_a_staying_reader_needs_no_proc() -> Outcome {
    if let Some(skipped) = skipped_unless_root() {
        return skipped;
    }
    let dir = scratch::directory();
    Peer::start(|| {
        chroot(dir.path()).expect("chroot");
        let fifo = fifo::Options::new().stay_open(true).remove_on_drop(true).create_new("/fifo").unwrap();
        let reader = fifo.open_read().unwrap();
        assert_eq!(kind_of(reader.try_read(&mut [0; 4])), ErrorKind::Empty);
    })
    .join();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    Outcome::Passed
}

/// A descriptor that is open for both directions: reading by vmsplice(2) would fill the pipe.
#[serial_test]
fn try_read_of_an_adopted_descriptor_that_also_writes_puts_nothing_in() {
    let dir = scratch::directory();
    let path = dir.path().join("fifo");
    Fifo::create_new(&path).unwrap();
    let both = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let reader = pipe::Reader::from(OwnedFd::from(both));
    for _ in 0..3 {
        assert_eq!(kind_of(reader.try_read(&mut [0; 16])), ErrorKind::Empty);
        assert_eq!(kind_of(reader.read_timeout(&mut [0; 16], Duration::ZERO)), ErrorKind::TimedOut);
    }
    assert_eq!(reader.available().unwrap(), 0);
}
