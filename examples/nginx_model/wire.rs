//! What they say to each other: one record each.

use std::fmt;
use std::str::{FromStr, from_utf8};

use ipcraft_examples::Outcome;

// What the master tells a worker; a descriptor goes with the first two.
/// Accept on this socket.
pub const LISTEN: &[u8] = b"listen";
/// Write to this log from now on.
pub const LOG: &[u8] = b"log";
/// Answer what was accepted or waits to be, and end.
pub const QUIT: &[u8] = b"quit";
/// End at once.
pub const STOP: &[u8] = b"stop";

/// What a worker tells the master, once, when it has got its descriptors.
pub const READY: &[u8] = b"ready";

/// The longest record.
pub const LONGEST: usize = 64;

/// What a client wants; a connection is for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// An answer.
    Get,
    /// An answer, when it has sent the rest of its request: until then the request is in the worker's hands.
    Put,
    /// That: the rest of its request.
    Rest,
    /// That the worker stop in the middle of changing the shared table.
    Hang,
}

/// A verb and the number of the request.
pub type Request = (Verb, u64);

pub fn request_of(record: &[u8]) -> Outcome<Request> {
    let (verb, number) = from_utf8(record)?.split_once(' ').ok_or("half a request")?;
    let verb =
        [Verb::Get, Verb::Put, Verb::Rest, Verb::Hang].into_iter().find(|known| known.to_string() == verb);
    Ok((verb.ok_or("no such verb")?, number.parse()?))
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a worker says to a client.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// What HTTP calls it: 100 for go on, 200 for done.
    pub code: u16,
    /// That of the request.
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
        let mut next = || words.next().ok_or("half an answer");
        Ok(Answer {
            code: next()?.parse()?,
            number: next()?.parse()?,
            worker: next()?.parse()?,
            generation: next()?.parse()?,
        })
    }
}
