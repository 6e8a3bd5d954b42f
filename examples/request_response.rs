//! Requests and replies: a server that is killed during a request, its successor, and a call that
//! times out.
//!
//! Run it: `cargo run -p ipcraft-examples --example request_response`

use std::process::{Child, id};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::channel::request::{Client, Options, Server};
use ipcraft_examples::{Outcome, argument, expect, finish, fresh_object, println, role, this_program};

const CALLS: u64 = 10_000;
/// A request that takes long.
const SLOW: u64 = 7_000_001;
/// A request that the first server never completes.
const ENDLESS: u64 = 7_000_002;
const A_WHILE: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match role().as_deref() {
        Some("--stubborn") => serve(&argument()?, true),
        Some("--server") => serve(&argument()?, false),
        _ => ask(),
    }
}

fn start(server: &str, name: &str) -> Outcome<Child> {
    Ok(this_program(server)?.arg(name).spawn()?)
}

fn ask() -> Outcome {
    let name = fresh_object("ipcraft-example-request");
    let channel = Options::<u64, u64>::new().capacity(16).remove_on_drop(true).create_new(&name)?;
    let mut client = channel.client()?;
    let mut server = start("--stubborn", &name)?;
    for number in 0..CALLS {
        expect("square", client.call_timeout(&number, TIMEOUT)?, number * number)?;
    }
    println!("client {}: {CALLS} calls answered", id());

    let error = client.call_timeout(&SLOW, A_WHILE / 10).expect_err("the request takes longer");
    println!("client {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::TimedOut)?;
    // Its late reply is discarded, and not taken for another one.
    expect("square", client.call_timeout(&9, TIMEOUT)?, 81)?;

    // Two requests are pending: one that the server processes, and one that it has not received.
    let tickets = [client.send(ENDLESS)?, client.send(5)?];
    let error = client.recv_timeout(A_WHILE).expect_err("the first request never completes");
    expect("kind of error", error.kind(), ErrorKind::TimedOut)?;
    server.kill()?;
    server.wait()?;
    let error = client.recv_timeout(TIMEOUT).expect_err("the server was killed");
    println!("client {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::Disconnected)?;

    let server = start("--server", &name)?;
    for (ticket, number) in tickets.into_iter().zip([ENDLESS, 5]) {
        let (answered, square) = recv_from_successor(&mut client)?;
        expect("request of the reply", answered, ticket)?;
        expect("square", square, number * number)?;
    }
    println!("client {}: the next server answered the pending requests", id());
    drop(client); // the server receives `Disconnected`
    finish(server)
}

/// Opens the endpoint when the previous owner's death has been noticed.
fn recv_from_successor(
    client: &mut Client<u64, u64>,
) -> Outcome<(ipcraft::channel::request::RequestId, u64)> {
    let began = Instant::now();
    loop {
        match client.recv_timeout(TIMEOUT) {
            Err(e) if e.kind() == ErrorKind::Disconnected && began.elapsed() < TIMEOUT => {
                sleep(Duration::from_millis(1));
            }
            received => return Ok(received?),
        }
    }
}

fn serve(name: &str, is_stubborn: bool) -> Outcome {
    let mut server = Server::<u64, u64>::open(name)?;
    server.serve(|number| {
        match *number {
            SLOW => sleep(A_WHILE),
            ENDLESS if is_stubborn => sleep(TIMEOUT),
            _ => {}
        }
        number * number
    })?;
    println!("server {}: the client is gone", id());
    Ok(())
}
