//! A Unix stream socket: a server at a path, a client in another process, bytes both ways.
//!
//! Run it: `cargo run -p ipcraft-examples --example unix_stream`

use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::id;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::socket::Options;
use ipcraft::socket::stream::{Listener, Stream};
use ipcraft_examples::{
    Outcome, argument, expect, finish, fresh_path, pattern, println, role, speed, this_program, verify,
};

const TOTAL: usize = 16 << 20;
const CHUNK: usize = 64 << 10;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match role().as_deref() {
        Some("--producer") => produce(&argument()?),
        _ => serve(),
    }
}

/// The consumer: listens, and starts the producer that connects.
fn serve() -> Outcome {
    let path = fresh_path("ipcraft-example-stream");
    let listener = Options::new().remove_on_drop(true).listen_stream(&path)?;
    println!("consumer {}: listening at {}", id(), path.display());

    let error = Options::new().reclaim_stale(true).listen_stream(&path).expect_err("the path is in use");
    println!("consumer {}: a second listener: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::InUse)?;

    let producer = this_program("--producer")?.arg(&path).spawn()?;
    consume(&listener)?;
    finish(producer)?;
    drop(listener);
    expect("whether the name exists", path.exists(), false)
}

fn consume(listener: &Listener) -> Outcome {
    let mut stream = listener.accept_timeout(TIMEOUT)?;
    let peer = stream.peer_credentials()?;
    let pid = peer.pid.ok_or("the producer is not in this pid namespace")?;
    println!("consumer {}: process {pid} of user {} connected", id(), peer.uid);

    let mut buffer = vec![0; CHUNK];
    let mut received = 0;
    loop {
        match stream.read_timeout(&mut buffer, TIMEOUT)? {
            0 => break,
            length => {
                verify(received, &buffer[..length])?;
                received += length;
            }
        }
    }
    println!("consumer {}: end of stream after {received} bytes, all correct", id());
    write!(stream, "{received}")?; // the other direction is still open
    expect("bytes received", received, TOTAL)
}

fn produce(path: &str) -> Outcome {
    let mut stream = Stream::connect(path)?;
    let start = Instant::now();
    let mut sent = 0;
    while sent < TOTAL {
        stream.write_all(&pattern(sent, CHUNK))?;
        sent += CHUNK;
    }
    stream.shutdown(Shutdown::Write)?; // ends this direction only
    let mut receipt = String::new();
    stream.read_to_string(&mut receipt)?;
    println!("producer {}: sent {}, receipt {receipt}", id(), speed(sent, start.elapsed()));
    expect("receipt", receipt.parse()?, TOTAL)
}
