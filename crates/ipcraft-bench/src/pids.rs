//! For mechanisms that have no object to connect to: the two processes find each other by their ids.

use std::io;
use std::process;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::floors::page::Page;

/// Who keeps which end, on a page that both processes see.
pub(crate) struct Pids {
    page: Rc<Page>,
    own: usize,
}

/// The client's and the server's.
pub(crate) fn both() -> io::Result<[Pids; 2]> {
    let page = Page::new()?;
    Ok([0, 1].map(|own| Pids { page: page.clone(), own }))
}

impl Pids {
    /// The number of this end, 0 or 1: signals that differ by it do not meet where one process has both ends.
    pub(crate) fn own(&self) -> i32 {
        self.own as i32
    }

    /// The number of the other end.
    pub(crate) fn other(&self) -> i32 {
        1 - self.own()
    }

    /// Notes that this process keeps the end.
    pub(crate) fn arrive(&self) -> io::Result<()> {
        self.page.word(self.own, 0).store(process::id().into(), Release);
        Ok(())
    }

    /// The process that keeps the other end; 0, which nobody has, before it has arrived.
    #[inline]
    pub(crate) fn of_the_other(&self) -> u32 {
        self.page.word(1 - self.own, 0).load(Acquire) as u32
    }
}

/// A message of at most four bytes as four.
#[inline]
pub(crate) fn padded(message: &[u8]) -> io::Result<[u8; 4]> {
    let mut bytes = [0; 4];
    let room = bytes.get_mut(..message.len()).ok_or(io::ErrorKind::InvalidInput)?;
    room.copy_from_slice(message);
    Ok(bytes)
}

/// The message back from the value of a signal.
#[inline]
pub(crate) fn unpadded(value: i32, buffer: &mut [u8]) -> io::Result<()> {
    let bytes = value.to_ne_bytes();
    buffer.copy_from_slice(bytes.get(..buffer.len()).ok_or(io::ErrorKind::InvalidInput)?);
    Ok(())
}
