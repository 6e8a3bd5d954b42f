//! A worker: one loop over the master's channel, the listening socket and the connections in hand.

use std::fs::File;
use std::io::Write;
use std::mem::take;
use std::os::fd::AsFd;
use std::process::exit;
use std::sync::atomic::Ordering::Relaxed;

use ipcraft::ErrorKind;
use ipcraft::process;
use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft::socket::Ancillary;
use ipcraft::socket::seqpacket::{Connection, Listener};
use ipcraft_examples::Outcome;

use crate::wire::{Answer, LISTEN, LOG, LONGEST, QUIT, READY, Request, STOP, Verb, request_of};
use crate::zone::{Counters, Zone};
use crate::{PATIENCE, readable};

struct Worker {
    number: usize,
    generation: u64,
    channel: Connection,
    zone: Shared<Zone>,
    log: Option<File>,
    /// None once it has been told to quit.
    listener: Option<Listener>,
    in_hand: Vec<Connection>,
}

/// Serves until the master says otherwise, or is gone.
pub fn run(number: usize, generation: u64) -> Outcome {
    let memory = Memfd::try_from(process::take_inherited_fd("zone")?)?;
    let mut worker = Worker {
        number,
        generation,
        channel: process::take_inherited_fd("channel")?.into(),
        zone: Shared::attach(memory.map()?)?,
        log: None,
        listener: None,
        in_hand: Vec::new(),
    };
    while worker.listener.is_none() || worker.log.is_none() {
        worker.obey()?;
    }
    worker.channel.send(READY)?;
    while worker.listener.is_some() || !worker.in_hand.is_empty() {
        worker.turn()?;
    }
    Ok(())
}

impl Worker {
    fn turn(&mut self) -> Outcome {
        let mut descriptors = vec![self.channel.as_fd()];
        descriptors.extend(self.in_hand.iter().map(AsFd::as_fd));
        descriptors.extend(self.listener.iter().map(AsFd::as_fd));
        let ready = readable(&descriptors)?;
        for (connection, is_ready) in take(&mut self.in_hand).into_iter().zip(&ready[1..]) {
            if !is_ready || self.serve(&connection)? == Progress::More {
                self.in_hand.push(connection);
            }
        }
        if self.listener.is_some() && ready.last() == Some(&true) {
            self.accept()?;
        }
        if ready[0] { self.obey() } else { Ok(()) }
    }

    /// Does what the master says next.
    fn obey(&mut self) -> Outcome {
        let mut command = [0; LONGEST];
        let received = self.channel.recv_descriptors_timeout(&mut command, 1, PATIENCE)?;
        // Without a master there is nothing to do.
        let Some((length, mut descriptors)) = received else { exit(1) };
        match (&command[..length], descriptors.pop()) {
            (LISTEN, Some(socket)) => self.listener = Some(socket.into()),
            (LOG, Some(file)) => self.log = Some(file.into()),
            (QUIT, None) => {
                while self.accept()? {}
                self.listener = None;
            }
            (STOP, None) => exit(0),
            unknown => return Err(format!("the master said {unknown:?}").into()),
        }
        Ok(())
    }

    /// Takes one connection, unless there is none: another worker may have been faster.
    fn accept(&mut self) -> Outcome<bool> {
        let Some(listener) = &self.listener else { return Ok(false) };
        match listener.try_accept() {
            Ok(connection) => {
                self.counters().accepted.fetch_add(1, Relaxed);
                self.in_hand.push(connection);
                Ok(true)
            }
            Err(nothing) if nothing.kind() == ErrorKind::Empty => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Does what the client says next. A client that makes no sense, or is gone, is let go.
    fn serve(&mut self, connection: &Connection) -> Outcome<Progress> {
        let mut record = [0; LONGEST];
        let request = match connection.try_recv(&mut record) {
            Ok(Some(length)) => request_of(&record[..length]),
            Err(nothing) if nothing.kind() == ErrorKind::Empty => return Ok(Progress::More),
            _ => return Ok(Progress::End),
        };
        match request {
            Ok((Verb::Put, number)) => self.say(connection, 100, number).map(|_| Progress::More),
            Ok(request) => self.answer(connection, request).map(|()| Progress::End),
            Err(_) => Ok(Progress::End),
        }
    }

    fn answer(&mut self, connection: &Connection, (verb, number): Request) -> Outcome {
        self.zone.count(number, || {
            if verb == Verb::Hang {
                self.hang(connection, number);
            }
        })?;
        // One write, since others write to the same file.
        self.log.as_ref().ok_or("no log")?.write_all(format!("{number}\n").as_bytes())?;
        if self.say(connection, 200, number)? {
            self.counters().answered.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    /// Waits to be killed, with the table. If nobody does that, it takes the end, or a word, of the master.
    fn hang(&self, connection: &Connection, number: u64) -> ! {
        let _ = self.say(connection, 100, number);
        let _ = self.channel.recv_timeout(&mut [0; LONGEST], PATIENCE);
        exit(1)
    }

    /// False if nobody is there to hear it.
    fn say(&self, connection: &Connection, code: u16, number: u64) -> Outcome<bool> {
        let answer = Answer { code, number, worker: self.number, generation: self.generation };
        match connection.send_timeout(answer.to_string().as_bytes(), PATIENCE) {
            Ok(()) => Ok(true),
            Err(gone) if gone.kind() == ErrorKind::Disconnected => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn counters(&self) -> &Counters {
        &self.zone.workers[self.number]
    }
}

/// What becomes of a connection.
#[derive(PartialEq, Eq)]
enum Progress {
    /// The client has more to say.
    More,
    End,
}
