//! The single-step harness itself, and the first use of its power to kill at an exact instruction.

use std::hint::black_box;
use std::process::ExitCode;

use ipcraft::pipe;
use ipcraft_tests::step::{self, Stepper};
use ipcraft_tests::suite::{self, Outcome};
use libtest_mimic::Trial;
use nix::errno::Errno;
use nix::sys::signal::{Signal, raise};

fn main() -> ExitCode {
    suite::run(vec![
        where_allowed("counts_are_exact", counts_are_exact),
        where_allowed("system_calls_come_in_order", system_calls_come_in_order),
        where_allowed("steps_to_the_instruction_asked_for", steps_to_the_instruction_asked_for),
        where_allowed("an_operation_that_dies_is_an_error", an_operation_that_dies_is_an_error),
        where_allowed("a_killed_write_is_whole_or_absent", a_killed_write_is_whole_or_absent),
    ])
}

fn where_allowed(name: &str, body: fn()) -> Trial {
    suite::skippable(name, move || {
        if step::overhead() == Err(step::REFUSED) {
            return Outcome::Skipped("this system does not allow ptrace(2)".into());
        }
        body();
        Outcome::Passed
    })
}

fn counts_are_exact() {
    let work = |rounds: u32| {
        let operation = move || {
            for round in 0..rounds {
                black_box(round);
            }
        };
        step::trace(operation).unwrap()
    };
    let (ten, twenty, thirty) = (work(10), work(20), work(30));
    assert_eq!(ten, work(10), "the same operation costs the same");
    assert_eq!(
        twenty.instructions - ten.instructions,
        thirty.instructions - twenty.instructions,
        "ten more rounds cost the same each time"
    );
    assert!(ten.instructions > step::overhead().unwrap());
    assert_eq!(ten.system_calls, []);
}

fn system_calls_come_in_order() {
    let trace = step::trace(|| {
        nix::unistd::getppid();
        nix::unistd::getuid();
        nix::unistd::getppid();
    });
    assert_eq!(trace.unwrap().system_calls, [libc::SYS_getppid, libc::SYS_getuid, libc::SYS_getppid]);
}

fn steps_to_the_instruction_asked_for() {
    let operation = || {
        nix::unistd::getppid();
    };
    let whole = step::trace(operation).unwrap().instructions;
    let mut stepper = Stepper::start(operation).unwrap();
    for count in 0..=whole {
        assert!(stepper.step_until(count).unwrap(), "{count} of {whole}");
    }
    assert!(!stepper.step_until(whole + 1).unwrap(), "the operation has ended");
    assert_eq!(stepper.finish().unwrap().instructions, whole);
}

fn an_operation_that_dies_is_an_error() {
    let mut calls = 0;
    let result = step::trace(move || {
        calls += 1;
        if calls == 2 {
            raise(Signal::SIGKILL).unwrap();
        }
    });
    assert_eq!(result, Err(Errno::ESRCH), "the process is gone in the middle");
}

/// The writer is killed at its k-th instruction for every k: the reader gets a whole message or none.
fn a_killed_write_is_whole_or_absent() {
    let mut outcomes = [0, 0];
    for k in 0.. {
        let (survived, message_came) = kill_writer_at(k);
        outcomes[usize::from(message_came)] += 1;
        if survived {
            break;
        }
    }
    println!(
        "\nwriter killed at each of its instructions: message absent {}, whole {}",
        outcomes[0], outcomes[1]
    );
    assert!(
        outcomes.iter().all(|&count| count > 0),
        "the sweep passes the moment of the write: {outcomes:?}"
    );
}

/// Whether the write ended before its k-th instruction, and whether its message came.
fn kill_writer_at(k: u64) -> (bool, bool) {
    let message: Vec<u8> = (0..pipe::PIPE_BUF).map(|i| i as u8).collect();
    let (reader, writer) = pipe::pipe().unwrap();
    let mut stepper = Stepper::start(|| {
        writer.write(&message).unwrap();
    })
    .unwrap();
    drop(writer);
    let alive = stepper.step_until(k).unwrap();
    stepper.kill();

    // The first call, at full speed, has left one message.
    assert!(whole_or_end(&reader, &message), "the message from before");
    (!alive, whole_or_end(&reader, &message))
}

/// Reads the whole message, or end of stream: anything in between is torn.
fn whole_or_end(reader: &pipe::Reader, message: &[u8]) -> bool {
    let mut buffer = vec![0; message.len()];
    match reader.read(&mut buffer).unwrap() {
        0 => false,
        count => {
            assert_eq!(&buffer[..count], message, "torn");
            true
        }
    }
}
