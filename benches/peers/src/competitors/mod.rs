//! One file per competitor: its set-up and use, as its own documentation recommends.

pub(crate) mod channel;
pub(crate) mod channel_bytes;
pub(crate) mod channel_kinds;
pub(crate) mod crossbeam;
pub(crate) mod deaths;
pub(crate) mod faulty;
pub(crate) mod iceoryx2;
pub(crate) mod iceoryx2_kinds;
pub(crate) mod interprocess;
pub(crate) mod ipc_channel;
pub(crate) mod limits;
pub(crate) mod locks;
pub(crate) mod pipe;
pub(crate) mod pthread;
pub(crate) mod records;
pub(crate) mod ringfire;
pub(crate) mod ringfire_kinds;
pub(crate) mod rtrb;
pub(crate) mod seqpacket;
pub(crate) mod unix_stream;

use std::io::{Read, Write};
use std::ops::Range;

use crate::message::{Page, Result, Words};
use crate::work::{Put, PutRange, Take, TakeRange};

/// The capacity for small messages, wherever it can be configured.
pub(crate) const SLOTS: usize = 1024;
/// The capacity for small messages in scenarios with large buffers.
pub(crate) const MANY_SLOTS: usize = 65_536;
/// The capacity for large messages.
pub(crate) const LARGE_SLOTS: usize = 4;
/// The messages in a batch.
pub(crate) const BATCH: usize = 64;

/// Small messages over a byte stream.
pub(crate) struct Bytes<S>(pub(crate) S);

impl<S: Write, const N: usize> Put<N> for Bytes<S> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        Ok(self.0.write_all(message.map(u64::to_le_bytes).as_flattened())?)
    }
}

impl<S: Read, const N: usize> Take<N> for Bytes<S> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        let mut bytes = [[0; 8]; N];
        self.0.read_exact(bytes.as_flattened_mut())?;
        Ok(bytes.map(u64::from_le_bytes))
    }
}

/// Large messages over a byte stream.
pub(crate) struct Pages<S> {
    stream: S,
    page: Page,
    buffer: Vec<u8>,
}

impl<S> Pages<S> {
    pub(crate) fn new(stream: S, size: usize) -> Pages<S> {
        Pages { stream, page: Page::new(size), buffer: vec![0; size] }
    }
}

impl<S: Write> PutRange for Pages<S> {
    fn put_range(&mut self, numbers: Range<u64>) -> Result<()> {
        for number in numbers {
            self.stream.write_all(self.page.numbered(number))?;
        }
        Ok(())
    }
}

impl<S: Read> TakeRange for Pages<S> {
    fn take_range(&mut self, numbers: Range<u64>, check_all: bool) -> Result<()> {
        for number in numbers {
            self.stream.read_exact(&mut self.buffer)?;
            self.page.check(&self.buffer, number, check_all)?;
        }
        Ok(())
    }
}

/// Several receivers of one broadcast, in one process. Each of them receives every message; they
/// take turns after each batch.
pub(crate) struct Each<R>(pub(crate) Vec<R>);

impl<R: TakeRange> TakeRange for Each<R> {
    #[inline]
    fn take_range(&mut self, numbers: Range<u64>, check_all: bool) -> Result<()> {
        let mut start = numbers.start;
        while start < numbers.end {
            let end = numbers.end.min(start + BATCH as u64);
            for receiver in &mut self.0 {
                receiver.take_range(start..end, check_all)?;
            }
            start = end;
        }
        Ok(())
    }
}

/// Reads one message, and blocks if there is none.
pub(crate) fn read_once(mut stream: impl Read) -> Result<()> {
    stream.read_exact(&mut [0; 8])?;
    Ok(())
}

/// Writes one message, and blocks if the buffer is full.
pub(crate) fn write_once(mut stream: impl Write) -> Result<()> {
    Ok(stream.write_all(&[0; 1024])?)
}
