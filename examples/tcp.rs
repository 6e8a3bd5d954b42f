//! TCP with nothing but the standard library: the one mechanism here that also crosses machines.
//!
//! Run it: `cargo run -p ipcraft-examples --example tcp`, which starts both processes and talks
//! over loopback. Or by hand, on one host or two: `cargo run -p ipcraft-examples --example tcp --
//! --listen 127.0.0.1:7000` and `cargo run -p ipcraft-examples --example tcp -- --connect
//! 127.0.0.1:7000`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Stdio, id};
use std::time::Instant;

use ipcraft_examples::{Outcome, argument, expect, finish, myself, part, pattern, speed, verify};

const TOTAL: usize = 16 << 20;
const CHUNK: usize = 64 << 10;

fn main() -> Outcome {
    match part().as_deref() {
        Some("--listen") => consume(TcpListener::bind(argument()?)?),
        Some("--connect") => produce(&argument()?),
        _ => both(),
    }
}

/// Starts a listening consumer on a free port of this machine, learns the port from what it prints,
/// and produces.
fn both() -> Outcome {
    let mut consumer = myself("--listen")?.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(consumer.stdout.take().ok_or("no output")?).lines();
    let first = lines.next().ok_or("the consumer did not start")??;
    println!("{first}");
    let address = first.rsplit(' ').next().ok_or("no address")?;
    produce(address)?;
    for line in lines {
        println!("{}", line?);
    }
    finish(consumer)
}

fn produce(address: &str) -> Outcome {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    println!("producer {}: connected to {address} from {}", id(), stream.local_addr()?);
    let start = Instant::now();
    let mut sent = 0;
    while sent < TOTAL {
        stream.write_all(&pattern(sent, CHUNK))?;
        sent += CHUNK;
    }
    stream.shutdown(std::net::Shutdown::Write)?; // ends the stream and leaves the way back open
    let mut receipt = String::new();
    stream.read_to_string(&mut receipt)?;
    println!("producer {}: sent {}, receipt {receipt}", id(), speed(sent, start.elapsed()));
    expect("receipt", receipt.parse()?, TOTAL)
}

fn consume(listener: TcpListener) -> Outcome {
    println!("consumer {}: listening on {}", id(), listener.local_addr()?);
    let (mut stream, peer) = listener.accept()?;
    println!("consumer {}: {peer} connected", id());
    let mut buffer = vec![0; CHUNK];
    let mut received = 0;
    loop {
        match stream.read(&mut buffer)? {
            0 => break,
            length => {
                verify(received, &buffer[..length])?;
                received += length;
            }
        }
    }
    write!(stream, "{received}")?;
    println!("consumer {}: end of stream after {received} bytes, every one as expected", id());
    expect("bytes received", received, TOTAL)
}
