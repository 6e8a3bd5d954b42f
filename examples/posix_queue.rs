//! A POSIX message queue: jobs with priorities. The kernel keeps them until the consumer starts.
//!
//! Run it: `cargo run -p ipcraft-examples --example posix_queue`

use std::fs;
use std::path::Path;
use std::process::id;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::queue::posix::{Options, Queue};
use ipcraft_examples::{
    Outcome, argument, expect, finish, fresh_path_after, pattern, println, role, this_program, verify,
};

const SIZE: usize = 512;
const MESSAGES: usize = 2_000;
const URGENT: u32 = 9;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => consume(&Queue::open(&argument()?)?),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    // A queue has no path, so a file of the same name marks it. A killed run leaves both.
    let file = fresh_path_after("ipcraft-example-posix-queue", |stale| drop(Queue::unlink(name_of(stale))));
    fs::write(&file, "")?;
    let name = name_of(&file);
    let options = Options::new().capacity(8).message_size(SIZE).remove_on_drop(true);
    let queue = options.create_new(&name)?;
    println!("producer {}: made {name} for {} messages", id(), queue.attributes()?.capacity);

    // No process receives yet: the kernel keeps the messages, sorted by priority.
    for (text, priority) in [("tidy up", 0), ("water the plants", 1), ("fire!", URGENT), ("feed the cat", 1)]
    {
        println!("producer {}: sends {text:?} with priority {priority}", id());
        queue.send_timeout(text.as_bytes(), priority, TIMEOUT)?;
    }

    let consumer = this_program("--consumer")?.arg(&name).spawn()?;
    for number in 0..MESSAGES {
        queue.send_timeout(&pattern(number, number % (SIZE + 1)), 0, TIMEOUT)?;
    }
    finish(consumer)?;
    let left = queue.try_recv_message().map_err(|e| e.kind());
    expect("message left", left, Err(ErrorKind::Empty))?;

    drop(queue);
    fs::remove_file(&file)?;
    expect(
        "whether the name exists after the drop",
        Queue::open(&name).map(drop).map_err(|e| e.kind()),
        Err(ErrorKind::NotFound),
    )
}

fn name_of(file: &Path) -> String {
    format!("/{}", file.file_name().unwrap_or_default().display())
}

fn consume(queue: &Queue) -> Outcome {
    let mut buffer = vec![0; queue.message_size()];
    // Ordered by priority, and by age within a priority.
    for wanted in ["fire!", "water the plants", "feed the cat", "tidy up"] {
        let (length, priority) = queue.recv_timeout(&mut buffer, TIMEOUT)?;
        let text = String::from_utf8_lossy(&buffer[..length]);
        println!("consumer {}: received {text:?} with priority {priority}", id());
        expect("message", &*text, wanted)?;
    }
    for number in 0..MESSAGES {
        let (length, priority) = queue.recv_timeout(&mut buffer, TIMEOUT)?;
        expect("length and priority", (length, priority), (number % (SIZE + 1), 0))?;
        verify(number, &buffer[..length])?;
    }
    println!("consumer {}: {MESSAGES} more messages, in order, every byte correct", id());
    Ok(())
}
