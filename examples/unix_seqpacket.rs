//! Unix seqpacket sockets: a server with several clients, whose requests arrive whole.
//!
//! Run it: `cargo run -p ipcraft-examples --example unix_seqpacket`

use std::process::id;
use std::thread;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::socket::Options;
use ipcraft::socket::seqpacket::Connection;
use ipcraft_examples::{
    Outcome, argument, expect, finish, fresh_path, pattern, println, role, this_program, verify,
};

const CLIENTS: usize = 3;
const REQUESTS: usize = 2_000;
const LARGEST: usize = 4096;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match role().as_deref() {
        Some("--producer") => request(&argument()?),
        _ => serve(),
    }
}

/// The consumer: a thread for each client, which answers every request with the sum of its bytes.
fn serve() -> Outcome {
    let path = fresh_path("ipcraft-example-seqpacket");
    let listener = Options::new().remove_on_drop(true).listen_seqpacket(&path)?;
    println!("consumer {}: listening at {}", id(), path.display());
    let start = || Ok(this_program("--producer")?.arg(&path).spawn()?);
    let clients = (0..CLIENTS).map(|_| start()).collect::<Outcome<Vec<_>>>()?;

    let mut serving = Vec::new();
    for _ in 0..CLIENTS {
        let connection = listener.accept_timeout(TIMEOUT)?;
        serving.push(thread::spawn(move || answer_all(&connection).map_err(|e| e.to_string())));
    }
    for thread in serving {
        thread.join().map_err(|_| "a serving thread panicked")??;
    }
    clients.into_iter().try_for_each(finish)
}

fn answer_all(connection: &Connection) -> Outcome {
    let client = connection.peer_credentials()?.pid.ok_or("the client is not in this pid namespace")?;
    let mut buffer = [0; LARGEST];
    let mut answered = 0;
    loop {
        match connection.recv_timeout(&mut buffer, TIMEOUT) {
            Ok(None) => break,
            Ok(Some(length)) => {
                verify(answered, &buffer[..length])?;
                connection.send(sum(&buffer[..length]).to_string().as_bytes())?;
                answered += 1;
            }
            // The client sends one byte above the limit on purpose: the record is refused, and the
            // connection continues.
            Err(error) if error.kind() == ErrorKind::Truncated => {
                connection.send(error.to_string().as_bytes())?
            }
            Err(error) => return Err(error.into()),
        }
    }
    println!("consumer {}: answered {answered} requests of process {client}", id());
    expect("requests", answered, REQUESTS)
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().copied().map(u64::from).sum()
}

fn request(path: &str) -> Outcome {
    let connection = Connection::connect(path)?;
    let start = Instant::now();
    for number in 0..REQUESTS {
        let request = pattern(number, number % (LARGEST + 1));
        expect("sum", ask(&connection, &request)?, sum(&request).to_string())?;
    }
    println!("producer {}: {REQUESTS} right answers, {:?} each", id(), start.elapsed() / REQUESTS as u32);
    let refusal = ask(&connection, &pattern(0, LARGEST + 1))?;
    println!("producer {}: one byte too many: {refusal}", id());
    expect("whether the error states the true length", refusal.contains("4097"), true)
}

fn ask(connection: &Connection, request: &[u8]) -> Outcome<String> {
    let mut answer = [0; 256];
    connection.send(request)?;
    let length = connection.recv_timeout(&mut answer, TIMEOUT)?.ok_or("the consumer hung up")?;
    Ok(String::from_utf8(answer[..length].to_vec())?)
}
