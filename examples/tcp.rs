//! TCP with the standard library: the only mechanism here that also crosses machines.
//!
//! Run it: `cargo run -p ipcraft-examples --example tcp` starts both processes on loopback.
//!
//! To run it on two hosts, add `-- --listen 0.0.0.0:7000` on one and `-- --connect HOST:7000` on
//! the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Stdio, id};
use std::time::Instant;

use ipcraft_examples::{
    Outcome, argument, expect, finish, pattern, println, role, speed, this_program, verify,
};

const TOTAL: usize = 16 << 20;
const CHUNK: usize = 64 << 10;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--listen") => consume(TcpListener::bind(argument()?)?),
        Some("--connect") => produce(&argument()?),
        _ => both(),
    }
}

/// Starts a consumer on a free port of this machine, reads the port from its output, and produces.
fn both() -> Outcome {
    let mut consumer = this_program("--listen")?.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn()?;
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
    stream.shutdown(std::net::Shutdown::Write)?; // ends the stream; the other direction stays open
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
    println!("consumer {}: end of stream after {received} bytes, all correct", id());
    expect("bytes received", received, TOTAL)
}
