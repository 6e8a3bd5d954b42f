//! Pipes beyond plain reading and writing, and the opening of FIFOs.

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use ipcraft::Result;
use ipcraft::fifo::Fifo;
use ipcraft::pipe::{self, Options, Reader, Writer};
use ipcraft::socket::stream::{self, Stream};
use ipcraft_tests::eintr_storm::{Handler, Storm};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::scratch;
use ipcraft_tests::subject::{Ends, Form, Receiver, Sender, pattern};

use crate::exchange::{CHUNK, LONG, Route};

pub(crate) const ROUTES: &[Route] = &[
    Route {
        name: "packets",
        sends: &["pipe::Writer::write"],
        receives: &["pipe::Reader::read"],
        connect: &|_| {
            let (reader, writer) = Options::new().packets(true).create().unwrap();
            Ends::new(writer, reader)
        },
    },
    Route {
        name: "splice_to",
        sends: &["pipe::Reader::splice_to"],
        receives: &["pipe::Reader::splice_to"],
        connect: &|_| {
            let (reader, writer) = pipe::pipe().unwrap();
            Ends::new(Detour::new(splice_to, writer), Detour::new(splice_to, reader))
        },
    },
    Route {
        name: "splice_from",
        sends: &["pipe::Writer::splice_from"],
        receives: &["pipe::Writer::splice_from"],
        connect: &|_| {
            let (reader, writer) = pipe::pipe().unwrap();
            Ends::new(Detour::new(splice_from, writer), Detour::new(splice_from, reader))
        },
    },
    Route {
        name: "splice_from_socket",
        sends: &["socket::stream::Stream::write"],
        receives: &["pipe::Writer::splice_from"],
        connect: &|_| {
            let (left, right) = stream::pair().unwrap();
            Ends::new(left, FromSocket { socket: right, through: pipe::pipe().unwrap() })
        },
    },
    Route {
        name: "tee",
        sends: &["pipe::Reader::tee"],
        receives: &["pipe::Reader::tee"],
        connect: &|_| {
            let (reader, writer) = pipe::pipe().unwrap();
            Ends::new(Detour::new(tee, writer), Detour::new(tee, reader))
        },
    },
    Route {
        name: "splice_static",
        sends: &["pipe::Writer::splice_static"],
        receives: &["pipe::Reader::read"],
        connect: &|_| {
            let (reader, writer) = pipe::pipe().unwrap();
            Ends::new(ByReference(writer), reader)
        },
    },
    Route {
        name: "fifo_open",
        sends: &["fifo::Fifo::open_write"],
        receives: &["fifo::Fifo::open_read"],
        connect: &fifo_opened_for_each_message,
    },
];

/// Moves bytes from one pipe into another.
type Move = fn(&Reader, &Writer, usize, Form) -> Result<usize>;

fn splice_to<Output: AsFd>(from: &Reader, to: &Output, length: usize, form: Form) -> Result<usize> {
    match form {
        Form::Wait => from.splice_to(to, length),
        Form::Try => from.try_splice_to(to, length),
        Form::Within(timeout) => from.splice_to_timeout(to, length, timeout),
    }
}

fn splice_from(from: &Reader, to: &Writer, length: usize, form: Form) -> Result<usize> {
    match form {
        Form::Wait => to.splice_from(from, length),
        Form::Try => to.try_splice_from(from, length),
        Form::Within(timeout) => to.splice_from_timeout(from, length, timeout),
    }
}

/// Takes out of the first pipe what was copied to the second.
fn tee(from: &Reader, to: &Writer, length: usize, form: Form) -> Result<usize> {
    let copied = match form {
        Form::Wait => from.tee(to, length),
        Form::Try => from.try_tee(to, length),
        Form::Within(timeout) => from.tee_timeout(to, length, timeout),
    }?;
    let mut rest = vec![0; copied];
    while !rest.is_empty() {
        let gone = from.try_read(&mut rest)?;
        rest.truncate(rest.len() - gone);
    }
    Ok(copied)
}

/// An end of a pipe that is reached through a second pipe of this process's own.
struct Detour<End> {
    transfer: Move,
    end: End,
    own: (Reader, Writer),
}

impl<End> Detour<End> {
    fn new(transfer: Move, end: End) -> Self {
        Detour { transfer, end, own: pipe::pipe().unwrap() }
    }
}

