//! A reader-writer lock in shared memory. The death of a reader has no effect. After the death of a
//! writer, no process reads the data before it is repaired.
//!
//! Run it: `cargo run -p ipcraft-examples --example rwlock`

use std::process::id;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use ipcraft::ErrorKind;
use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft::sync::{Event, RwLock};
use ipcraft_examples::peer::{Peer, TIMEOUT, shared, start, wait_to_be_killed};
use ipcraft_examples::{Outcome, expect, println, role};

/// Every entry of an edition is the edition's number.
type Edition = [u64; 64];

const READERS: usize = 3;

ipcraft::shared_struct! {
    struct Library {
        book: RwLock<Edition>,
        is_read: Event,
        is_halfway: Event,
        repairs: AtomicU64,
    }
}

fn main() -> Outcome {
    match role().as_deref() {
        Some("--idle-reader") => read_until_killed(&*shared()?),
        Some("--writer") => write_half(&*shared()?),
        Some("--reader") => read_third(&*shared()?),
        _ => direct(),
    }
}

fn direct() -> Outcome {
    let memory = Memfd::create("library", Shared::<Library>::SIZE)?;
    let library = Shared::initialize(memory.map()?, |library: &Library| library.book.init([1; 64]))?;

    let reader = start("--idle-reader", &memory)?;
    library.is_read.wait_timeout(TIMEOUT)?;
    expect("an edition for two readers", library.book.read_timeout(TIMEOUT)?[63], 1)?;
    let taken = library.book.try_write().expect_err("a reader holds the lock").kind();
    expect("error of try_write", taken, ErrorKind::WouldBlock)?;
    reader.kill()?;
    // An error here would mean that a writer was killed.
    library.book.write_timeout(TIMEOUT).map_err(|e| e.to_string())?.fill(2);
    println!("director {}: wrote the second edition after the reader's death", id());

    let writer = start("--writer", &memory)?;
    library.is_halfway.wait_timeout(TIMEOUT)?;
    let taken = library.book.try_read().expect_err("a writer holds the lock").kind();
    expect("error of try_read", taken, ErrorKind::WouldBlock)?;
    let readers: Outcome<Vec<Peer>> = (0..READERS).map(|_| start("--reader", &memory)).collect();
    writer.kill()?;
    readers?.into_iter().try_for_each(Peer::finish)?;
    expect("repairs", library.repairs.load(Relaxed), 1)
}

fn read_until_killed(library: &Library) -> Outcome {
    let book = library.book.read_timeout(TIMEOUT)?;
    println!("reader {}: reads edition {} until it is killed", id(), book[0]);
    library.is_read.set()?;
    wait_to_be_killed()
}

fn write_half(library: &Library) -> Outcome {
    let mut book = library.book.write_timeout(TIMEOUT).map_err(|e| e.to_string())?;
    book[..32].fill(3);
    println!("writer {}: stopped in the middle of the third edition", id());
    library.is_halfway.set()?;
    wait_to_be_killed()
}

fn read_third(library: &Library) -> Outcome {
    let book = match library.book.read_timeout(TIMEOUT) {
        Err(error) if error.kind() == ErrorKind::OwnerDied => {
            println!("reader {}: {error}", id());
            repair(library)?;
            library.book.read_timeout(TIMEOUT)?
        }
        other => other?,
    };
    expect("a whole edition", *book, [3; 64])
}

/// Several readers may call this; only the first finds damage.
fn repair(library: &Library) -> ipcraft::Result<()> {
    let finish = |book: &mut Edition| {
        println!(
            "reader {}: {:?} entries are missing",
            id(),
            book.iter().filter(|entry| **entry != 3).count()
        );
        book.fill(3);
        library.repairs.fetch_add(1, Relaxed);
    };
    library.book.write_timeout(TIMEOUT).or_else(|e| e.repair(finish)).map(drop)
}
