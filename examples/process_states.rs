//! The states of a process: a child passes through every state of the textbooks, and the parent
//! reads each from the kernel.
//!
//! Run it: `cargo run -p ipcraft-examples --example process_states`

use std::os::unix::process::CommandExt as _;
use std::process::{exit, id};
use std::thread::sleep;
use std::time::Duration;

use ipcraft::process::{CommandExt, Inherit, PidFd, State, take_inherited_fd};
use ipcraft::signal::Signal;
use ipcraft::time::Deadline;
use ipcraft::{ErrorKind, pipe};
use ipcraft_examples::{Outcome, expect, println, role, this_program};

const TIMEOUT: Duration = Duration::from_secs(30);
const CODE: i32 = 7;

// The parent's orders to the child.
const WORK: u8 = b'w';
const WAIT: u8 = b'b';
const END: u8 = b'e';

fn main() -> Outcome {
    match role().as_deref() {
        Some("--child") => live(
            &pipe::Reader::from(take_inherited_fd("orders")?),
            pipe::Writer::from(take_inherited_fd("answers")?),
        ),
        _ => drive(),
    }
}

/// The child: blocks until its next order, or computes until the order arrives.
fn live(orders: &pipe::Reader, answers: pipe::Writer) -> Outcome {
    let mut order = WAIT;
    while order != END {
        answers.write_all(&[order])?;
        order = if order == WORK { poll_for_one(orders)? } else { wait_for_one(orders)? };
    }
    exit(CODE)
}

/// Fails if the parent is gone, as `wait_for_one` does.
fn wait_for_one(orders: &pipe::Reader) -> Outcome<u8> {
    let mut order = [0];
    orders.read_exact(&mut order)?;
    Ok(order[0])
}

fn poll_for_one(orders: &pipe::Reader) -> Outcome<u8> {
    let mut order = [0];
    loop {
        match orders.try_read(&mut order) {
            Err(nothing) if nothing.kind() == ErrorKind::Empty => {}
            read => return expect("length of an order", read?, 1).map(|()| order[0]),
        }
    }
}

fn drive() -> Outcome {
    let (orders, order) = pipe::pipe()?;
    let (answers, answer) = pipe::pipe()?;
    let mut command = this_program("--child")?;
    // In its own process group: if this process dies while the child is stopped, the kernel ends
    // it.
    command.process_group(0);
    let inherit = Inherit::new().named("orders", orders).named("answers", answer);
    let (child, pidfd) = command.spawn_pidfd(inherit)?;
    println!("parent {}: the states of process {}\n", id(), child.id());
    println!("{:<42} {:<22} kernel state", "what happens", "textbook state");

    let alive = [State::Running, State::Sleeping, State::DiskSleep];
    becomes(&pidfd, "fork and exec", "created", &alive)?;
    answered(&answers, WAIT)?;
    becomes(&pidfd, "it reads from an empty pipe", "blocked", &[State::Sleeping])?;
    pidfd.send_signal(Signal::STOP)?;
    becomes(&pidfd, "SIGSTOP", "suspended, blocked", &[State::Stopped])?;
    pidfd.send_signal(Signal::CONT)?;
    becomes(&pidfd, "SIGCONT", "blocked", &[State::Sleeping])?;
    pidfd.send_signal(Signal::STOP)?;
    becomes(&pidfd, "SIGSTOP", "suspended, blocked", &[State::Stopped])?;
    order.write_all(&[WORK])?;
    becomes(&pidfd, "the data that it waits for arrives", "suspended, ready", &[State::Stopped])?;
    pidfd.send_signal(Signal::CONT)?;
    answered(&answers, WORK)?;
    becomes(&pidfd, "SIGCONT: it computes", "ready or running", &[State::Running])?;
    pidfd.send_signal(Signal::STOP)?;
    becomes(&pidfd, "SIGSTOP", "suspended, ready", &[State::Stopped])?;
    pidfd.send_signal(Signal::CONT)?;
    becomes(&pidfd, "SIGCONT", "ready or running", &[State::Running])?;
    order.write_all(&[WAIT])?;
    answered(&answers, WAIT)?;
    becomes(&pidfd, "it reads from an empty pipe again", "blocked", &[State::Sleeping])?;
    expect("whether it has ended", pidfd.has_ended()?, false)?;
    order.write_all(&[END])?;
    becomes(&pidfd, "it exits", "terminated, not reaped", &[State::Zombie])?;
    expect("whether it has ended", pidfd.has_ended()?, true)?;
    pidfd.send_signal(Signal::KILL)?; // a zombie still accepts signals

    let ended = pidfd.wait_timeout(TIMEOUT)?;
    let gone = pidfd.state().expect_err("the process is reaped");
    println!("{:<42} {:<22} no such process", "its parent waits for it", "reaped");
    expect("exit code", ended.status().and_then(|status| status.code()), Some(CODE))?;
    expect("error of state", gone.kind(), ErrorKind::Disconnected)
}

/// Polls until the kernel reports the state, and prints the row.
fn becomes(pidfd: &PidFd, event: &str, taught: &str, expected: &[State]) -> Outcome {
    let deadline = Deadline::after(TIMEOUT);
    let mut state = pidfd.state()?;
    while !expected.contains(&state) && !deadline.has_passed() {
        sleep(Duration::from_millis(1));
        state = pidfd.state()?;
    }
    println!("{event:<42} {taught:<22} {state}");
    expect(event, expected.contains(&state), true)
}

/// Waits until the child has executed its order.
fn answered(answers: &pipe::Reader, order: u8) -> Outcome {
    let mut answer = [0];
    answers.read_timeout(&mut answer, TIMEOUT)?;
    expect("answer", answer, [order])
}
