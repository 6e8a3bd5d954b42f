//! The same semaphores in a C program.

use std::path::Path;
use std::thread;

use ipcraft::ErrorKind;
use ipcraft::semaphore::posix::{Options, SIZE, Semaphore};
use ipcraft_tests::c::Program;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::LONG_TIMEOUT;

use super::{file, kind_of, semaphore, unique};

fn program() -> Option<Program> {
    Program::compile(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/semaphore_posix/semaphore.c")))
}

fn without_compiler() -> Outcome {
    Outcome::Skipped("there is no C compiler".into())
}

#[serial_test]
fn c_program_uses_our_semaphore() -> Outcome {
    let Some(program) = program() else { return without_compiler() };
    let made = semaphore(3);
    assert_eq!(program.run(&["wait", made.name().unwrap().to_str().unwrap()]), "2");
    assert_eq!(made.value().unwrap(), 2);
    assert_eq!(program.run(&["post", made.name().unwrap().to_str().unwrap()]), "3");
    Outcome::Passed
}

#[serial_test]
fn semaphore_created_by_c_program_can_be_opened() -> Outcome {
    let Some(program) = program() else { return without_compiler() };
    let name = unique();
    assert_eq!(program.run(&["create", &name]), "4");
    assert_eq!(std::fs::metadata(file(&name)).unwrap().len(), SIZE as u64);
    let found = Options::new().open(&name).unwrap();
    found.wait().unwrap();
    assert_eq!(program.run(&["wait", &name]), "2");
    assert_eq!(found.value().unwrap(), 2);
    program.run(&["unlink", &name]);
    assert_eq!(kind_of(Semaphore::open(&name)), ErrorKind::NotFound);
    Outcome::Passed
}

#[serial_test]
fn c_program_and_library_wake_each_other() -> Outcome {
    let Some(program) = program() else { return without_compiler() };
    let (there, back) = (semaphore(0), semaphore(0));
    let names = [there.name().unwrap().to_str().unwrap(), back.name().unwrap().to_str().unwrap()];
    thread::scope(|scope| {
        let echo = scope.spawn(|| program.run(&["echo", names[0], names[1]]));
        for _ in 0..100 {
            there.post().unwrap();
            back.wait_timeout(LONG_TIMEOUT).unwrap();
        }
        assert_eq!(echo.join().unwrap(), "100");
    });
    Outcome::Passed
}
