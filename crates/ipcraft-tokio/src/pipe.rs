//! Pipes: [`ipcraft::pipe`] under tokio.
//!
//! A [`Reader`] is an [`AsyncRead`](tokio::io::AsyncRead), a [`Writer`] an
//! [`AsyncWrite`](tokio::io::AsyncWrite). Their own calls take `&self` and return the errors of
//! `ipcraft`.
//!
//! ```
//! use ipcraft::pipe;
//! use ipcraft_tokio::IntoAsync;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> ipcraft::Result<()> {
//! let (reader, writer) = pipe::pipe()?;
//! let (reader, writer) = (reader.into_async()?, writer.into_async()?);
//! writer.write(b"hello").await?;
//! let mut buffer = [0; 16];
//! assert_eq!(reader.read(&mut buffer).await?, 5);
//! # Ok(()) }
//! ```

use ipcraft::{Result, pipe};

use crate::{Async, Source};

/// The async form of [`pipe::Reader`].
pub type Reader = Async<pipe::Reader>;

/// The async form of [`pipe::Writer`].
pub type Writer = Async<pipe::Writer>;

impl Async<pipe::Reader> {
    /// `read(2)`: waits until data arrives and returns the number of bytes; `Ok(0)` is end of
    /// stream.
    ///
    /// Cancel safe: a dropped future has read nothing.
    ///
    /// # Errors
    ///
    /// [`Other`](ipcraft::ErrorKind::Other) if the runtime of the handle has ended.
    pub async fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.read_with(|reader| reader.try_read(buffer)).await
    }

    /// `splice(2)`: moves at most `length` bytes to `output` and returns how many; `Ok(0)` is end
    /// of stream. Waits until there are bytes and the output has room.
    ///
    /// Cancel safe: a dropped future has moved nothing. Make a socket
    /// [non-blocking](ipcraft::socket::stream::Stream::set_nonblocking) before it is the output;
    /// otherwise the call blocks the thread while the socket is full.
    ///
    /// # Errors
    ///
    /// Those of [`splice_to`](ipcraft::pipe::Reader::splice_to).
    #[doc(alias = "splice")]
    pub async fn splice_to<O: Source>(&self, output: &Async<O>, length: usize) -> Result<usize> {
        self.move_to(output, |reader, output| reader.try_splice_to(output.get_ref(), length)).await
    }

    /// `tee(2)`: copies at most `length` bytes into another pipe, leaves them in this one, and
    /// returns how many; `Ok(0)` is end of stream. Waits until there are bytes and the other pipe
    /// has room.
    ///
    /// Cancel safe: a dropped future has copied nothing.
    ///
    /// # Errors
    ///
    /// Those of [`tee`](ipcraft::pipe::Reader::tee).
    pub async fn tee(&self, output: &Writer, length: usize) -> Result<usize> {
        self.move_to(output, |reader, output| reader.try_tee(output.get_ref(), length)).await
    }

    /// Makes a call that would block for either side, and waits for the side that it was.
    async fn move_to<O: Source>(
        &self,
        output: &Async<O>,
        call: impl Fn(&pipe::Reader, &Async<O>) -> Result<usize>,
    ) -> Result<usize> {
        let is_empty = |reader: &pipe::Reader| reader.available().map(|bytes| bytes == 0);
        loop {
            let moved = self.read_with(|reader| match call(reader, output) {
                Err(error) if error.kind().is_would_block() && !is_empty(reader)? => Ok(None),
                moved => moved.map(Some),
            });
            if let Some(length) = moved.await? {
                return Ok(length);
            }
            let reader = self.get_ref();
            let moved = output.write_with(|_| match call(reader, output) {
                Err(error) if error.kind().is_would_block() && is_empty(reader)? => Ok(None),
                moved => moved.map(Some),
            });
            if let Some(length) = moved.await? {
                return Ok(length);
            }
        }
    }
}

impl Async<pipe::Writer> {
    /// `write(2)`: waits until there is room and returns how many bytes were written.
    ///
    /// Cancel safe: a dropped future has written nothing.
    ///
    /// # Errors
    ///
    /// Those of [`write`](ipcraft::pipe::Writer::write).
    pub async fn write(&self, bytes: &[u8]) -> Result<usize> {
        self.write_with(|writer| writer.try_write(bytes)).await
    }
}
