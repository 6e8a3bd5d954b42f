//! Two pipes as one two-way connection.

use std::io::{self, Read, Write};

use super::{Reader, Writer, pipe};
use crate::error::Result;

/// Creates two pipes, crossed: each [`Duplex`] reads what the other writes.
///
/// ```
/// use std::io::{Read, Write};
///
/// let (mut left, mut right) = ipcraft::pipe::duplex()?;
/// left.write_all(b"ping")?;
/// let mut buffer = [0; 4];
/// right.read_exact(&mut buffer)?;
/// right.write_all(b"pong")?;
/// left.read_exact(&mut buffer)?;
/// assert_eq!(&buffer, b"pong");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// As for [`pipe()`].
pub fn duplex() -> Result<(Duplex, Duplex)> {
    let (left_reader, right_writer) = pipe()?;
    let (right_reader, left_writer) = pipe()?;
    Ok((Duplex::new(left_reader, left_writer), Duplex::new(right_reader, right_writer)))
}

/// One end of a two-way connection made of two pipes.
///
/// [`reader`](Duplex::reader) and [`writer`](Duplex::writer) are the ends of the two pipes. Two
/// processes that both write more than the capacity before they read deadlock: take turns, or use
/// the `_timeout` forms.
///
/// An event loop polls two descriptors, one of each end.
#[derive(Debug)]
pub struct Duplex {
    reader: Reader,
    writer: Writer,
}

impl Duplex {
    /// Joins the read end of one pipe and the write end of another.
    pub fn new(reader: Reader, writer: Writer) -> Self {
        Duplex { reader, writer }
    }

    /// Returns the incoming direction.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Returns the outgoing direction.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Splits it into its directions. Dropping the writer then ends the peer's stream while this
    /// side can still read.
    pub fn into_split(self) -> (Reader, Writer) {
        (self.reader, self.writer)
    }
}

impl Read for Duplex {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.reader.read(buffer)?)
    }
}

impl Write for Duplex {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.writer.write(bytes)?)
    }

    /// Does nothing: a pipe buffers nothing in the process.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
