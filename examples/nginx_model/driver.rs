//! Starts a server and clients, puts the server through everything, and then goes over the accounts.

use std::collections::HashSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::id;
use std::str::from_utf8;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::thread::sleep;
use std::time::Duration;

use ipcraft::process::{CommandExt, Inherit, PidFd};
use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft::signal::Signal;
use ipcraft::socket::seqpacket::{self, Connection};
use ipcraft::time::Deadline;
use ipcraft_examples::{Outcome, expect, fresh_path_after, myself};

use crate::client::Clients;
use crate::master::WORKERS;
use crate::wire::{LONGEST, Verb};
use crate::zone::Zone;
use crate::{PATIENCE, log_in, socket_in};

const CLIENTS: usize = 4;
/// How many requests are answered between one event and the next, at least.
const BETWEEN: u64 = 200;
/// How many clients connect at once when the server is told to quit.
const BURST: usize = 100;

pub fn run() -> Outcome {
    let directory = Directory::new()?;
    live_through_everything(&directory.0)?;
    stop_at_once(&directory.0)
}

/// A directory that goes when this does.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Outcome<Directory> {
        let path = fresh_path_after("ipcraft-example-nginx", |left| drop(fs::remove_dir_all(left)));
        fs::create_dir(&path)?;
        Ok(Directory(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Server {
    master: PidFd,
    /// The master says here what it has done, and ends when this process is gone.
    reports: Connection,
    zone: Shared<Zone>,
}

fn live_through_everything(directory: &Path) -> Outcome {
    let server = Server::start(directory)?;
    let clients = Arc::new(Clients::of(directory));
    let threads: Vec<_> = (0..CLIENTS).map(|_| clients.ask_on()).collect();
    carry_on(&server, &clients)?;
    reload(&server, &clients)?;
    carry_on(&server, &clients)?;
    let old_log = rotate(&server, directory)?;
    carry_on(&server, &clients)?;
    let killed = kill_one(&server, &clients)?;
    carry_on(&server, &clients)?;
    quit(&server, &clients)?;
    for thread in threads {
        thread.join().map_err(|_| "a client panicked")??;
    }
    let logs = fs::read_to_string(old_log)? + &fs::read_to_string(log_in(directory))?;
    audit(&server.zone, &clients, killed, &logs)
}

fn carry_on(server: &Server, clients: &Clients) -> Outcome {
    let goal = clients.answered.load(SeqCst) + BETWEEN;
    until("requests are answered", || {
        expect("whether the master is gone", server.master.has_ended()?, false)?;
        Ok(clients.answered.load(SeqCst) >= goal)
    })
}

/// Requests that the old workers have in hand are answered by them, while new workers answer others.
fn reload(server: &Server, clients: &Clients) -> Outcome {
    let puts: Outcome<Vec<_>> = (0..CLIENTS).map(|_| clients.put()).collect();
    server.signal(Signal::HUP)?;
    server.reports("generation 2")?;
    until("a new worker answers", || {
        Ok(clients.get(clients.number())?.ok_or("there is no server")?.generation == 2)
    })?;
    for (call, begun) in puts? {
        let answer = clients.finish(&call)?.ok_or("this was accepted, and not answered")?;
        expect("who answers", (answer.worker, answer.generation), (begun.worker, 1))?;
    }
    println!("driver {}: new workers answer, and the old ones have answered what they had in hand", id());
    (0..WORKERS).try_for_each(|_| server.reports("left"))
}

/// Gives the log another name; the new one then goes on. Returns the name.
fn rotate(server: &Server, directory: &Path) -> Outcome<PathBuf> {
    let (log, old) = (log_in(directory), directory.join("access.log.1"));
    fs::rename(&log, &old)?;
    server.signal(Signal::USR1)?;
    server.reports("reopened")?;
    until("somebody writes to the new log", || Ok(fs::metadata(&log)?.len() > 0))?;
    println!("driver {}: the workers write to the new log", id());
    Ok(old)
}

/// Kills a worker in the middle of a change to the shared table. Returns its number.
fn kill_one(server: &Server, clients: &Clients) -> Outcome<usize> {
    let puts: Outcome<Vec<_>> = (0..2 * CLIENTS).map(|_| clients.put()).collect();
    let number = clients.number();
    let call = clients.call((Verb::Hang, number))?.ok_or("there is no server")?;
    let (answer, pid) = clients.hear(&call)?.ok_or("nobody has accepted this")?;
    // It hangs, so the id is still its own.
    PidFd::open(pid)?.send_signal(Signal::KILL)?;
    println!("driver {}: killed worker {pid}, which was changing the table", id());
    server.reports("replaced")?;
    expect("whether it has answered", clients.hear(&call)?.is_some(), false)?;
    clients.get(number)?.ok_or("there is no server")?;
    for (call, begun) in puts? {
        let answered = clients.finish(&call)?.is_some();
        expect("whether this was answered", answered, begun.worker != answer.worker)?;
        if !answered {
            clients.get(begun.number)?.ok_or("there is no server")?;
        }
    }
    let in_hand = server.zone.workers[answer.worker].in_hand();
    until("its clients have noticed", || Ok(clients.broken.load(SeqCst) == in_hand))?;
    println!("driver {}: it had {in_hand} requests in hand, which others have answered", id());
    Ok(answer.worker)
}

/// What has been accepted is answered, and what waits to be accepted too.
fn quit(server: &Server, clients: &Clients) -> Outcome {
    let puts: Outcome<Vec<_>> = (0..CLIENTS).map(|_| clients.put()).collect();
    let puts = puts?;
    let burst =
        (0..BURST).map(|_| clients.call((Verb::Get, clients.number()))?.ok_or("there is no server".into()));
    let burst: Vec<_> = burst.collect::<Outcome<_>>()?;
    clients.is_over.store(true, SeqCst);
    server.signal(Signal::QUIT)?;
    until("nobody can connect", || Ok(clients.get(clients.number())?.is_none()))?;
    for (call, _) in puts {
        clients.finish(&call)?.ok_or("this was accepted, and not answered")?;
    }
    for call in burst {
        clients.hear(&call)?.ok_or("this waited to be accepted, and was not answered")?;
    }
    (0..WORKERS).try_for_each(|_| server.reports("left"))?;
    server.ends()
}

/// Everything was counted in several places, which must agree.
fn audit(zone: &Zone, clients: &Clients, killed: usize, logs: &str) -> Outcome {
    let mut answered = 0;
    for (number, counters) in zone.workers.iter().enumerate() {
        expect("whether it has left anything", counters.in_hand() > 0, number == killed)?;
        answered += counters.answered.load(Relaxed);
    }
    let (broken, late) = (clients.broken.load(SeqCst), clients.late.load(SeqCst));
    println!("driver {}: {answered} requests answered, {broken} of them at the second attempt", id());
    println!("driver {}: {late} connections came too late to be accepted", id());
    expect("answers that have arrived", clients.answered.load(SeqCst), answered)?;
    expect("connections that broke", broken, zone.workers[killed].in_hand())?;
    let table = zone.table()?;
    expect("total of the table", table.total, answered)?;
    expect("sum of the table", table.by_key.iter().sum(), answered)?;
    expect("repairs of the table", zone.repairs.load(Relaxed), 1)?;
    expect("lines in the logs", logs.lines().count() as u64, answered)?;
    expect("different lines", logs.lines().collect::<HashSet<_>>().len() as u64, answered)
}

/// The other way to end: what is in hand is not answered.
fn stop_at_once(directory: &Path) -> Outcome {
    let server = Server::start(directory)?;
    let clients = Clients::of(directory);
    let (call, begun) = clients.put()?;
    server.signal(Signal::TERM)?;
    expect("whether it was answered", clients.hear(&call)?.is_some(), false)?;
    expect("what was in hand", server.zone.workers[begun.worker].in_hand(), 1)?;
    expect("whether the socket is there", server.ends().map(|()| socket_in(directory).exists())?, false)
}

impl Server {
    fn start(directory: &Path) -> Outcome<Server> {
        let memory = Memfd::create("zone", Shared::<Zone>::SIZE)?;
        let zone = Shared::initialize(memory.map()?, Zone::init)?;
        let (reports, theirs) = seqpacket::pair()?;
        let inherit = Inherit::new().named("supervisor", theirs).named("zone", OwnedFd::from(memory));
        let (child, master) = myself("--master")?.arg(directory).spawn_pidfd(inherit)?;
        println!("driver {}: started master {}", id(), child.id());
        let server = Server { master, reports, zone };
        server.reports("generation 1")?;
        Ok(server)
    }

    fn signal(&self, signal: Signal) -> Outcome {
        println!("driver {}: {signal} to the master", id());
        Ok(self.master.send_signal(signal)?)
    }

    /// Waits until the master has done this; nothing else comes before it.
    fn reports(&self, what: &str) -> Outcome {
        let mut record = [0; LONGEST];
        let length = self.reports.recv_timeout(&mut record, PATIENCE)?.ok_or("the master is gone")?;
        expect("report", from_utf8(&record[..length])?, what)
    }

    fn ends(&self) -> Outcome {
        let status = self.master.wait_timeout(PATIENCE)?.status();
        expect("whether the master succeeded", status.map(|status| status.success()), Some(true))
    }
}

/// Looks until it is so.
fn until(what: &str, mut is_so: impl FnMut() -> Outcome<bool>) -> Outcome {
    let deadline = Deadline::after(PATIENCE);
    while !is_so()? {
        if deadline.has_passed() {
            return Err(format!("waited in vain until {what}").into());
        }
        sleep(Duration::from_millis(1));
    }
    Ok(())
}
