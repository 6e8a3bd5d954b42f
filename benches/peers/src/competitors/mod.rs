//! One file per competitor: its set-up and use, as its own documentation recommends.

pub(crate) mod channel;
pub(crate) mod channel_bytes;
pub(crate) mod faulty;
pub(crate) mod iceoryx2;
pub(crate) mod interprocess;
pub(crate) mod ipc_channel;
pub(crate) mod limits;
pub(crate) mod pipe;
pub(crate) mod ringfire;
pub(crate) mod rtrb;
pub(crate) mod unix_stream;

use std::io::{Read, Write};

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
    fn put_range(&mut self, numbers: std::ops::Range<u64>) -> Result<()> {
        for number in numbers {
            self.stream.write_all(self.page.numbered(number))?;
        }
        Ok(())
    }
}

impl<S: Read> TakeRange for Pages<S> {
    fn take_range(&mut self, numbers: std::ops::Range<u64>, check_all: bool) -> Result<()> {
        for number in numbers {
            self.stream.read_exact(&mut self.buffer)?;
            self.page.check(&self.buffer, number, check_all)?;
        }
        Ok(())
    }
}
