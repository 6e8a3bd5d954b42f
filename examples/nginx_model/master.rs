//! The master: starts workers, passes them their descriptors, and handles signals. It handles no
//! requests.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::id;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::process::{CommandExt, Inherit, PidFd, take_inherited_fd};
use ipcraft::shm::memfd::Memfd;
use ipcraft::signal::{self, Signal, SignalFd};
use ipcraft::socket::seqpacket::{self, Connection, Listener};
use ipcraft::socket::{Ancillary, Options};
use ipcraft_examples::{Outcome, expect, println, this_program};

use crate::wire::{LISTEN, LOG, LONGEST, QUIT, READY, STOP};
use crate::{TIMEOUT, log_in, readable, socket_in};

/// Concurrent workers.
pub const WORKERS: usize = 3;

/// Time that a worker has to exit before it is killed.
const GRACE: Duration = Duration::from_secs(2);

struct Master {
    directory: PathBuf,
    signals: SignalFd,
    /// Receives the reports. The server exits when this connection closes.
    supervisor: Connection,
    zone: Memfd,
    log: File,
    /// None after the signal to quit.
    listener: Option<Listener>,
    workers: Vec<Worker>,
    generation: u64,
    /// Workers started so far.
    started: usize,
}

struct Worker {
    number: usize,
    pidfd: PidFd,
    channel: Connection,
    /// It has received the command to quit.
    is_leaving: bool,
}

pub fn run(directory: &Path) -> Outcome {
    // The workers inherit the mask, so only the master handles signals to the process group.
    let blocked = signal::block(Signal::HUP | Signal::USR1 | Signal::QUIT | Signal::TERM)?;
    let options = Options::new().reclaim_stale(true).remove_on_drop(true);
    let mut master = Master {
        directory: directory.to_owned(),
        signals: SignalFd::new(&blocked)?,
        supervisor: take_inherited_fd("supervisor")?.try_into()?,
        zone: Memfd::try_from(take_inherited_fd("zone")?)?,
        log: open_log(directory)?,
        listener: Some(options.listen_seqpacket(socket_in(directory))?),
        workers: Vec::new(),
        generation: 0,
        started: 0,
    };
    master.reload()?;
    while !master.workers.is_empty() {
        master.turn()?;
    }
    println!("master {}: ends", id());
    Ok(())
}

fn open_log(directory: &Path) -> Outcome<File> {
    Ok(File::options().append(true).create(true).open(log_in(directory))?)
}

impl Master {
    fn turn(&mut self) -> Outcome {
        let mut descriptors = vec![self.signals.as_fd(), self.supervisor.as_fd()];
        descriptors.extend(self.workers.iter().map(|worker| worker.pidfd.as_fd()));
        let ready = readable(&descriptors)?;
        if ready[1] {
            return self.stop();
        }
        // In reverse order, so that removal does not shift the remaining positions.
        for index in (0..ready.len() - 2).rev().filter(|index| ready[index + 2]) {
            self.reap(index)?;
        }
        if ready[0] { self.handle(self.signals.read_timeout(TIMEOUT)?.signal()) } else { Ok(()) }
    }

    fn handle(&mut self, signal: Signal) -> Outcome {
        println!("master {}: {signal}", id());
        match signal {
            Signal::HUP => self.reload(),
            Signal::USR1 => self.reopen(),
            Signal::QUIT => self.quit(),
            _ => self.stop(),
        }
    }

    /// Starts the new workers before the old ones are dismissed.
    fn reload(&mut self) -> Outcome {
        self.generation += 1;
        let old = self.workers.len();
        for _ in 0..WORKERS {
            self.start()?;
        }
        self.dismiss(old)?;
        self.report(&format!("generation {}", self.generation))
    }

    fn reopen(&mut self) -> Outcome {
        self.log = open_log(&self.directory)?;
        for worker in &self.workers {
            worker.pass(LOG, &self.log)?;
        }
        self.report("reopened")
    }

    /// Removes the name first. Clients that have connected by then are served.
    fn quit(&mut self) -> Outcome {
        self.listener = None;
        self.dismiss(self.workers.len())
    }

    fn stop(&mut self) -> Outcome {
        self.listener = None;
        for worker in &self.workers {
            worker.command(STOP)?;
        }
        for worker in self.workers.drain(..) {
            worker.end()?;
        }
        Ok(())
    }

    /// Commands the oldest `count` workers to answer their open requests and exit.
    fn dismiss(&mut self, count: usize) -> Outcome {
        for worker in self.workers[..count].iter_mut().filter(|worker| !worker.is_leaving) {
            worker.command(QUIT)?;
            worker.is_leaving = true;
        }
        Ok(())
    }

    fn start(&mut self) -> Outcome {
        let listener = self.listener.as_ref().ok_or("nothing to accept from")?;
        let (channel, theirs) = seqpacket::pair()?;
        let zone = OwnedFd::from(self.zone.try_clone()?);
        let inherit = Inherit::new().named("channel", theirs).named("zone", zone);
        let arguments = [self.started.to_string(), self.generation.to_string()];
        let (child, pidfd) = this_program("--worker")?.args(arguments).spawn_pidfd(inherit)?;
        println!("master {}: started worker {} of generation {}", id(), child.id(), self.generation);
        let worker = Worker { number: self.started, pidfd, channel, is_leaving: false };
        worker.pass(LISTEN, listener)?;
        worker.pass(LOG, &self.log)?;
        let mut word = [0; LONGEST];
        let length = worker.channel.recv_timeout(&mut word, TIMEOUT)?.ok_or("a new worker has ended")?;
        expect("its first word", &word[..length], READY)?;
        self.workers.push(worker);
        self.started += 1;
        Ok(())
    }

    /// Reaps a worker, and replaces it if it was not dismissed.
    fn reap(&mut self, index: usize) -> Outcome {
        let worker = self.workers.remove(index);
        println!("master {}: worker number {} has ended: {}", id(), worker.number, worker.pidfd.try_wait()?);
        if worker.is_leaving {
            return self.report("left");
        }
        self.start()?;
        self.report("replaced")
    }

    fn report(&self, what: &str) -> Outcome {
        Ok(self.supervisor.send_timeout(what.as_bytes(), TIMEOUT)?)
    }
}

impl Worker {
    /// Sends a command. A worker that has ended is ignored here, because its pidfd reports it.
    fn command(&self, command: &[u8]) -> Outcome {
        unless_gone(self.channel.send_timeout(command, TIMEOUT))
    }

    fn pass(&self, command: &[u8], descriptor: &impl AsFd) -> Outcome {
        let sent = self.channel.send_descriptors_timeout(command, &[descriptor.as_fd()], TIMEOUT);
        unless_gone(sent.map(drop))
    }

    /// Waits for its end, and kills it after the grace period.
    fn end(self) -> Outcome {
        if self.pidfd.wait_timeout(GRACE).is_err() {
            unless_gone(self.pidfd.send_signal(Signal::KILL))?;
            self.pidfd.wait_timeout(TIMEOUT)?;
        }
        Ok(())
    }
}

fn unless_gone(sent: ipcraft::Result<()>) -> Outcome {
    match sent {
        Err(error) if error.kind() != ErrorKind::Disconnected => Err(error.into()),
        _ => Ok(()),
    }
}
