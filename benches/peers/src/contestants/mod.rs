//! One file per contestant: how it is set up and used, as its own documentation recommends.

pub(crate) mod channel;
pub(crate) mod channel_bytes;
pub(crate) mod floors;
pub(crate) mod iceoryx2;
pub(crate) mod interprocess;
pub(crate) mod ipc_channel;
pub(crate) mod misbehaviour;
pub(crate) mod pipe;
pub(crate) mod ringfire;
pub(crate) mod rtrb;
pub(crate) mod unix_stream;

use std::io::{Read, Write};

use crate::message::{Page, Result, Words};
use crate::work::{Drain, Pour, Put, Take};

/// Room for small messages, in everything that lets its user choose.
pub(crate) const SLOTS: usize = 1024;
/// Room for small messages in the rows that give much.
pub(crate) const MANY_SLOTS: usize = 65_536;
/// Room for large messages.
pub(crate) const LARGE_SLOTS: usize = 4;
/// Messages in a batch.
pub(crate) const BATCH: usize = 64;

/// A byte stream that carries messages of known length.
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

impl<S: Write> Pour for Pages<S> {
    fn pour(&mut self, numbers: std::ops::Range<u64>) -> Result<()> {
        for number in numbers {
            self.stream.write_all(self.page.numbered(number))?;
        }
        Ok(())
    }
}

impl<S: Read> Drain for Pages<S> {
    fn drain(&mut self, numbers: std::ops::Range<u64>, thoroughly: bool) -> Result<()> {
        for number in numbers {
            self.stream.read_exact(&mut self.buffer)?;
            self.page.check(&self.buffer, number, thoroughly)?;
        }
        Ok(())
    }
}
