//! A POSIX message queue: jobs with priorities, for a consumer that comes when the producer may be
//! gone.
//!
//! Run it: `cargo run -p ipcraft-examples --example posix_queue`

use std::fs;
use std::path::Path;
use std::process::id;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::queue::posix::{Options, Queue};
use ipcraft_examples::{Outcome, argument, expect, finish, fresh_path_after, myself, part, pattern, verify};

const SIZE: usize = 512;
const MESSAGES: usize = 2_000;
const URGENT: u32 = 9;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match part().as_deref() {
        Some("--consumer") => consume(&Queue::open(&argument()?)?),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    // No path leads to a queue, so a file of the same name stands for it: a run that was killed
    // leaves both.
    let file = fresh_path_after("ipcraft-example-posix-queue", |stale| drop(Queue::unlink(&name_of(stale))));
    fs::write(&file, "")?;
    let name = name_of(&file);
    let options = Options::new().capacity(8).message_size(SIZE).remove_on_drop(true);
    let queue = options.create_new(&name)?;
    println!("producer {}: made {name} for {} messages", id(), queue.attributes()?.capacity);

    // Nobody receives yet: the kernel keeps the messages, and sorts them.
    for (text, priority) in [("tidy up", 0), ("water the plants", 1), ("fire!", URGENT), ("feed the cat", 1)]
    {
        println!("producer {}: sends {text:?} with priority {priority}", id());
        queue.send_timeout(text.as_bytes(), priority, PATIENCE)?;
    }

    let consumer = myself("--consumer")?.arg(&name).spawn()?;
    for number in 0..MESSAGES {
        queue.send_timeout(&pattern(number, number % (SIZE + 1)), 0, PATIENCE)?;
    }
    finish(consumer)?;
    let left = queue.try_recv_message().map_err(|e| e.kind());
    expect("message left", left, Err(ErrorKind::Empty))?;

    drop(queue);
    fs::remove_file(&file)?;
    expect(
        "the name after the drop",
        Queue::open(&name).map(drop).map_err(|e| e.kind()),
        Err(ErrorKind::NotFound),
    )
}

fn name_of(file: &Path) -> String {
    format!("/{}", file.file_name().unwrap_or_default().display())
}

fn consume(queue: &Queue) -> Outcome {
    let mut buffer = vec![0; queue.message_size()];
    // The order of priority, and of age within one: not the order of sending.
    for wanted in ["fire!", "water the plants", "feed the cat", "tidy up"] {
        let (length, priority) = queue.recv_timeout(&mut buffer, PATIENCE)?;
        let text = String::from_utf8_lossy(&buffer[..length]);
        println!("consumer {}: received {text:?} with priority {priority}", id());
        expect("message", &*text, wanted)?;
    }
    for number in 0..MESSAGES {
        let (length, priority) = queue.recv_timeout(&mut buffer, PATIENCE)?;
        expect("length and priority", (length, priority), (number % (SIZE + 1), 0))?;
        verify(number, &buffer[..length])?;
    }
    println!("consumer {}: {MESSAGES} messages more, in order, every byte as expected", id());
    Ok(())
}
