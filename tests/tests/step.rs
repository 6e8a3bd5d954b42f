//! The single-step harness itself, and the first use of its power to kill at an exact instruction.

use std::hint::black_box;
use std::process::ExitCode;

use ipcraft::pipe;
use ipcraft_tests::step::{self, Stepper};
use ipcraft_tests::suite::{self, Outcome, serial_test};
use nix::errno::Errno;
use nix::sys::signal::{Signal, raise};
use nix::unistd::getppid;

fn main() -> ExitCode {
    suite::main()
}

/// Runs the test where the system allows ptrace(2).
fn where_allowed(body: fn()) -> Outcome {
    if step::overhead() == Err(step::REFUSED) {
        return Outcome::Skipped("this system does not allow ptrace(2)".into());
    }
    body();
    Outcome::Passed
}

#[serial_test]
fn trace_counts_instructions_exactly() -> Outcome {
    where_allowed(|| {
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
    })
}

#[serial_test]
fn trace_lists_system_calls_in_order() -> Outcome {
    where_allowed(|| {
        let trace = step::trace(|| {
            getppid();
            nix::unistd::getuid();
            getppid();
        });
        assert_eq!(trace.unwrap().system_calls, [libc::SYS_getppid, libc::SYS_getuid, libc::SYS_getppid]);
    })
}

#[serial_test]
fn system_calls_counts_the_calls_of_the_second_run() -> Outcome {
    where_allowed(|| {
        assert_eq!(step::system_calls(|| ()).unwrap(), 0);
        let mut runs = 0;
        let count = step::system_calls(|| {
            runs += 1;
            (0..runs).for_each(|_| {
                getppid();
            });
        });
        assert_eq!(count.unwrap(), 2);
    })
}

#[serial_test]
fn stepper_stops_at_the_requested_instruction() -> Outcome {
    where_allowed(|| {
        let operation = || {
            getppid();
        };
        let whole = step::trace(operation).unwrap().instructions;
        let mut stepper = Stepper::start(operation).unwrap();
        for count in 0..=whole {
            assert!(stepper.step_until(count).unwrap(), "{count} of {whole}");
        }
        assert!(!stepper.step_until(whole + 1).unwrap(), "the operation has ended");
        assert_eq!(stepper.finish().unwrap().instructions, whole);
    })
}

#[serial_test]
fn trace_of_a_killed_operation_returns_esrch() -> Outcome {
    where_allowed(|| {
        let mut calls = 0;
        let result = step::trace(move || {
            calls += 1;
            if calls == 2 {
                raise(Signal::SIGKILL).unwrap();
            }
        });
        assert_eq!(result, Err(Errno::ESRCH), "the process is gone in the middle");
    })
}

/// The writer is killed at its k-th instruction for every k: the reader gets a whole message or
/// none.
#[serial_test]
fn pipe_write_killed_at_each_instruction_is_whole_or_absent() -> Outcome {
    where_allowed(|| {
        let mut outcomes = [0, 0];
        for k in 0.. {
            let (survived, message_arrived) = kill_writer_at(k);
            outcomes[usize::from(message_arrived)] += 1;
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
    })
}

/// Whether the write ended before its k-th instruction, and whether its message arrived.
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

/// Reads the whole message, or end of stream: anything in between is corrupted.
fn whole_or_end(reader: &pipe::Reader, message: &[u8]) -> bool {
    let mut buffer = vec![0; message.len()];
    match reader.read(&mut buffer).unwrap() {
        0 => false,
        count => {
            assert_eq!(&buffer[..count], message, "corrupted");
            true
        }
    }
}
