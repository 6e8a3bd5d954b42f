//! Requests to a peer and its replies: one line of JSON each over a socket pair beside the measured
//! link.

use std::any::Any;
use std::fmt::Display;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use ipcraft::process;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::link::Role;

/// How long the supervisor waits for the rest of a reply before it checks for cancellation.
const MAX_RECV_TIME: Duration = Duration::from_millis(20);

/// What the supervisor sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Request<S> {
    /// Both sides have reached the same step; this is the other side's text.
    Exchanged(String),
    /// One slice of work.
    Run(S),
}

/// What a peer sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reply<R> {
    /// This side has reached a step and waits for the other one, to which it sends a text.
    Exchange(String),
    /// The connection is established.
    Ready {
        /// Whether the peer is bound to its core.
        pinned: bool,
    },
    /// The slice is done.
    Done(R),
    /// The peer cannot continue.
    Failed(String),
}

/// One endpoint of a control connection.
#[derive(Debug)]
pub struct Control {
    stream: BufReader<UnixStream>,
    line: Vec<u8>,
}

impl Control {
    /// Creates both endpoints. The supervisor's `recv` times out after [`MAX_RECV_TIME`]; the
    /// peer's blocks without limit.
    pub(super) fn pair() -> io::Result<(Control, Control)> {
        let (supervisor, peer) = UnixStream::pair()?;
        supervisor.set_read_timeout(Some(MAX_RECV_TIME))?;
        Ok((Control::new(supervisor), Control::new(peer)))
    }

    fn new(stream: UnixStream) -> Control {
        Control { stream: BufReader::new(stream), line: Vec::new() }
    }

    /// Takes the connection that the [launcher](super::Exec) handed to this process for one role.
    ///
    /// # Errors
    /// If the process inherited no such connection, or took it before.
    pub fn inherited(role: Role) -> io::Result<Control> {
        let descriptor: OwnedFd = process::take_inherited_fd(role.name())?;
        Ok(Control::new(descriptor.into()))
    }

    /// Makes `recv` return immediately if there is no complete item.
    pub(super) fn set_nonblocking(&self) -> io::Result<()> {
        self.stream.get_ref().set_nonblocking(true)
    }

    /// Sends one item.
    pub(super) fn send(&mut self, item: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(item)?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line)
    }

    /// Receives one item. After `WouldBlock` the call may be repeated; `UnexpectedEof` means that
    /// the other side closed the connection.
    pub(super) fn recv<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        match self.stream.read_until(b'\n', &mut self.line) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            other => other?,
        };
        if self.line.last() != Some(&b'\n') {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let item = serde_json::from_slice(&self.line)?;
        self.line.clear();
        Ok(item)
    }

    /// Waits until the other side has called this too, and returns its text.
    ///
    /// # Errors
    /// If the supervisor has ended the session, or sends anything else.
    pub fn exchange(&mut self, text: &str) -> io::Result<String> {
        self.send(&Reply::<()>::Exchange(text.into()))?;
        match self.recv::<Request<serde::de::IgnoredAny>>()? {
            Request::Exchanged(text) => Ok(text),
            Request::Run(_) => Err(io::Error::other("work before the connection is established")),
        }
    }

    /// Runs slices until the supervisor closes the connection.
    ///
    /// # Errors
    /// The first error of `work`, or one of the connection.
    pub fn serve<S: DeserializeOwned, R: Serialize, E: From<io::Error>>(
        &mut self,
        pinned: bool,
        mut work: impl FnMut(&S) -> Result<R, E>,
    ) -> Result<(), E> {
        self.send(&Reply::<()>::Ready { pinned })?;
        loop {
            match self.recv() {
                Ok(Request::Run(slice)) => self.send(&Reply::Done(work(&slice)?))?,
                Ok(Request::Exchanged(_)) => {
                    return Err(io::Error::other("an exchange after the connection is established").into());
                }
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reports that this side cannot continue.
    pub fn fail(&mut self, reason: String) {
        // Without a supervisor no process waits for the report.
        let _ = self.send(&Reply::<()>::Failed(reason));
    }
}

/// For `poll(2)`. Each side sends one item and waits for the reply, so no item is buffered behind
/// another.
impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.get_ref().as_fd()
    }
}

impl From<Control> for OwnedFd {
    fn from(control: Control) -> OwnedFd {
        control.stream.into_inner().into()
    }
}

/// Runs a task and describes its error or its panic.
///
/// # Errors
/// The description.
pub fn catch_failure<E: Display>(task: impl FnOnce() -> Result<(), E>) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(task)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("it panicked: {}", panic_text(&*panic))),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recv_returns_items_in_order_even_if_written_in_pieces() {
        let (mut supervisor, mut peer) = Control::pair().unwrap();
        peer.stream.get_mut().write_all(b"[1,").unwrap();
        let early = supervisor.recv::<Vec<u64>>().unwrap_err();
        assert_eq!(early.kind(), ErrorKind::WouldBlock);
        peer.stream.get_mut().write_all(b"2]\n").unwrap();
        peer.send(&[3u64]).unwrap();
        assert_eq!(supervisor.recv::<Vec<u64>>().unwrap(), [1, 2]);
        assert_eq!(supervisor.recv::<Vec<u64>>().unwrap(), [3]);
    }

    #[test]
    fn recv_after_peer_closed_returns_unexpected_eof() {
        let (mut supervisor, mut peer) = Control::pair().unwrap();
        peer.send(&Reply::<()>::Exchange("line\nbreak".into())).unwrap();
        drop(peer);
        let item: Reply<()> = supervisor.recv().unwrap();
        assert_eq!(item, Reply::Exchange("line\nbreak".into()));
        let error = supervisor.recv::<u64>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn catch_failure_describes_errors_and_panics() {
        assert_eq!(catch_failure(|| Ok::<(), String>(())), Ok(()));
        assert_eq!(catch_failure(|| Err("broken")), Err("broken".into()));
        let panicked =
            catch_failure(|| -> Result<(), String> { std::panic::resume_unwind(Box::new("on purpose")) });
        assert_eq!(panicked, Err("it panicked: on purpose".into()));
    }
}
