//! Signals exchanged with a C program.

use std::path::Path;

use ipcraft::signal::{Code, block, queue};
use ipcraft_tests::c::Program;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::LONG_TIMEOUT;

use crate::rt;

#[serial_test]
fn c_program_exchanges_values_with_the_library() -> Outcome {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signal/peer.c");
    let Some(program) = Program::compile(&source) else {
        return Outcome::Skipped("there is no C compiler".into());
    };
    // Both children inherit the mask.
    let _blocked = block(rt(0) | rt(1)).unwrap();
    for (value, answer) in [(21, "42"), (-4, "-8"), (0, "0")] {
        let doubler = Peer::start(|| {
            let info = block(rt(0)).unwrap().wait_timeout(LONG_TIMEOUT).unwrap();
            assert_eq!((info.code(), info.value()), (Code::Queue, Some(value)));
            queue(info.sender().unwrap().pid, rt(1), value * 2).unwrap();
        });
        let pid = doubler.pid().to_string();
        assert_eq!(program.run(&[&pid, &value.to_string()]), answer);
        doubler.join();
    }
    Outcome::Passed
}
