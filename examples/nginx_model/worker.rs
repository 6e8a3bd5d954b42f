//! A worker: one loop over the master's channel, the listening socket and the open connections.

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
use crate::{TIMEOUT, readable};

struct Worker {
    number: usize,
    generation: u64,
    channel: Connection,
    zone: Shared<Zone>,
    log: Option<File>,
    /// None after the command to quit.
    listener: Option<Listener>,
    in_hand: Vec<Connection>,
}

/// Serves until the master commands otherwise or is gone.
pub fn run(number: usize, generation: u64) -> Outcome {
    let memory = Memfd::try_from(process::take_inherited_fd("zone")?)?;
    let mut worker = Worker {
        number,
        generation,
        channel: process::take_inherited_fd("channel")?.try_into()?,
        zone: Shared::attach(memory.map()?)?,
        log: None,
        listener: None,
        in_hand: Vec::new(),
    };
    while worker.listener.is_none() || worker.log.is_none() {
        worker.handle_command()?;
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
        if ready[0] { self.handle_command() } else { Ok(()) }
    }

    /// Executes the master's next command.
    fn handle_command(&mut self) -> Outcome {
        let mut command = [0; LONGEST];
        let received = self.channel.recv_descriptors_timeout(&mut command, 1, TIMEOUT)?;
        // The master is gone.
        let Some((length, mut descriptors)) = received else { exit(1) };
        match (&command[..length], descriptors.pop()) {
            (LISTEN, Some(socket)) => self.listener = Some(socket.try_into()?),
            (LOG, Some(file)) => self.log = Some(file.into()),
            (QUIT, None) => {
                while self.accept()? {}
                self.listener = None;
            }
            (STOP, None) => exit(0),
            unknown => return Err(format!("unknown command {unknown:?}").into()),
        }
        Ok(())
    }

    /// Accepts a connection. False if none is waiting, because another worker may have accepted it.
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

    /// Handles the client's next record. Closes the connection on an invalid record or if the
    /// client is gone.
    fn serve(&mut self, connection: &Connection) -> Outcome<Progress> {
        let mut record = [0; LONGEST];
        let request = match connection.try_recv(&mut record) {
            Ok(Some(length)) => request_of(&record[..length]),
            Err(nothing) if nothing.kind() == ErrorKind::Empty => return Ok(Progress::More),
            _ => return Ok(Progress::End),
        };
        match request {
            Ok((Verb::Put, number)) => self.reply(connection, 100, number).map(|_| Progress::More),
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
        // One write, because other workers write to the same file.
        self.log.as_ref().ok_or("no log")?.write_all(format!("{number}\n").as_bytes())?;
        if self.reply(connection, 200, number)? {
            self.counters().answered.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    /// Blocks with the table locked until this process is killed. Exits if the master is gone
    /// first.
    fn hang(&self, connection: &Connection, number: u64) -> ! {
        let _ = self.reply(connection, 100, number);
        let _ = self.channel.recv_timeout(&mut [0; LONGEST], TIMEOUT);
        exit(1)
    }

    /// Returns false if the client is gone.
    fn reply(&self, connection: &Connection, code: u16, number: u64) -> Outcome<bool> {
        let answer = Answer { code, number, worker: self.number, generation: self.generation };
        match connection.send_timeout(answer.to_string().as_bytes(), TIMEOUT) {
            Ok(()) => Ok(true),
            Err(gone) if gone.kind() == ErrorKind::Disconnected => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn counters(&self) -> &Counters {
        &self.zone.workers[self.number]
    }
}

/// Whether a connection stays open.
#[derive(PartialEq, Eq)]
enum Progress {
    /// The client sends more records.
    More,
    End,
}