impl Sender for Detour<Writer> {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        let (out, into) = &self.own;
        // What was not transferred last time is still there, and is what comes first in the
        // message.
        let there = out.available()?;
        assert_eq!(into.write(&message[there..])?, message.len() - there);
        (self.transfer)(out, &self.end, message.len(), form)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Receiver for Detour<Reader> {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let (out, into) = &self.own;
        let moved = (self.transfer)(&self.end, into, buffer.len(), form)?;
        read_exactly(out, &mut buffer[..moved])?;
        Ok((moved > 0).then_some(moved))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

fn read_exactly(reader: &Reader, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        filled += reader.try_read(&mut buffer[filled..])?;
    }
    Ok(())
}

/// A socket whose bytes are moved into a pipe and read there.
struct FromSocket {
    socket: Stream,
    through: (Reader, Writer),
}

impl Receiver for FromSocket {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let (out, into) = &self.through;
        let moved = match form {
            Form::Wait => into.splice_from(&self.socket, buffer.len()),
            Form::Try => into.try_splice_from(&self.socket, buffer.len()),
            Form::Within(timeout) => into.splice_from_timeout(&self.socket, buffer.len(), timeout),
        }?;
        read_exactly(out, &mut buffer[..moved])?;
        Ok((moved > 0).then_some(moved))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// A pipe that is filled with references to memory, which is given away for that: only the reader
/// knows how long it is needed.
struct ByReference(Writer);

impl Sender for ByReference {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        let message: &'static [u8] = Vec::leak(message.to_vec());
        match form {
            Form::Wait => self.0.splice_static(message),
            Form::Try => self.0.try_splice_static(message),
            Form::Within(timeout) => self.0.splice_static_timeout(message, timeout),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// A FIFO that both ends open and close for each message, and a pipe that signals when the next may
/// come.
fn fifo_opened_for_each_message(directory: &Path) -> Ends {
    let path = directory.join("fifo");
    let (taken, take) = pipe::pipe().unwrap();
    Ends::new(
        OpenedToWrite { fifo: Fifo::create_new(&path).unwrap(), taken },
        OpenedToRead { fifo: Fifo::open(path).unwrap(), take },
    )
}

struct OpenedToWrite {
    fifo: Fifo,
    taken: Reader,
}

impl Sender for OpenedToWrite {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        let writer = match form {
            Form::Wait => self.fifo.open_write(),
            Form::Try => self.fifo.try_open_write(),
            Form::Within(timeout) => self.fifo.open_write_timeout(timeout),
        }?;
        assert_eq!(writer.write(message)?, message.len(), "an empty pipe has room for it");
        drop(writer);
        assert_eq!(self.taken.read(&mut [0; 2])?, 1);
        Ok(message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

struct OpenedToRead {
    fifo: Fifo,
    take: Writer,
}

impl Receiver for OpenedToRead {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let reader = match form {
            Form::Wait => self.fifo.open_read(),
            Form::Try => self.fifo.try_open_read(),
            Form::Within(timeout) => self.fifo.open_read_timeout(timeout),
        }?;
        let mut filled = 0;
        while filled < CHUNK {
            let count = reader.read(&mut buffer[filled..])?;
            assert!(count > 0, "the end after {filled} bytes");
            filled += count;
        }
        assert_eq!(reader.read(&mut [0; 8])?, 0, "the writer closes after one message");
        drop(reader);
        self.take.write(b"x")?;
        Ok(Some(filled))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// A blocking socket, which no deadline binds, gets all of a stream although the moving is
/// interrupted again and again.
pub(crate) fn splice_into_a_socket(handler: Handler) {
    let (reader, writer) = pipe::pipe().unwrap();
    let (left, right) = stream::pair().unwrap();
    let (mut writer, mut left) = (Some(writer), Some(left));
    let source = Peer::start(|| {
        left.take();
        let (_storm, writer) = (Storm::start(handler), writer.take().unwrap());
        writer.write_all(&pattern(0, TOTAL)).unwrap();
    });
    writer.take();
    let mover = Peer::start(|| {
        let (storm, left) = (Storm::start(handler), left.take().unwrap());
        while reader.splice_to(&left, 50_000).expect("a signal is no error") > 0 {}
        assert!(storm.caught() > 50, "only {} signals came", storm.caught());
    });
    left.take();
    let storm = Storm::start(handler);
    assert!(read_slowly(&right) == pattern(0, TOTAL), "nothing lost, nothing twice");
    drop(storm);
    source.join();
    mover.join();
}

const TOTAL: usize = 1 << 20;

/// A file, likewise, by either form.
pub(crate) fn splice_into_a_file(handler: Handler) {
    const WRITE: usize = 8192;
    let directory = scratch::directory();
    let path = directory.path().join("file");
    let file = File::create(&path).unwrap();
    let (reader, writer) = pipe::pipe().unwrap();
    let source = Peer::start(move || {
        let _storm = Storm::start(handler);
        for offset in (0..TOTAL).step_by(WRITE) {
            sleep(Duration::from_millis(1));
            writer.write_all(&pattern(offset, WRITE)).unwrap();
        }
    });
    let storm = Storm::start(handler);
    for form in [Form::Wait, Form::Within(LONG)].iter().cycle() {
        if splice_to(&reader, &file, WRITE, *form).expect("a signal is no error") == 0 {
            break;
        }
    }
    assert!(storm.caught() > 50, "only {} signals came", storm.caught());
    drop(storm);
    source.join();
    assert!(fs::read(path).unwrap() == pattern(0, TOTAL), "nothing lost, nothing twice");
}

/// So that writers have to wait.
fn read_slowly(socket: &Stream) -> Vec<u8> {
    let (mut received, mut buffer) = (Vec::new(), [0; 10_000]);
    loop {
        sleep(Duration::from_millis(1));
        match socket.read(&mut buffer).expect("a signal is no error") {
            0 => return received,
            count => received.extend_from_slice(&buffer[..count]),
        }
    }
}
