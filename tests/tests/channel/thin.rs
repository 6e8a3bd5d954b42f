//! What a message costs when nobody sleeps, counted.

use ipcraft::channel::{broadcast, latest, mpmc, request, spsc};
use ipcraft_tests::step;
use ipcraft_tests::suite::Outcome;

/// How many instructions sending, and receiving, a number through a typed channel may take, also where they are checked
/// for overflow.
const MOST: u64 = 100;

/// The instructions of one call, after one that is not counted.
fn cost(name: &str, operation: impl FnMut()) -> u64 {
    let trace = step::trace(operation).unwrap();
    let instructions = trace.instructions - step::overhead().unwrap();
    println!("{name}: {instructions} instructions");
    assert_eq!(trace.system_calls, [], "{name}");
    instructions
}

pub(super) fn makes_no_system_call() -> Outcome {
    if step::overhead() == Err(step::REFUSED) {
        return Outcome::Skipped("this system does not allow ptrace(2)".into());
    }
    let (mut tx, mut rx) = spsc::channel::<u64>(8).unwrap();
    let sending = cost("spsc send", || tx.send(7).unwrap());
    tx.send_all(&[7, 7]).unwrap();
    let receiving = cost("spsc recv", || assert_eq!(rx.recv().unwrap(), 7));
    assert!(sending <= MOST && receiving <= MOST, "{sending} and {receiving}");

    let (mut tx, mut rx) = spsc::bytes::channel(4096).unwrap();
    let mut buffer = Vec::with_capacity(64);
    cost("bytes", || {
        tx.send(&[7; 64]).unwrap();
        assert_eq!(rx.recv(&mut buffer).unwrap(), 64);
    });
    let (mut tx, mut rx) = mpmc::channel::<u64>(8).unwrap();
    cost("mpmc", || {
        tx.send(7).unwrap();
        assert_eq!(rx.recv().unwrap(), 7);
    });
    let (mut tx, mut rx) = broadcast::channel::<u64>(8).unwrap();
    cost("broadcast", || {
        tx.send(7).unwrap();
        assert_eq!(rx.recv().unwrap(), 7);
    });
    let (mut tx, mut rx) = latest::channel::<u64>().unwrap();
    cost("latest", || {
        tx.store(7);
        assert_eq!(rx.load().unwrap().value, 7);
    });
    let (mut client, mut server) = request::channel::<u64, u64>(8).unwrap();
    cost("request", || {
        client.send(7).unwrap();
        server.recv().unwrap().respond(8).unwrap();
        assert_eq!(client.recv().unwrap().1, 8);
    });
    Outcome::Passed
}
