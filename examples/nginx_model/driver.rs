//! Starts a server and clients, sends the server every signal, and then checks all counters.

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
use ipcraft_examples::{Outcome, expect, fresh_path_after, println, this_program};

use crate::client::Clients;
use crate::master::WORKERS;
use crate::wire::{LONGEST, Verb};
use crate::zone::Zone;
use crate::{TIMEOUT, log_in, socket_in};

const CLIENTS: usize = 4;
/// Minimum number of answered requests between two events.
const BETWEEN: u64 = 200;
/// Clients that connect concurrently just before the signal to quit.
const BURST: usize = 100;

pub fn run() -> Outcome {
    let directory = Directory::new()?;
    send_every_signal(&directory.0)?;
    stop_immediately(&directory.0)
}

/// A directory that is removed on drop.
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
    /// The master's reports. The master exits when this connection closes.
    reports: Connection,
    zone: Shared<Zone>,
}

fn send_every_signal(directory: &Path) -> Outcome {
    let server = Server::start(directory)?;
    let clients = Arc::new(Clients::of(directory));
    let threads: Vec<_> = (0..CLIENTS).map(|_| clients.send_until_quit()).collect();
    answer_more(&server, &clients)?;
    reload(&server, &clients)?;
    answer_more(&server, &clients)?;
    let old_log = rotate(&server, directory)?;
    answer_more(&server, &clients)?;
    let killed = kill_one(&server, &clients)?;
    answer_more(&server, &clients)?;
    quit(&server, &clients)?;
    for thread in threads {
        thread.join().map_err(|_| "a client panicked")??;
    }
    let logs = fs::read_to_string(old_log)? + &fs::read_to_string(log_in(directory))?;
    audit(&server.zone, &clients, killed, &logs)
}

fn answer_more(server: &Server, clients: &Clients) -> Outcome {
    let goal = clients.answered.load(SeqCst) + BETWEEN;
    until("requests are answered", || {
        expect("whether the master is gone", server.master.has_ended()?, false)?;
        Ok(clients.answered.load(SeqCst) >= goal)
    })
}

/// The old workers answer their open requests, and new workers answer the others.
fn reload(server: &Server, clients: &Clients) -> Outcome {
    let puts: Outcome<Vec<_>> = (0..CLIENTS).map(|_| clients.put()).collect();
    server.signal(Signal::HUP)?;
    server.reports("generation 2")?;
    until("a new worker answers", || {
        Ok(clients.get(clients.number())?.ok_or("there is no server")?.generation == 2)
    })?;
    for (call, begun) in puts? {
        let answer = clients.finish(&call)?.ok_or("an accepted request was not answered")?;
        expect("answering worker", (answer.worker, answer.generation), (begun.worker, 1))?;
    }
    println!("driver {}: new workers answer, and the old ones have answered their open requests", id());
    (0..WORKERS).try_for_each(|_| server.reports("left"))
}

/// Renames the log. The workers continue in a new one. Returns the new name of the old log.
fn rotate(server: &Server, directory: &Path) -> Outcome<PathBuf> {
    let (log, old) = (log_in(directory), directory.join("access.log.1"));
    fs::rename(&log, &old)?;
    server.signal(Signal::USR1)?;
    server.reports("reopened")?;
    until("the new log has lines", || Ok(fs::metadata(&log)?.len() > 0))?;
    println!("driver {}: the workers write to the new log", id());
    Ok(old)
}

/// Kills a worker during a change to the shared table. Returns its number.
fn kill_one(server: &Server, clients: &Clients) -> Outcome<usize> {
    let puts: Outcome<Vec<_>> = (0..2 * CLIENTS).map(|_| clients.put()).collect();
    let number = clients.number();
    let call = clients.call((Verb::Hang, number))?.ok_or("there is no server")?;
    let (answer, pid) = clients.recv(&call)?.ok_or("the request was not accepted")?;
    // The worker hangs, so its id cannot have been reused.
    PidFd::open(pid)?.send_signal(Signal::KILL)?;
    println!("driver {}: killed worker {pid}, during a change to the table", id());
    server.reports("replaced")?;
    expect("whether it has answered", clients.recv(&call)?.is_some(), false)?;
    clients.get(number)?.ok_or("there is no server")?;
    for (call, begun) in puts? {
        let answered = clients.finish(&call)?.is_some();
        expect("whether this was answered", answered, begun.worker != answer.worker)?;
        if !answered {
            clients.get(begun.number)?.ok_or("there is no server")?;
        }
    }
    let in_hand = server.zone.workers[answer.worker].in_hand();
    until("its clients noticed", || Ok(clients.broken.load(SeqCst) == in_hand))?;
    println!("driver {}: other workers answered its {in_hand} open requests", id());
    Ok(answer.worker)
}

