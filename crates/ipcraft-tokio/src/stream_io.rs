//! The traits of tokio for byte streams.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ipcraft::socket::stream;
use ipcraft::{fifo, pipe};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Async;

macro_rules! impl_async_read {
    ($($handle:ty),+) => {$(
        /// Only the task that polled last is woken.
        impl AsyncRead for Async<$handle> {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                let unfilled = buffer.initialize_unfilled();
                let length = ready!(self.poll_read_with(cx, |handle| handle.try_read(unfilled)))?;
                buffer.advance(length);
                Poll::Ready(Ok(()))
            }
        }
    )+};
}

macro_rules! impl_async_write {
    ($($handle:ty, $shut_down:expr;)+) => {$(
        /// Only the task that polled last is woken.
        impl AsyncWrite for Async<$handle> {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.poll_write_with(cx, |handle| handle.try_write(bytes)).map_err(io::Error::from)
            }

            /// Does nothing: nothing is buffered in the process.
            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            /// Ends the sending direction of a socket. A pipe or FIFO ends when it is dropped.
            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready($shut_down(Async::get_ref(&self)).map_err(io::Error::from))
            }
        }
    )+};
}

impl_async_read!(pipe::Reader, fifo::Reader, stream::Stream);

fn nothing<T>(_: &T) -> ipcraft::Result<()> {
    Ok(())
}

impl_async_write! {
    pipe::Writer, nothing;
    fifo::Writer, nothing;
    stream::Stream, |stream: &stream::Stream| stream.shutdown(Shutdown::Write);
}
