//! Passing descriptors: a process opens a file and a pipe for another one, which has no path or no
//! permission to open them.
//!
//! Run it: `cargo run -p ipcraft-examples --example fd_passing`

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::AsFd;
use std::process::id;

use ipcraft::process::{CommandExt, Inherit, take_inherited_fd};
use ipcraft::socket::seqpacket::{self, Connection};
use ipcraft::socket::{Ancillary, Incoming};
use ipcraft::{ErrorKind, pipe};
use ipcraft_examples::{Outcome, expect, finish, fresh_path, pattern, println, role, this_program, verify};

const LENGTH: usize = 100_000;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => consume(&Connection::try_from(take_inherited_fd("channel")?)?),
        _ => produce(),
    }
}

/// The producer: sends a file without a name, and the write end of a pipe for the answer.
fn produce() -> Outcome {
    let (ours, theirs) = seqpacket::pair()?;
    let consumer = this_program("--consumer")?.spawn_inheriting(Inherit::new().named("channel", theirs))?;

    let mut file = nameless_file()?;
    file.write_all(&pattern(0, LENGTH))?;
    file.rewind()?; // both processes share one position
    let (mut answer, answer_writer) = pipe::pipe()?;
    ours.send_descriptors(b"a file, and a pipe for the answer", &[file.as_fd(), answer_writer.as_fd()])?;
    println!("producer {}: sent two descriptors beside 33 bytes", id());
    drop(answer_writer); // the message holds a copy; the pipe ends when the consumer closes it

    let mut text = String::new();
    answer.read_to_string(&mut text)?;
    println!("producer {}: the answer through the pipe: {text}", id());
    expect("answer", text, format!("{LENGTH} bytes, all correct"))?;
    expect("shared position in the file", file.stream_position()?, LENGTH as u64)?;

    // A receiver without room for all descriptors returns an error and closes them.
    ours.send_descriptors(b"three", &[file.as_fd(), file.as_fd(), file.as_fd()])?;
    drop(ours);
    finish(consumer)
}

/// A file without a name: no other process can open it.
fn nameless_file() -> Outcome<File> {
    let path = fresh_path("ipcraft-example-file");
    let file = File::create_new(&path).and_then(|_| File::options().read(true).write(true).open(&path));
    std::fs::remove_file(&path)?;
    Ok(file?)
}

fn consume(channel: &Connection) -> Outcome {
    let mut buffer = [0; 64];
    let (length, mut received) = channel.recv_descriptors(&mut buffer, 2)?.ok_or("no message")?;
    println!("consumer {}: {:?} arrived with {received:?}", id(), String::from_utf8_lossy(&buffer[..length]));
    expect("descriptors", received.len(), 2)?;
    let mut answer = pipe::Writer::from(received.remove(1));
    let mut file = File::from(received.remove(0));

    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    expect("length of the file", bytes.len(), LENGTH)?;
    verify(0, &bytes)?;
    write!(answer, "{LENGTH} bytes, all correct")?;
    drop(answer);

    let before = open_descriptors()?;
    let error = channel.recv_descriptors(&mut buffer, 2).expect_err("three came, room for two");
    println!("consumer {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::TooLarge)?;
    expect("open descriptors", open_descriptors()?, before)?;
    expect("end of stream", channel.recv_message(&mut [], &mut Incoming::new())?, None)
}

fn open_descriptors() -> Outcome<usize> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count())
}
