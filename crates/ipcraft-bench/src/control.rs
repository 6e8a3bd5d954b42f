//! Commands to a peer and its reports: one line of JSON each over a socket pair of their own, beside the measured link.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long one look for a report waits before the caller looks at its other duties.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// One end of the control connection.
pub(crate) struct Control {
    stream: BufReader<UnixStream>,
    line: Vec<u8>,
}

impl Control {
    /// Both ends: the supervisor's, which waits no longer than a [`TICK`], and the peer's, which waits for ever.
    pub(crate) fn pair() -> io::Result<(Control, Control)> {
        let (supervisor, peer) = UnixStream::pair()?;
        supervisor.set_read_timeout(Some(TICK))?;
        Ok((Control::new(supervisor), Control::new(peer)))
    }

    fn new(stream: UnixStream) -> Control {
        Control { stream: BufReader::new(stream), line: Vec::new() }
    }

    /// From now on [`receive`](Control::receive) does not wait at all.
    pub(crate) fn never_wait(&self) -> io::Result<()> {
        self.stream.get_ref().set_nonblocking(true)
    }

    /// Sends one item.
    pub(crate) fn send(&mut self, item: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(item)?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line)
    }

    /// Receives one item; `WouldBlock` after a [`TICK`] without one, and then the call may simply be repeated.
    pub(crate) fn receive<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        self.stream.read_until(b'\n', &mut self.line)?;
        if self.line.last() != Some(&b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let item = serde_json::from_slice(&self.line)?;
        self.line.clear();
        Ok(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_arrive_whole_and_in_order_even_when_written_in_pieces() {
        let (mut supervisor, mut peer) = Control::pair().unwrap();
        peer.stream.get_mut().write_all(b"[1,").unwrap();
        let early = supervisor.receive::<Vec<u64>>().unwrap_err();
        assert_eq!(early.kind(), io::ErrorKind::WouldBlock);
        peer.stream.get_mut().write_all(b"2]\n").unwrap();
        peer.send(&[3u64]).unwrap();
        assert_eq!(supervisor.receive::<Vec<u64>>().unwrap(), [1, 2]);
        assert_eq!(supervisor.receive::<Vec<u64>>().unwrap(), [3]);
    }

    #[test]
    fn a_closed_end_is_end_of_file() {
        let (mut supervisor, peer) = Control::pair().unwrap();
        drop(peer);
        let error = supervisor.receive::<u64>().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
