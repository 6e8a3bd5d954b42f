//! A sensor whose newest reading anybody can load at any time: readers see only whole readings, and
//! never an older one than before, also when the sensor is killed in the middle of storing one and
//! another takes its place.
//!
//! Run it: `cargo run -p ipcraft-examples --example latest`

use std::env;
use std::process::{Child, id};
use std::thread::sleep;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::channel::latest::{Options, Reader, Snapshot, Writer};
use ipcraft::time::Deadline;
use ipcraft_examples::relatives::PATIENCE;
use ipcraft_examples::{Outcome, argument, expect, finish, fresh_object, myself, part};

/// The number of the sensor, and what it measured: the version of the reading, again and again.
type Reading = [u64; 64];

const READERS: usize = 2;
/// How many changes anybody wants to see of a sensor.
const CHANGES: u32 = 500;

fn main() -> Outcome {
    match part().as_deref() {
        Some("--sensor") => measure(),
        Some("--reader") => read(&mut Reader::open(&argument()?)?),
        _ => watch(),
    }
}

fn watch() -> Outcome {
    let name = fresh_object("ipcraft-latest");
    let channel = Options::<Reading>::new().remove_on_drop(true).create_new(&name)?;
    let mut reader = channel.reader()?;
    expect("what there is", reader.load().map_err(|e| e.kind()), Err(ErrorKind::Empty))?;

    let others: Vec<Child> =
        (0..READERS).map(|_| Ok(myself("--reader")?.arg(&name).spawn()?)).collect::<Outcome<_>>()?;
    let mut first = myself("--sensor")?.args([&name, "1"]).spawn()?;
    let seen = see(&mut reader, 1)?;
    first.kill()?;
    first.wait()?;
    let left = reader.load()?;
    check(&left)?;
    println!("watcher {}: the first sensor was killed, reading {} is still there", id(), left.version);
    expect("whether it is at least as new", left.version >= seen, true)?;

    let mut second = myself("--sensor")?.args([&name, "2"]).spawn()?;
    let newest = see(&mut reader, 2)?;
    expect("whether the versions go on", newest > left.version, true)?;
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

/// Stores one reading after the other, until it is killed; for no longer than anybody waits, should
/// its parent be gone.
fn measure() -> Outcome {
    let mut writer = Writer::<Reading>::open(&argument()?)?;
    let sensor: u64 = env::args().nth(3).ok_or("which sensor?")?.parse()?;
    let end = Deadline::after(PATIENCE);
    while !end.has_passed() {
        let mut reading = [writer.version() + 1; 64];
        reading[0] = sensor;
        writer.store(reading);
        if writer.version() % 16 == 0 {
            sleep(Duration::from_micros(50));
        }
    }
    Err("nobody came to kill this sensor".into())
}

/// Waits for changes of readings by this sensor, checks each, and says which version was the last.
fn see(reader: &mut Reader<Reading>, sensor: u64) -> Outcome<u64> {
    let end = Deadline::after(PATIENCE);
    let (mut seen, mut last) = (0, reader.version());
    while seen < CHANGES && !end.has_passed() {
        match reader.changed_timeout(PATIENCE) {
            Ok(now) => {
                check(&now)?;
                expect("whether it is newer", now.version > last, true)?;
                last = now.version;
                seen += u32::from(now.value[0] == sensor);
            }
            // One sensor has gone and the other has not come.
            Err(e) if e.kind() == ErrorKind::Disconnected => sleep(Duration::from_millis(1)),
            Err(e) => return Err(e.into()),
        }
    }
    expect("changes", seen, CHANGES)?;
    Ok(last)
}

fn check(seen: &Snapshot<Reading>) -> Outcome {
    let torn = seen.value[1..].iter().find(|word| **word != seen.version);
    expect("words of another reading", torn, None)
}
