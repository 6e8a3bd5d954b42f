//! Two pipes as one two-way connection.

use std::io::{self, Read, Write};

use super::{Reader, Writer, pipe};
use crate::error::Result;

/// Two pipes, crossed: what one [`Duplex`] writes, the other reads.
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
/// Each direction is a pipe with everything that a pipe can do, at [`reader`](Duplex::reader) and [`writer`](Duplex::writer). Two processes
/// that both write much before they read wait for each other for ever: a protocol over a duplex takes turns, or uses the `_timeout` forms.
///
/// It has two descriptors, so there is no single one for an event loop: poll those of the two ends.
#[derive(Debug)]
pub struct Duplex {
    reader: Reader,
    writer: Writer,
}

impl Duplex {
    /// Joins the reading end of one pipe and the writing end of another.
    pub fn new(reader: Reader, writer: Writer) -> Self {
        Duplex { reader, writer }
    }

    /// The incoming direction.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The outgoing direction.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Takes the two directions apart; dropping the writer then ends the peer's stream while this side still reads.
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

    /// Does nothing: a pipe holds nothing back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
