//! The same queues in a C program.

use std::path::Path;

use ipcraft::queue::posix::Queue;
use ipcraft_tests::c::Program;
use ipcraft_tests::suite::{Outcome, serial_test};

use crate::{fresh_name, small_queue};

fn with_program(role: impl FnOnce(&Program)) -> Outcome {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/queue_posix/peer.c");
    match Program::compile(&source) {
        None => Outcome::Skipped("there is no C compiler".into()),
        Some(program) => {
            role(&program);
            Outcome::Passed
        }
    }
}

#[serial_test]
fn c_program_and_library_exchange_messages() -> Outcome {
    with_program(|program| {
        let (queue, name) = small_queue();
        program.run(&["send", &name, "from C", "3"]);
        let message = queue.try_recv_message().unwrap();
        assert_eq!((message.bytes.as_slice(), message.priority), (&b"from C"[..], 3));
        queue.send(b"from Rust", 7).unwrap();
        assert_eq!(program.run(&["receive", &name]), "7 from Rust");
    })
}

#[serial_test]
fn queue_created_by_c_program_can_be_opened() -> Outcome {
    with_program(|program| {
        let name = fresh_name();
        program.run(&["create", &name, "3", "100"]);
        let queue = Queue::open(&name).unwrap();
        let found = queue.attributes().unwrap();
        assert_eq!((found.capacity, found.message_size), (3, 100));
        program.run(&["unlink", &name]);
        assert!(Queue::open(&name).is_err());
    })
}
