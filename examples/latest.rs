//! A sensor whose newest reading any process can load at any time. Readers see only whole readings,
//! and no reading twice in reverse order. That also holds when the sensor is killed during a store
//! and replaced.
//!
//! Run it: `cargo run -p ipcraft-examples --example latest`

use std::env;
use std::process::{Child, id};
use std::thread::sleep;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::channel::latest::{Options, Reader, Snapshot, Writer};
use ipcraft::time::Deadline;
use ipcraft_examples::peer::TIMEOUT;
use ipcraft_examples::{Outcome, argument, expect, finish, fresh_object, println, role, this_program};

/// The number of the sensor, and the reading: its version in every word.
type Reading = [u64; 64];

const READERS: usize = 2;
/// Changes of one sensor that a reader waits for.
const CHANGES: u32 = 500;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--sensor") => measure(),
        Some("--reader") => read(&mut Reader::open(&argument()?)?),
        _ => watch(),
    }
}

fn watch() -> Outcome {
    let name = fresh_object("ipcraft-latest");
    let channel = Options::<Reading>::new().remove_on_drop(true).create_new(&name)?;
    let mut reader = channel.reader()?;
    expect("error before the first reading", reader.load().map_err(|e| e.kind()), Err(ErrorKind::Empty))?;

    let others: Vec<Child> =
        (0..READERS).map(|_| Ok(this_program("--reader")?.arg(&name).spawn()?)).collect::<Outcome<_>>()?;
    let mut first = this_program("--sensor")?.args([&name, "1"]).spawn()?;
    let seen = see(&mut reader, 1)?;
    first.kill()?;
    first.wait()?;
    let left = reader.load()?;
    check(&left)?;
    println!("watcher {}: the first sensor was killed, reading {} remains", id(), left.version);
    expect("whether it is at least as new", left.version >= seen, true)?;

    let mut second = this_program("--sensor")?.args([&name, "2"]).spawn()?;
    let newest = see(&mut reader, 2)?;
    expect("whether the versions continue", newest > left.version, true)?;
    others.into_iter().try_for_each(finish)?;
    second.kill()?;
    second.wait()?;
    Ok(())
}

fn read(reader: &mut Reader<Reading>) -> Outcome {
    let version = see(reader, 2)?;
    println!("reader {}: whole readings only, up to {version}", id());
    Ok(())
}

/// Stores readings until it is killed, for at most the timeout in case its parent is gone.
fn measure() -> Outcome {
    let mut writer = Writer::<Reading>::open(&argument()?)?;
    let sensor: u64 = env::args().nth(3).ok_or("which sensor?")?.parse()?;
    let end = Deadline::after(TIMEOUT);
    while !end.has_passed() {
        let mut reading = [writer.version() + 1; 64];
        reading[0] = sensor;
        writer.store(reading);
        if writer.version() % 16 == 0 {
            sleep(Duration::from_micros(50));
        }
    }
    Err("this sensor was not killed".into())
}

/// Waits for changes by this sensor, checks each reading, and returns the last version.
fn see(reader: &mut Reader<Reading>, sensor: u64) -> Outcome<u64> {
    let end = Deadline::after(TIMEOUT);
    let (mut seen, mut last) = (0, reader.version());
    while seen < CHANGES && !end.has_passed() {
        match reader.changed_timeout(TIMEOUT) {
            Ok(now) => {
                check(&now)?;
                expect("whether it is newer", now.version > last, true)?;
                last = now.version;
                seen += u32::from(now.value[0] == sensor);
            }
            // The first sensor is gone, and the second one has not started.
            Err(e) if e.kind() == ErrorKind::Disconnected => sleep(Duration::from_millis(1)),
            Err(e) => return Err(e.into()),
        }
    }
    expect("changes", seen, CHANGES)?;
    Ok(last)
}

fn check(seen: &Snapshot<Reading>) -> Outcome {
    let torn = seen.value[1..].iter().find(|word| **word != seen.version);
    expect("word of a different reading", torn, None)
}
