//! The mechanisms under test behind one interface, so that one list of tests serves all of them.

mod queues;
mod records;
mod streams;
mod table;

use std::fmt;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration;

use ipcraft::{ErrorKind, Result};

use crate::peer::Peer;
pub use queues::{Release, posix_handles, sysv_handles};
pub use table::SUBJECTS;

/// Which of its three forms an operation is called in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `op()`
    Wait,
    /// `try_op()`
    Try,
    /// `op_timeout(…)`
    Within(Duration),
}

impl Form {
    /// One of each, with a timeout that must not expire.
    pub const ALL: [Form; 3] = [Form::Wait, Form::Try, Form::Within(Duration::from_secs(20))];
}

/// An end to send from.
pub trait Sender {
    /// Sends, and returns how many bytes were taken: all of a record.
    ///
    /// # Errors
    ///
    /// The mechanism's own.
    fn send(&self, message: &[u8], form: Form) -> Result<usize>;

    /// Its descriptor, if it has one.
    fn fd(&self) -> Option<BorrowedFd<'_>>;
}

/// An end to receive from.
pub trait Receiver {
    /// Receives, and returns how many bytes arrived; `None` is the end of the stream.
    ///
    /// # Errors
    ///
    /// The mechanism's own.
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>>;

    /// Its descriptor, if it has one.
    fn fd(&self) -> Option<BorrowedFd<'_>>;
}

/// A mechanism, and what it documents where mechanisms differ.
pub struct Subject {
    /// The name in test names.
    pub name: &'static str,
    /// Whether it carries records, and not a stream of bytes.
    pub records: bool,
    /// Whether a receiver learns that the last sender is gone.
    pub ends: bool,
    /// The error of a send once the last receiver is gone; `None` if the kernel keeps what is sent.
    pub gone: Option<ErrorKind>,
    /// What becomes of a record that is longer than the buffer.
    pub long_record: LongRecord,
    /// Connects two ends in this process; names go into the directory, which is empty.
    pub connect: fn(&Path) -> Ends,
}

/// What becomes of a record that is longer than the buffer that it would be received into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongRecord {
    /// What fits is received, with an error that reports the cut.
    Cut,
    /// It stays in the queue, with an error that reports its length.
    Stays,
    /// Impossible, since every buffer must have room for the longest record.
    Impossible,
}

/// Both ends of a fresh connection.
pub struct Ends {
    /// Where messages go in.
    pub sender: Box<dyn Sender>,
    /// Where they come out.
    pub receiver: Box<dyn Receiver>,
}

impl Ends {
    /// Boxes two ends.
    pub fn new(sender: impl Sender + 'static, receiver: impl Receiver + 'static) -> Ends {
        Ends { sender: Box::new(sender), receiver: Box::new(receiver) }
    }

    /// Starts a peer that has the receiver and nothing else; this process keeps the sender only.
    pub fn receiving_peer(self, role: impl FnOnce(&dyn Receiver)) -> (Peer, Box<dyn Sender>) {
        let (receiver, mut sender) = (self.receiver, Some(self.sender));
        let peer = Peer::start(|| {
            sender.take();
            role(&*receiver);
        });
        (peer, sender.expect("only the child takes it"))
    }

    /// Starts a peer that has the sender and nothing else; this process keeps the receiver only.
    pub fn sending_peer(self, role: impl FnOnce(&dyn Sender)) -> (Peer, Box<dyn Receiver>) {
        let (sender, mut receiver) = (self.sender, Some(self.receiver));
        let peer = Peer::start(|| {
            receiver.take();
            role(&*sender);
        });
        (peer, receiver.expect("only the child takes it"))
    }
}

impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sender, receiver) = (self.sender.fd(), self.receiver.fd());
        f.debug_struct("Ends").field("sender", &sender).field("receiver", &receiver).finish()
    }
}

/// Sends a whole message, in pieces if the mechanism takes it so.
///
/// # Errors
///
/// Those of the first call that fails.
pub fn send_all(sender: &dyn Sender, message: &[u8]) -> Result<()> {
    let mut rest = message;
    while !rest.is_empty() {
        let taken = sender.send(rest, Form::Wait)?;
        rest = &rest[taken..];
    }
    Ok(())
}

/// Sends without blocking until there is no room for one more byte, and returns what was sent.
///
/// # Panics
///
/// If sending fails otherwise.
pub fn fill(sender: &dyn Sender) -> Vec<u8> {
    let mut sent = Vec::new();
    for length in [1000, 1] {
        while let Some(taken) = send_if_room(sender, &pattern(sent.len(), length)) {
            sent.extend(pattern(sent.len(), taken));
        }
    }
    sent
}

fn send_if_room(sender: &dyn Sender, message: &[u8]) -> Option<usize> {
    match sender.send(message, Form::Try) {
        Ok(taken) => Some(taken),
        Err(error) if error.kind() == ErrorKind::Full => None,
        Err(error) => panic!("{error}"),
    }
}

/// Receives until `length` bytes have come, in as many pieces as it takes.
///
/// # Panics
///
/// If receiving fails, the stream ends, or more comes.
pub fn receive_exactly(receiver: &dyn Receiver, length: usize) -> Vec<u8> {
    let mut received = Vec::with_capacity(length);
    let mut buffer = vec![0; 64 * 1024];
    while received.len() < length {
        let most = buffer.len().min(length - received.len());
        let count = receiver.receive(&mut buffer[..most], Form::Wait).expect("receiving");
        received.extend_from_slice(&buffer[..count.expect("the stream has not ended")]);
    }
    received
}

/// The bytes that stand at `offset` of every test's data: no two short stretches of it are alike.
pub fn pattern(offset: usize, length: usize) -> Vec<u8> {
    (offset..offset + length).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8).collect()
}