/// Accepted requests are answered, and so are connections that wait to be accepted.
fn quit(server: &Server, clients: &Clients) -> Outcome {
    let puts: Outcome<Vec<_>> = (0..CLIENTS).map(|_| clients.put()).collect();
    let puts = puts?;
    let burst =
        (0..BURST).map(|_| clients.call((Verb::Get, clients.number()))?.ok_or("there is no server".into()));
    let burst: Vec<_> = burst.collect::<Outcome<_>>()?;
    clients.is_over.store(true, SeqCst);
    server.signal(Signal::QUIT)?;
    until("connections are refused", || Ok(clients.get(clients.number())?.is_none()))?;
    for (call, _) in puts {
        clients.finish(&call)?.ok_or("an accepted request was not answered")?;
    }
    for call in burst {
        clients.recv(&call)?.ok_or("a waiting connection was not answered")?;
    }
    (0..WORKERS).try_for_each(|_| server.reports("left"))?;
    server.ends()
}

/// All counters of the same events must agree.
fn audit(zone: &Zone, clients: &Clients, killed: usize, logs: &str) -> Outcome {
    let mut answered = 0;
    for (number, counters) in zone.workers.iter().enumerate() {
        expect("whether requests are open", counters.in_hand() > 0, number == killed)?;
        answered += counters.answered.load(Relaxed);
    }
    let (broken, late) = (clients.broken.load(SeqCst), clients.late.load(SeqCst));
    println!("driver {}: {answered} requests answered, {broken} of them at the second attempt", id());
    println!("driver {}: {late} connections were too late to be accepted", id());
    expect("answers that have arrived", clients.answered.load(SeqCst), answered)?;
    expect("connections that broke", broken, zone.workers[killed].in_hand())?;
    let table = zone.table()?;
    expect("total of the table", table.total, answered)?;
    expect("sum of the table", table.by_key.iter().sum(), answered)?;
    expect("repairs of the table", zone.repairs.load(Relaxed), 1)?;
    expect("lines in the logs", logs.lines().count() as u64, answered)?;
    expect("different lines", logs.lines().collect::<HashSet<_>>().len() as u64, answered)
}

/// After SIGTERM, open requests are not answered.
fn stop_immediately(directory: &Path) -> Outcome {
    let server = Server::start(directory)?;
    let clients = Clients::of(directory);
    let (call, begun) = clients.put()?;
    server.signal(Signal::TERM)?;
    expect("whether it was answered", clients.recv(&call)?.is_some(), false)?;
    expect("open requests", server.zone.workers[begun.worker].in_hand(), 1)?;
    expect("whether the socket exists", server.ends().map(|()| socket_in(directory).exists())?, false)
}

impl Server {
    fn start(directory: &Path) -> Outcome<Server> {
        let memory = Memfd::create("zone", Shared::<Zone>::SIZE)?;
        let zone = Shared::initialize(memory.map()?, Zone::init)?;
        let (reports, theirs) = seqpacket::pair()?;
        let inherit = Inherit::new().named("supervisor", theirs).named("zone", OwnedFd::from(memory));
        let (child, master) = this_program("--master")?.arg(directory).spawn_pidfd(inherit)?;
        println!("driver {}: started master {}", id(), child.id());
        let server = Server { master, reports, zone };
        server.reports("generation 1")?;
        Ok(server)
    }

    fn signal(&self, signal: Signal) -> Outcome {
        println!("driver {}: {signal} to the master", id());
        Ok(self.master.send_signal(signal)?)
    }

    /// Waits for the master's next report, which must be this one.
    fn reports(&self, what: &str) -> Outcome {
        let mut record = [0; LONGEST];
        let length = self.reports.recv_timeout(&mut record, TIMEOUT)?.ok_or("the master is gone")?;
        expect("report", from_utf8(&record[..length])?, what)
    }

    fn ends(&self) -> Outcome {
        let status = self.master.wait_timeout(TIMEOUT)?.status();
        expect("whether the master succeeded", status.map(|status| status.success()), Some(true))
    }
}

/// Polls until the condition holds.
fn until(what: &str, mut is_so: impl FnMut() -> Outcome<bool>) -> Outcome {
    let deadline = Deadline::after(TIMEOUT);
    while !is_so()? {
        if deadline.has_passed() {
            return Err(format!("timeout before {what}").into());
        }
        sleep(Duration::from_millis(1));
    }
    Ok(())
}
