//! Orders to a peer and what it says: one line of JSON each over a socket pair of their own, beside what is measured.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use ipcraft_bench::Usage;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::message::Result;

/// What a peer is told to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Both are here; this is what the other one wants to tell.
    Met(String),
    /// A piece of work.
    Work(Slice),
}

/// What a peer says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Word {
    /// It has made its part of a connection and waits for the other to have, too, with something to tell it.
    Meet(String),
    /// The connection stands.
    Ready {
        /// Whether it is bound to its core.
        pinned: bool,
    },
    /// It has done a piece of work.
    Done(Report),
    /// It cannot go on.
    Failed(String),
}

/// A short piece of one measurement, which both peers are told to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slice {
    /// The number of the first message.
    pub(crate) first: u64,
    /// Untimed messages before those that count; in a stream there are as many behind them.
    pub(crate) warm_up: u64,
    /// Messages that count, a multiple of `batch`.
    pub(crate) messages: u64,
    /// Messages per sample.
    pub(crate) batch: u64,
}

/// What a peer found in one slice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Nanoseconds for each batch; none on the side that does not time.
    pub(crate) samples: Vec<u64>,
    /// Nanoseconds for all messages that count; zero on the side that does not time.
    pub(crate) elapsed_ns: u64,
    /// What the peer's process used meanwhile.
    pub(crate) usage: Usage,
}

/// One end of a control connection.
pub(crate) struct Control {
    stream: BufReader<UnixStream>,
}

impl Control {
    /// This process's end and the descriptor for the peer.
    pub(crate) fn pair() -> Result<(Control, OwnedFd)> {
        let (ours, theirs) = UnixStream::pair()?;
        Ok((Control::new(ours), theirs.into()))
    }

    /// The peer's end.
    pub(crate) fn of(descriptor: OwnedFd) -> Control {
        Control::new(descriptor.into())
    }

    fn new(stream: UnixStream) -> Control {
        Control { stream: BufReader::new(stream) }
    }

    /// Sends one item.
    pub(crate) fn say(&mut self, item: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(item)?;
        line.push(b'\n');
        Ok(self.stream.get_mut().write_all(&line)?)
    }

    /// Waits for one item; none when the other side has hung up.
    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let mut line = Vec::new();
        match self.stream.read_until(b'\n', &mut line) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error.into()),
            Ok(_) if line.ends_with(b"\n") => Ok(Some(serde_json::from_slice(&line)?)),
            _ => Ok(None),
        }
    }
}

/// To poll for the next item. Each side sends one and waits for what it gets back, so none is ever buffered behind another.
impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.get_ref().as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_arrive_in_order_and_then_the_end() {
        let (mut ours, theirs) = Control::pair().unwrap();
        let mut theirs = Control::of(theirs);
        theirs.say(&Word::Meet("line\nbreak".into())).unwrap();
        theirs.say(&Word::Ready { pinned: true }).unwrap();
        drop(theirs);
        assert_eq!(ours.hear().unwrap(), Some(Word::Meet("line\nbreak".into())));
        assert_eq!(ours.hear().unwrap(), Some(Word::Ready { pinned: true }));
        assert_eq!(ours.hear::<Word>().unwrap(), None);
    }
}
