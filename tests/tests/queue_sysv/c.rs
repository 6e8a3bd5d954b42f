//! The same queues in a C program, and in ipcs and ipcrm.

use std::path::Path;
use std::process::Command;

use ipcraft::ErrorKind;
use ipcraft::queue::sysv::{Options, Queue, Selector};
use ipcraft_tests::c::Program;
use ipcraft_tests::suite::{Outcome, serial_test};

use crate::{fresh_key, kind_of};

#[serial_test]
fn c_program_and_library_exchange_messages() -> Outcome {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/queue_sysv/peer.c");
    let Some(program) = Program::compile(&source) else {
        return Outcome::Skipped("there is no C compiler".into());
    };
    let key = fresh_key();
    let number = key.number().to_string();
    program.run(&["create", &number]);
    let queue = Queue::open(key).unwrap();
    program.run(&["send", &number, "7", "from C"]);
    let message = queue.try_recv_message(Selector::Type(7)).unwrap();
    assert_eq!((message.kind, message.bytes.as_slice()), (7, &b"from C"[..]));
    queue.send(3, b"for another").unwrap();
    queue.send(8, b"from Rust").unwrap();
    assert_eq!(program.run(&["receive", &number, "8"]), "8 from Rust");
    program.run(&["remove", &number]);
    assert_eq!(kind_of(queue.try_send(1, b"x")), ErrorKind::Removed);
    Outcome::Passed
}

#[serial_test]
fn ipcs_lists_and_ipcrm_removes_the_queue() -> Outcome {
    let Ok(_) = Command::new("ipcs").arg("--version").output() else {
        return Outcome::Skipped("there is no ipcs".into());
    };
    let key = fresh_key();
    let queue = Options::new().mode(0o640).remove_on_drop(true).create_new(key).unwrap();
    queue.send(1, b"12345").unwrap();
    let listed = run("ipcs", &["-q"]);
    let row: Vec<&str> = listed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|row| row.get(1) == Some(&&*queue.id().to_string()))
        .unwrap_or_else(|| panic!("not listed:\n{listed}"));
    assert_eq!(row[0], format!("{:#010x}", key.number()));
    assert_eq!(row[3..], ["640", "5", "1"]);
    run("ipcrm", &["-q", &queue.id().to_string()]);
    assert_eq!(kind_of(queue.try_recv_message(Selector::First)), ErrorKind::Removed);
    Outcome::Passed
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect(program);
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
