//! A memfd: memory without a name, sealed and passed over a socket. The seals protect a receiver
//! that does not trust the creator.
//!
//! Run it: `cargo run -p ipcraft-examples --example memfd`

use std::os::fd::AsFd;
use std::process::id;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::process::{CommandExt, Inherit, take_inherited_fd};
use ipcraft::shm::memfd::{Memfd, Options, Seals};
use ipcraft::socket::Ancillary;
use ipcraft::socket::seqpacket::{self, Connection};
use ipcraft_examples::{Outcome, expect, finish, pattern, println, role, this_program, verify};

const TOTAL: usize = 4 << 20;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => consume(&Connection::try_from(take_inherited_fd("channel")?)?),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    let (ours, theirs) = seqpacket::pair()?;
    let consumer = this_program("--consumer")?.spawn_inheriting(Inherit::new().named("channel", theirs))?;

    // The receiver refuses a memfd without the final seal, because its creator could add seals.
    let memory = Options::new().unsealed().create("example", TOTAL)?;
    ours.send_descriptors(b"unfinished", &[memory.as_fd()])?;
    await_message(&ours, b"refused")?;

    let mapping = memory.map()?;
    memory.seal(Seals::FUTURE_WRITE | Seals::SEAL)?; // from now on only this mapping can write
    println!("producer {}: {} bytes, sealed with {:?}", id(), memory.size(), memory.seals()?);
    mapping.write_at(0, &pattern(0, TOTAL))?;
    ours.send_descriptors(b"ready", &[memory.as_fd()])?;
    await_message(&ours, b"verified")?;

    mapping.write_at(0, &pattern(1, TOTAL))?;
    ours.send(b"changed")?;
    finish(consumer)
}

fn await_message(channel: &Connection, wanted: &[u8]) -> Outcome {
    let mut buffer = [0; 32];
    let length = channel.recv_timeout(&mut buffer, TIMEOUT)?.ok_or("the peer is gone")?;
    expect("message", &buffer[..length], wanted)
}

fn receive(channel: &Connection) -> Outcome<ipcraft::Result<Memfd>> {
    let (_, mut received) =
        channel.recv_descriptors_timeout(&mut [0; 32], 1, TIMEOUT)?.ok_or("the peer is gone")?;
    Ok(Memfd::try_from(received.pop().ok_or("no descriptor arrived")?))
}

fn consume(channel: &Connection) -> Outcome {
    let error = receive(channel)?.expect_err("the seals are incomplete");
    println!("consumer {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::WrongType)?;
    channel.send(b"refused")?;

    let memory = receive(channel)??;
    expect("size", memory.size(), TOTAL)?;
    let error = memory.map().expect_err("only the producer can write");
    println!("consumer {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::PermissionDenied)?;

    let mapping = memory.map_read_only()?;
    let mut bytes = vec![0; TOTAL];
    mapping.read_at(0, &mut bytes)?;
    verify(0, &bytes)?;
    channel.send(b"verified")?;

    await_message(channel, b"changed")?;
    mapping.read_at(0, &mut bytes)?;
    println!("consumer {}: the memory has changed, and every byte is correct", id());
    verify(1, &bytes)
}
