//! The protocol: one record per message.

use std::fmt;
use std::str::{FromStr, from_utf8};

use ipcraft_examples::Outcome;

// Commands of the master to a worker. The first two carry a descriptor.
/// Accept on this socket.
pub const LISTEN: &[u8] = b"listen";
/// Write to this log from now on.
pub const LOG: &[u8] = b"log";
/// Answer all accepted and waiting connections, and exit.
pub const QUIT: &[u8] = b"quit";
/// Exit immediately.
pub const STOP: &[u8] = b"stop";

/// A worker's message to the master, once it has received its descriptors.
pub const READY: &[u8] = b"ready";

/// The longest record.
pub const LONGEST: usize = 64;

/// The kind of a request. A connection carries one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// An answer.
    Get,
    /// A request in two halves. Between them it is open at the worker.
    Put,
    /// The second half of a `Put`.
    Rest,
    /// Makes the worker stop during a change to the shared table.
    Hang,
}

/// A verb and the number of the request.
pub type Request = (Verb, u64);

pub fn request_of(record: &[u8]) -> Outcome<Request> {
    let (verb, number) = from_utf8(record)?.split_once(' ').ok_or("incomplete request")?;
    let verb =
        [Verb::Get, Verb::Put, Verb::Rest, Verb::Hang].into_iter().find(|known| known.to_string() == verb);
    Ok((verb.ok_or("no such verb")?, number.parse()?))
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A worker's answer to a client.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The code as in HTTP: 100 for continue, 200 for done.
    pub code: u16,
    /// The number of the request.
    pub number: u64,
    pub worker: usize,
    pub generation: u64,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.code, self.number, self.worker, self.generation)
    }
}

impl FromStr for Answer {
    type Err = Box<dyn std::error::Error>;

    fn from_str(record: &str) -> Outcome<Answer> {
        let mut words = record.split(' ');
        let mut next = || words.next().ok_or("incomplete answer");
        Ok(Answer {
            code: next()?.parse()?,
            number: next()?.parse()?,
            worker: next()?.parse()?,
            generation: next()?.parse()?,
        })
    }
}
