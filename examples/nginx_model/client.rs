//! Clients: send requests, repeat them if the connection breaks, and count the outcomes.

use std::io::IoSliceMut;
use std::path::{Path, PathBuf};
use std::str::from_utf8;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use ipcraft::socket::seqpacket::Connection;
use ipcraft::socket::{Ancillary, Incoming};
use ipcraft::{ErrorKind, Pid};
use ipcraft_examples::{Outcome, expect};

use crate::wire::{Answer, LONGEST, Request, Verb};
use crate::{TIMEOUT, socket_in};

#[derive(Debug, Default)]
pub struct Clients {
    socket: PathBuf,
    requests: AtomicU64,
    pub answered: AtomicU64,
    /// Connections that broke although they were made before the signal to quit.
    pub broken: AtomicU64,
    /// Connections that broke and were made after it: the server does not promise to accept them.
    pub late: AtomicU64,
    /// Whether the signal to quit has been sent.
    pub is_over: AtomicBool,
}

/// A request that is not answered yet.
#[derive(Debug)]
pub struct Call {
    connection: Connection,
    number: u64,
    /// It was made before the signal to quit, so it will be accepted.
    is_early: bool,
}

impl Clients {
    pub fn of(directory: &Path) -> Clients {
        Clients { socket: socket_in(directory), ..Clients::default() }
    }

    /// A new request number.
    pub fn number(&self) -> u64 {
        self.requests.fetch_add(1, SeqCst)
    }

    /// Sends requests until there is no server.
    pub fn send_until_quit(self: &Arc<Self>) -> JoinHandle<Result<(), String>> {
        let clients = self.clone();
        thread::spawn(move || {
            while clients.get(clients.number()).map_err(|e| e.to_string())?.is_some() {
                sleep(Duration::from_millis(1));
            }
            Ok(())
        })
    }

    /// The answer to a request, which is repeated if the connection breaks. None without a server.
    pub fn get(&self, number: u64) -> Outcome<Option<Answer>> {
        while let Some(call) = self.call((Verb::Get, number))? {
            if let Some((answer, _)) = self.recv(&call)? {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// Sends the first half of a request. The answer names the worker that accepted it.
    pub fn put(&self) -> Outcome<(Call, Answer)> {
        let call = self.call((Verb::Put, self.number()))?.ok_or("there is no server")?;
        let (answer, _) = self.recv(&call)?.ok_or("the request was not accepted")?;
        expect("code", answer.code, 100)?;
        Ok((call, answer))
    }

    /// Sends the second half, and returns the answer. None if the connection is broken.
    pub fn finish(&self, call: &Call) -> Outcome<Option<Answer>> {
        call.send(Verb::Rest)?;
        Ok(self.recv(call)?.map(|(answer, _)| answer))
    }

    /// Sends a request. None without a server, which is an error before the signal to quit.
    pub fn call(&self, (verb, number): Request) -> Outcome<Option<Call>> {
        let connection = match Connection::connect_timeout(self.socket.as_path(), TIMEOUT) {
            Err(none)
                if matches!(none.kind(), ErrorKind::NotFound | ErrorKind::Refused)
                    && self.is_over.load(SeqCst) =>
            {
                return Ok(None);
            }
            connected => connected?,
        };
        let call = Call { connection, number, is_early: !self.is_over.load(SeqCst) };
        call.send(verb)?;
        Ok(Some(call))
    }

    /// The next answer and its sender. None if the connection is broken.
    pub fn recv(&self, call: &Call) -> Outcome<Option<(Answer, Pid)>> {
        let Some((answer, sender)) = call.recv()? else {
            if call.is_early { &self.broken } else { &self.late }.fetch_add(1, SeqCst);
            return Ok(None);
        };
        expect("number of the answer", answer.number, call.number)?;
        self.answered.fetch_add(u64::from(answer.code == 200), SeqCst);
        Ok(Some((answer, sender)))
    }
}

impl Call {
    /// Ignores a broken connection, which the next receive reports.
    fn send(&self, verb: Verb) -> Outcome {
        let request = format!("{verb} {}", self.number);
        match self.connection.send_timeout(request.as_bytes(), TIMEOUT) {
            Err(error) if error.kind() != ErrorKind::Disconnected => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn recv(&self) -> Outcome<Option<(Answer, Pid)>> {
        let (mut record, mut incoming) = ([0; LONGEST], Incoming::new());
        let buffers = &mut [IoSliceMut::new(&mut record)];
        let length = match self.connection.recv_message_timeout(buffers, &mut incoming, TIMEOUT) {
            Err(broken) if broken.kind() == ErrorKind::Disconnected => None,
            received => received?,
        };
        let Some(length) = length else { return Ok(None) };
        let credentials = incoming.credentials().ok_or("the message has no credentials")?;
        let sender = credentials.pid.ok_or("the sender is not in this pid namespace")?;
        Ok(Some((from_utf8(&record[..length])?.parse()?, sender)))
    }
}
