//! System V shared memory: a segment that is removed as soon as it is attached, so no crash can
//! leave it behind.
//!
//! Run it: `cargo run -p ipcraft-examples --example sysv_shm`

use std::process::id;

use ipcraft::shm::sysv::Segment;
use ipcraft::sysv::Key;
use ipcraft::{ErrorKind, Pid};
use ipcraft_examples::{Outcome, argument, expect, finish, pattern, println, role, this_program, verify};

const TOTAL: usize = 4 << 20;
const ANSWER: &[u8] = b"every byte correct";

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => consume(&Segment::from_id(argument()?.parse()?)?),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    let segment = Segment::create_new(Key::PRIVATE, TOTAL)?;
    let number = segment.id();
    let mapping = segment.attach();
    // Linux keeps a removed segment, and its identifier valid, until the last process has detached,
    // however it ends.
    segment.remove()?;
    let (mapping, segment) = (mapping?, Segment::from_id(number)?);
    println!("producer {}: made segment {number} of {TOTAL} bytes", id());

    mapping.write_at(0, &pattern(0, TOTAL))?;
    let consumer = this_program("--consumer")?.arg(number.to_string()).spawn()?;
    finish(consumer)?;

    let mut answer = [0; ANSWER.len()];
    mapping.read_at(0, &mut answer)?;
    println!("producer {}: the answer is {:?}", id(), String::from_utf8_lossy(&answer));
    expect("answer", &answer[..], ANSWER)?;
    let statistics = segment.statistics()?;
    expect("attachments", statistics.attachments, 1)?;
    expect("creator", statistics.creator, Some(Pid::current()))?;

    drop(mapping);
    let error = segment.attach().expect_err("the last detach freed the segment");
    println!("producer {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::Removed)
}

fn consume(segment: &Segment) -> Outcome {
    let mapping = segment.attach()?;
    let statistics = segment.statistics()?;
    println!("consumer {}: attached, as {} others are", id(), statistics.attachments - 1);
    expect("size", (statistics.size, mapping.len()), (TOTAL, TOTAL))?;
    expect("attachments", statistics.attachments, 2)?;

    let mut bytes = vec![0; TOTAL];
    mapping.read_at(0, &mut bytes)?;
    verify(0, &bytes)?;
    mapping.write_at(0, ANSWER)?;
    Ok(())
}
