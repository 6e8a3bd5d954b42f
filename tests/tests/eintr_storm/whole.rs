//! Exact reads and whole writes of streams.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use ipcraft::fifo::{self, Fifo};
use ipcraft::pipe;
use ipcraft::socket::stream::{self, Stream};
use ipcraft::{Error, ErrorKind, Result};
use ipcraft_tests::subject::{Ends, Form, Receiver, Sender};

use crate::exchange::Route;

pub(crate) const ROUTES: &[Route] = &[
    Route {
        name: "whole_buffers_in_pipe",
        sends: &["pipe::Writer::write_all"],
        receives: &["pipe::Reader::read_exact"],
        connect: &|_| {
            let (reader, writer) = pipe::pipe().unwrap();
            Ends::new(Whole(writer), Whole(reader))
        },
    },
    Route {
        name: "whole_buffers_in_fifo",
        sends: &["fifo::Writer::write_all"],
        receives: &["fifo::Reader::read_exact"],
        connect: &|directory| {
            let fifo = Fifo::create_new(directory.join("fifo")).unwrap();
            let reader = fifo.try_open_read().unwrap();
            Ends::new(Whole(fifo.open_write().unwrap()), Whole(reader))
        },
    },
    Route {
        name: "whole_buffers_in_stream",
        sends: &["socket::stream::Stream::write_all"],
        receives: &["socket::stream::Stream::read_exact"],
        connect: &|_| {
            let (left, right) = stream::pair().unwrap();
            Ends::new(Whole(left), Whole(right))
        },
    },
];

struct Whole<End>(End);

/// The bytes of a whole transfer, also of one that failed after a part of them.
fn transferred(result: Result<()>, length: usize) -> Result<usize> {
    let in_part = |error: &Error| error.transferred().filter(|bytes| *bytes > 0);
    match result {
        Ok(()) => Ok(length),
        Err(error) => in_part(&error).ok_or(error),
    }
}

trait WriteAll {
    fn whole(&self, bytes: &[u8]) -> Result<()>;
    fn whole_within(&self, bytes: &[u8], timeout: Duration) -> Result<()>;
}

trait ReadExact {
    fn whole(&self, buffer: &mut [u8]) -> Result<()>;
    fn whole_within(&self, buffer: &mut [u8], timeout: Duration) -> Result<()>;
}

impl<End: WriteAll> Sender for Whole<End> {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        let result = match form {
            Form::Wait => self.0.whole(message),
            Form::Try => self.0.whole_within(message, Duration::ZERO),
            Form::Within(timeout) => self.0.whole_within(message, timeout),
        };
        transferred(result, message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl<End: ReadExact> Receiver for Whole<End> {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let result = match form {
            Form::Wait => self.0.whole(buffer),
            Form::Try => self.0.whole_within(buffer, Duration::ZERO),
            Form::Within(timeout) => self.0.whole_within(buffer, timeout),
        };
        match transferred(result, buffer.len()) {
            Err(error) if error.kind() == ErrorKind::Disconnected => Ok(None),
            received => received.map(Some),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

macro_rules! whole_ends {
    ($($reader:ty, $writer:ty;)*) => {$(
        impl ReadExact for $reader {
            fn whole(&self, buffer: &mut [u8]) -> Result<()> {
                self.read_exact(buffer)
            }

            fn whole_within(&self, buffer: &mut [u8], timeout: Duration) -> Result<()> {
                self.read_exact_timeout(buffer, timeout)
            }
        }

        impl WriteAll for $writer {
            fn whole(&self, bytes: &[u8]) -> Result<()> {
                self.write_all(bytes)
            }

            fn whole_within(&self, bytes: &[u8], timeout: Duration) -> Result<()> {
                self.write_all_timeout(bytes, timeout)
            }
        }
    )*};
}

whole_ends! {
    pipe::Reader, pipe::Writer;
    fifo::Reader, fifo::Writer;
    Stream, Stream;
}
