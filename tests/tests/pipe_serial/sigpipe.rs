//! Writes without a reader while `SIGPIPE` has its default action, which kills.

use std::time::Duration;

use ipcraft::pipe::{Reader, Writer};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};

use crate::{ends, kind_of};

type Call = fn(&Reader, &Writer) -> Result<usize>;

/// Every call that writes to a pipe. The writer's pipe has no reader; the reader's contains a byte.
const CALLS: &[(&str, Call)] = &[
    ("write", |_, writer| writer.write(b"x")),
    ("try_write", |_, writer| writer.try_write(b"x")),
    ("write_timeout", |_, writer| writer.write_timeout(b"x", Duration::from_secs(9))),
    ("splice_static", |_, writer| writer.splice_static(b"x")),
    ("try_splice_static", |_, writer| writer.try_splice_static(b"x")),
    ("splice_static_timeout", |_, writer| writer.splice_static_timeout(b"x", Duration::from_secs(9))),
    ("splice_from", |reader, writer| writer.splice_from(reader, 1)),
    ("try_splice_from", |reader, writer| writer.try_splice_from(reader, 1)),
    ("splice_from_timeout", |reader, writer| writer.splice_from_timeout(reader, 1, Duration::from_secs(9))),
    ("splice_to", |reader, writer| reader.splice_to(writer, 1)),
    ("try_splice_to", |reader, writer| reader.try_splice_to(writer, 1)),
    ("splice_to_timeout", |reader, writer| reader.splice_to_timeout(writer, 1, Duration::from_secs(9))),
    ("tee", |reader, writer| reader.tee(writer, 1)),
    ("try_tee", |reader, writer| reader.try_tee(writer, 1)),
    ("tee_timeout", |reader, writer| reader.tee_timeout(writer, 1, Duration::from_secs(9))),
];

#[serial_test]
fn write_without_reader_raises_no_sigpipe() {
    for (name, call) in CALLS {
        let (unread, writer) = ends();
        drop(unread);
        let (reader, feeder) = ends();
        feeder.write(b"x").unwrap();
        Peer::start(|| {
            // SAFETY: because the child has no handler of its own that this could replace.
            unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.unwrap();
            let mask = SigSet::thread_get_mask().unwrap();
            for _ in 0..2 {
                assert_eq!(kind_of(call(&reader, &writer)), ErrorKind::Disconnected, "{name}");
            }
            assert_eq!(SigSet::thread_get_mask().unwrap(), mask, "{name}: the mask is as it was");
            assert_eq!(reader.available().unwrap(), 1, "{name}: the byte is still there");
        })
        .join();
    }
}
