//! Requests and answers: a server that is killed with a request in its hands, its successor, and a
//! call that times out.
//!
//! Run it: `cargo run -p ipcraft-examples --example request_response`

use std::process::{Child, id};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::channel::request::{Client, Options, Server};
use ipcraft_examples::{Outcome, argument, expect, finish, fresh_object, myself, part};

const CALLS: u64 = 10_000;
/// A request that takes its time.
const SLOW: u64 = 7_000_001;
/// One that the first server never comes to the end of.
const ENDLESS: u64 = 7_000_002;
const A_WHILE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match part().as_deref() {
        Some("--stubborn") => serve(&argument()?, true),
        Some("--server") => serve(&argument()?, false),
        _ => ask(),
    }
}

fn start(server: &str, name: &str) -> Outcome<Child> {
    Ok(myself(server)?.arg(name).spawn()?)
}

fn ask() -> Outcome {
    let name = fresh_object("ipcraft-example-request");
    let channel = Options::<u64, u64>::new().capacity(16).remove_on_drop(true).create_new(&name)?;
    let mut client = channel.client()?;
    let mut server = start("--stubborn", &name)?;
    for number in 0..CALLS {
        expect("square", client.call_timeout(&number, PATIENCE)?, number * number)?;
    }
    println!("client {}: {CALLS} calls answered", id());

    let error = client.call_timeout(&SLOW, A_WHILE / 10).expect_err("it takes longer");
    println!("client {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::TimedOut)?;
    // Its answer comes, and is taken for no other.
    expect("square", client.call_timeout(&9, PATIENCE)?, 81)?;

    // Two are on their way: one in the server's hands, one that it has not come to.
    let tickets = [client.send(ENDLESS)?, client.send(5)?];
    let error = client.recv_timeout(A_WHILE).expect_err("it never ends");
    expect("kind of error", error.kind(), ErrorKind::TimedOut)?;
    server.kill()?;
    server.wait()?;
    let error = client.recv_timeout(PATIENCE).expect_err("nobody serves");
    println!("client {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::Disconnected)?;

    let server = start("--server", &name)?;
    for (ticket, number) in tickets.into_iter().zip([ENDLESS, 5]) {
        let (answered, square) = recv_from_successor(&mut client)?;
        expect("whose answer", answered, ticket)?;
        expect("square", square, number * number)?;
    }
    println!("client {}: the next server answered what the first had left", id());
    drop(client); // the server sees that it has gone
    finish(server)
}

/// As soon as there is one.
fn recv_from_successor(
    client: &mut Client<u64, u64>,
) -> Outcome<(ipcraft::channel::request::RequestId, u64)> {
    let began = Instant::now();
    loop {
        match client.recv_timeout(PATIENCE) {
            Err(e) if e.kind() == ErrorKind::Disconnected && began.elapsed() < PATIENCE => {
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
            ENDLESS if is_stubborn => sleep(PATIENCE),
            _ => {}
        }
        number * number
    })?;
    println!("server {}: the client is gone", id());
    Ok(())
}
