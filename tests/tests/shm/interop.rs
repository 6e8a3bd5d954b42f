//! The same objects in C programs, and in ipcs and ipcrm.

use std::fs;
use std::path::Path;
use std::process::Command;

use ipcraft::ErrorKind;
use ipcraft::shm::Mapping;
use ipcraft::shm::posix::{self, SharedMemory};
use ipcraft::shm::sysv::{self, Segment};
use ipcraft_tests::c::Program;
use ipcraft_tests::suite::{Outcome, serial_test};

use super::{Name, kind, unique_key};

/// The sizes that the C program expects.
const SIZE: usize = 8192;
const OFFSET: usize = 100;

fn program() -> Option<Program> {
    Program::compile(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shm/memory.c")))
}

fn without_compiler() -> Outcome {
    Outcome::Skipped("there is no C compiler".into())
}

fn text(mapping: &Mapping) -> String {
    let mut bytes = [0; 6];
    mapping.read_at(OFFSET, &mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[serial_test]
fn c_program_reads_and_writes_our_memory() -> Outcome {
    let Some(program) = program() else { return without_compiler() };
    let (name, key) = (Name::new(), unique_key());
    let memory = posix::Options::new().remove_on_drop(true).create_new(&name, SIZE).unwrap();
    let segment = sysv::Options::new().remove_on_drop(true).create_new(key, SIZE).unwrap();
    let number = key.number().to_string();
    for (mapping, kind, at) in
        [(memory.map().unwrap(), "posix", &*name.text), (segment.attach().unwrap(), "sysv", &number)]
    {
        mapping.write_at(OFFSET, b"to C\0").unwrap();
        assert_eq!(program.run(&[kind, "use", at]), "to C");
        assert_eq!(text(&mapping), "answer");
    }
    Outcome::Passed
}

#[serial_test]
fn memory_created_by_c_program_can_be_opened() -> Outcome {
    let Some(program) = program() else { return without_compiler() };
    let (name, key) = (Name::new(), unique_key());
    program.run(&["posix", "create", &name]);
    let memory = SharedMemory::open(&name).unwrap();
    assert_eq!((memory.size().unwrap(), text(&memory.map().unwrap())), (SIZE, "from C".into()));
    memory.remove().unwrap();
    program.run(&["sysv", "create", &key.number().to_string()]);
    let segment = Segment::open(key).unwrap();
    assert_eq!(text(&segment.attach().unwrap()), "from C");
    segment.remove().unwrap();
    Outcome::Passed
}

#[serial_test]
fn ipcs_lists_and_ipcrm_removes_a_segment() -> Outcome {
    let key = unique_key();
    let segment = Segment::create_new(key, 12_345).unwrap();
    let id = segment.id().to_string();
    let Ok(shown) = Command::new("ipcs").arg("-m").output() else {
        segment.remove().unwrap();
        return Outcome::Skipped("there is no ipcs".into());
    };
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let line = shown.lines().find(|line| line.split_whitespace().nth(1) == Some(&id)).expect(&shown);
    let fields: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(
        (fields[0], fields[3], fields[4]),
        (format!("{:#010x}", key.number()).as_str(), "600", "12345")
    );
    assert!(Command::new("ipcrm").args(["-m", &id]).status().unwrap().success());
    assert_eq!(kind(Segment::open(key)), ErrorKind::NotFound);
    Outcome::Passed
}

#[serial_test]
fn posix_object_is_readable_as_a_file() {
    let name = Name::new();
    let memory = posix::Options::new().remove_on_drop(true).create_new(&name, 10).unwrap();
    memory.map().unwrap().write_at(0, b"0123456789").unwrap();
    assert_eq!(fs::read_to_string(name.path()).unwrap(), "0123456789");
}
