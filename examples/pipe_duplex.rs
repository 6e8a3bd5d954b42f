//! Two pipes as one connection in both directions: questions one way, answers the other.
//!
//! Run it: `cargo run -p ipcraft-examples --example pipe_duplex`

use std::io::{BufRead, BufReader, Write};
use std::process::id;
use std::time::Instant;

use ipcraft::pipe::{self, Duplex, Reader, Writer};
use ipcraft::process::{CommandExt, Inherit, take_inherited_fd};
use ipcraft_examples::{Outcome, expect, finish, println, role, this_program};

const QUESTIONS: u64 = 10_000;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => answer(Duplex::new(
            Reader::from(take_inherited_fd("questions")?),
            Writer::from(take_inherited_fd("answers")?),
        )),
        _ => ask(),
    }
}

/// The producer: asks for squares and checks each answer.
fn ask() -> Outcome {
    let (ours, theirs) = pipe::duplex()?;
    let (questions, answers) = theirs.into_split();
    let inherit = Inherit::new().named("questions", questions).named("answers", answers);
    let consumer = this_program("--consumer")?.spawn_inheriting(inherit)?;

    let (reader, mut writer) = ours.into_split();
    let mut answers = BufReader::new(reader).lines();
    let start = Instant::now();
    for question in 0..QUESTIONS {
        writeln!(writer, "{question}")?;
        let answer: u64 = answers.next().ok_or("the consumer hung up")??.parse()?;
        expect("square", answer, question * question)?;
    }
    let each = start.elapsed() / QUESTIONS as u32;
    println!("producer {}: {QUESTIONS} questions, {QUESTIONS} right answers, {each:?} each", id());

    drop(writer); // the consumer sees the end of its stream and exits
    finish(consumer)
}

/// The consumer: squares each number until the stream ends.
fn answer(connection: Duplex) -> Outcome {
    let (reader, mut writer) = connection.into_split();
    let mut answered = 0;
    for question in BufReader::new(reader).lines() {
        let question: u64 = question?.parse()?;
        writeln!(writer, "{}", question * question)?;
        answered += 1;
    }
    println!("consumer {}: answered {answered} questions", id());
    expect("questions", answered, QUESTIONS)
}
