//! The same sets in a C program, and in ipcs and ipcrm.

use std::path::Path;
use std::process::Command;

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{Operation, Options, SemaphoreSet};
use ipcraft_tests::c::Program;
use ipcraft_tests::suite::{Outcome, serial_test};

use super::{kind_of, unique_key};

fn program() -> Option<Program> {
    Program::compile(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/semaphore_sysv/set.c")))
}

fn without_compiler() -> Outcome {
    Outcome::Skipped("there is no C compiler".into())
}

#[serial_test]
fn c_program_uses_our_set() -> Outcome {
    let Some(program) = program() else { return without_compiler() };
    let key = unique_key();
    let set = Options::new().remove_on_drop(true).create_new(key, &[3, 0]).unwrap();
    assert_eq!(program.run(&["move", &key.number().to_string()]), "3 0 -> 2 1");
    assert_eq!(set.values().unwrap(), [2, 1]);
    Outcome::Passed
}

#[serial_test]
fn set_created_by_c_program_can_be_opened() -> Outcome {
    let Some(program) = program() else { return without_compiler() };
    let key = unique_key();
    program.run(&["create", &key.number().to_string()]);
    let set = SemaphoreSet::open(key).unwrap();
    assert_eq!((set.count(), set.values().unwrap()), (2, vec![5, 0]));
    set.apply(&[Operation::subtract(0, 5)]).unwrap();
    program.run(&["remove", &key.number().to_string()]);
    assert_eq!(kind_of(set.values()), ErrorKind::Removed);
    Outcome::Passed
}

#[serial_test]
fn ipcs_lists_and_ipcrm_removes_a_set() -> Outcome {
    let key = unique_key();
    let set = SemaphoreSet::create_new(key, &[0; 3]).unwrap();
    let id = set.id().to_string();
    let Ok(shown) = Command::new("ipcs").arg("-s").output() else {
        set.remove().unwrap();
        return Outcome::Skipped("there is no ipcs".into());
    };
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let line = shown.lines().find(|line| line.split_whitespace().nth(1) == Some(&id)).expect(&shown);
    let fields: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((fields[0], fields[3], fields[4]), (format!("{:#010x}", key.number()).as_str(), "600", "3"));
    assert!(Command::new("ipcrm").args(["-s", &id]).status().unwrap().success());
    assert_eq!(kind_of(SemaphoreSet::open(key)), ErrorKind::NotFound);
    Outcome::Passed
}
