//! Pidfds: a supervisor polls its children, ends one, and duplicates an open descriptor of another.
//! Its signals never reach a process that reuses an id.
//!
//! Run it: `cargo run -p ipcraft-examples --example pidfd`

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{exit, id};
use std::time::Duration;

use ipcraft::process::{CommandExt, Inherit, PidFd, take_inherited_fd};
use ipcraft::signal::Signal;
use ipcraft::{ErrorKind, Pid, pipe};
use ipcraft_examples::{Outcome, argument, expect, pattern, println, role, this_program, verify};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

const TIMEOUT: Duration = Duration::from_secs(30);
const LENGTH: usize = 1000;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--worker") => work(argument()?.parse()?),
        Some("--keeper") => keep(),
        _ => supervise(),
    }
}

/// A child, and a pipe to it that ends when the supervisor closes it or dies.
struct Held {
    pidfd: PidFd,
    leash: Option<pipe::Writer>,
}

fn start(part: &str, argument: i32, inherit: Inherit) -> Outcome<Held> {
    let (end, leash) = pipe::pipe()?;
    let mut command = this_program(part)?;
    let (child, pidfd) = command.arg(argument.to_string()).spawn_pidfd(inherit.named("leash", end))?;
    println!("supervisor {}: started {part} {argument} as {}", id(), child.id());
    expect("pid", pidfd.pid()?, Pid::from(&child))?;
    Ok(Held { pidfd, leash: Some(leash) })
}

/// Returns when the supervisor closes the pipe or dies.
fn wait_for_the_end_of_the_leash() -> Outcome {
    let length = pipe::Reader::from(take_inherited_fd("leash")?).read_timeout(&mut [0], TIMEOUT)?;
    expect("bytes in the pipe", length, 0)
}

fn work(code: i32) -> Outcome {
    wait_for_the_end_of_the_leash()?;
    exit(code)
}

fn supervise() -> Outcome {
    let mut workers: Vec<(i32, Held)> = Vec::new();
    for code in 0..4 {
        workers.push((code, start("--worker", code, Inherit::new())?));
    }
    expect("ended workers", ready(&workers, PollTimeout::ZERO)?.len(), 0)?;
    workers.iter_mut().take(3).for_each(|(_, held)| held.leash = None);
    while workers.len() > 1 {
        let ended = ready(&workers, PollTimeout::try_from(TIMEOUT)?)?;
        // In reverse order, so that removal does not shift the remaining positions.
        for (code, held) in ended.into_iter().rev().map(|index| workers.remove(index)) {
            reap(code, &held.pidfd)?;
        }
    }
    let (code, held) = workers.remove(0);
    expect("remaining worker", code, 3)?;
    held.pidfd.send_signal(Signal::TERM)?;
    let ended = held.pidfd.wait_timeout(TIMEOUT)?;
    println!("supervisor {}: worker 3 ended by a signal through its pidfd: {ended}", id());
    let signal = ended.status().and_then(|status| status.signal());
    expect("signal", signal, Some(Signal::TERM.number()))?;
    take_a_descriptor()
}

/// The positions of the workers that have ended. Fails after the timeout.
fn ready(workers: &[(i32, Held)], timeout: PollTimeout) -> Outcome<Vec<usize>> {
    let mut entries: Vec<_> =
        workers.iter().map(|(_, held)| PollFd::new(held.pidfd.as_fd(), PollFlags::POLLIN)).collect();
    let count = poll(&mut entries, timeout)?;
    expect("whether the timeout passed", count == 0 && timeout != PollTimeout::ZERO, false)?;
    Ok((0..entries.len()).filter(|&index| entries[index].any() == Some(true)).collect())
}

/// Reaps a worker that has ended. Its pidfd then refers to no process, even if the id is reused.
fn reap(code: i32, pidfd: &PidFd) -> Outcome {
    let ended = pidfd.try_wait()?;
    println!("supervisor {}: poll saw worker {code} end: {ended}", id());
    expect("exit code", ended.status().and_then(|status| status.code()), Some(code))?;
    let gone = pidfd.send_signal(Signal::KILL).expect_err("the worker has ended");
    println!("supervisor {}: {gone}", id());
    expect("kind of error", gone.kind(), ErrorKind::Disconnected)
}

fn take_a_descriptor() -> Outcome {
    let (answers, answer) = pipe::pipe()?;
    let mut keeper = start("--keeper", 0, Inherit::new().named("answer", answer))?;
    let mut number = [0; 4];
    answers.read_timeout(&mut number, TIMEOUT)?;
    match keeper.pidfd.descriptor(i32::from_ne_bytes(number)) {
        Ok(taken) => {
            let mut bytes = [0; LENGTH];
            File::from(taken).read_exact(&mut bytes)?;
            verify(0, &bytes)?;
            println!("supervisor {}: read {LENGTH} bytes from a pipe of the keeper", id());
        }
        Err(refused) if refused.kind() == ErrorKind::PermissionDenied => {
            println!("supervisor {}: NOTE: not allowed on this system: {refused}", id());
        }
        Err(error) => return Err(error.into()),
    }
    keeper.leash = None;
    let ended = keeper.pidfd.wait_timeout(TIMEOUT)?;
    expect("whether the keeper succeeded", ended.status().map(|status| status.success()), Some(true))
}

/// Writes to a pipe of its own, and reports the number of the read end's descriptor.
fn keep() -> Outcome {
    let (reader, writer) = pipe::pipe()?;
    writer.write_all(&pattern(0, LENGTH))?;
    pipe::Writer::from(take_inherited_fd("answer")?).write_all(&reader.as_fd().as_raw_fd().to_ne_bytes())?;
    wait_for_the_end_of_the_leash()
}
