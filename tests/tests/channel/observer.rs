use std::fs::{self, File};
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Instant;

use ipcraft::channel::{EndpointRole, Observer, broadcast, latest, mpmc, spsc};
use ipcraft::shm::memfd::Memfd;
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::{getpid, pause};

use super::fresh;

/// All words are the number of the message.
type Numbered = [u64; 100];

/// Readings that each stream is observed for.
const READINGS: usize = 300;

/// Observes a channel until both peers end, and checks that each copy is whole and of its position.
/// Returns the copies.
fn observe_until_stopped(name: &str, is_numbered_by_position: bool, peers: Vec<Peer>, stop: &Memfd) -> usize {
    let observer = Observer::open(name).unwrap();
    let (mut copies, mut last_sent) = (0, 0);
    let start = Instant::now();
    for reading in 0.. {
        // On one core, the peers may not have run yet.
        if reading >= READINGS && (copies >= READINGS || start.elapsed() > LONG_TIMEOUT) {
            break;
        }
        let sent = observer.stats().unwrap().directions[0].sent;
        assert!(sent >= last_sent, "{sent} after {last_sent}");
        last_sent = sent;
        for message in observer.messages(5).unwrap() {
            let (words, _) = message.bytes.as_chunks::<8>();
            let number = u64::from_ne_bytes(words[0]);
            assert!(words.iter().all(|word| u64::from_ne_bytes(*word) == number), "torn: {message:?}");
            assert!(!is_numbered_by_position || number == message.position, "{message:?}");
            copies += 1;
        }
    }
    stop.map().unwrap().atomic_u32(0).unwrap().store(1, Release);
    peers.into_iter().for_each(Peer::join);
    copies
}

fn stopped(stop: &Memfd) -> impl Fn() -> bool {
    let memory = stop.map().unwrap();
    move || memory.atomic_u32(0).unwrap().load(Acquire) == 1
}

/// Runs a stream in two processes, and observes it.
fn stream_is_copied_whole(
    name: &str,
    is_numbered_by_position: bool,
    send: impl FnOnce(&dyn Fn() -> bool),
    recv: impl FnOnce(&dyn Fn() -> bool),
) {
    let stop = Memfd::create("stop", 4).unwrap();
    let sender = Peer::start(|| send(&stopped(&stop)));
    let receiver = Peer::start(|| recv(&stopped(&stop)));
    let copies = observe_until_stopped(name, is_numbered_by_position, vec![sender, receiver], &stop);
    assert!(copies > 0, "no message was copied");
}

#[serial_test]
fn observer_of_spsc_stream_copies_whole_messages() {
    let name = fresh();
    let options = spsc::Options::<Numbered>::new().capacity(64).remove_on_drop(true);
    let _channel = options.create_new(&name).unwrap();
    stream_is_copied_whole(
        &name,
        true,
        |stopped| {
            let mut tx = spsc::Sender::<Numbered>::open(&name).unwrap();
            (0..).take_while(|_| !stopped()).for_each(|number| tx.send([number; 100]).unwrap());
        },
        |_| {
            let mut rx = spsc::Receiver::<Numbered>::open(&name).unwrap();
            while rx.recv().is_ok() {}
        },
    );
}

#[serial_test]
fn observer_of_mpmc_stream_copies_whole_messages() {
    let name = fresh();
    let options = mpmc::Options::<Numbered>::new().capacity(64).remove_on_drop(true);
    let _channel = options.create_new(&name).unwrap();
    stream_is_copied_whole(
        &name,
        true,
        |stopped| {
            let mut tx = mpmc::Sender::<Numbered>::open(&name).unwrap();
            (0..).take_while(|_| !stopped()).for_each(|number| tx.send([number; 100]).unwrap());
        },
        |_| {
            let mut rx = mpmc::Receiver::<Numbered>::open(&name).unwrap();
            while rx.recv().is_ok() {}
        },
    );
}

#[serial_test]
fn observer_of_broadcast_streams_copies_whole_messages() {
    for overflow in [broadcast::Overflow::Block, broadcast::Overflow::Overwrite] {
        let name = fresh();
        let options = broadcast::Options::<Numbered>::new().capacity(64).overflow(overflow);
        let _channel = options.remove_on_drop(true).create_new(&name).unwrap();
        stream_is_copied_whole(
            &name,
            true,
            |stopped| {
                let mut tx = broadcast::Publisher::<Numbered>::open(&name).unwrap();
                // Without a subscriber, the messages are discarded.
                (0..).take_while(|_| !stopped()).for_each(|number| drop(tx.send([number; 100])));
            },
            |stopped| {
                let mut rx = broadcast::Subscriber::<Numbered>::open(&name).unwrap();
                while !stopped() {
                    let _ = rx.recv_timeout(std::time::Duration::from_millis(1));
                }
            },
        );
    }
}

#[serial_test]
fn observer_of_latest_stream_copies_whole_values() {
    let name = fresh();
    let _channel = latest::Options::<Numbered>::new().remove_on_drop(true).create_new(&name).unwrap();
    stream_is_copied_whole(
        &name,
        true,
        |stopped| {
            let mut tx = latest::Writer::<Numbered>::open(&name).unwrap();
            (0..).take_while(|_| !stopped()).for_each(|number| {
                tx.store([number; 100]);
                std::thread::yield_now();
            });
        },
        |_| {},
    );
}

#[serial_test]
fn observer_of_bytes_stream_copies_whole_records() {
    let name = fresh();
    let options = spsc::bytes::Options::new().capacity(1 << 14).remove_on_drop(true);
    let _channel = options.create_new(&name).unwrap();
    stream_is_copied_whole(
        &name,
        false,
        |stopped| {
            let mut tx = spsc::bytes::Sender::open(&name).unwrap();
            (0u64..).take_while(|_| !stopped()).for_each(|number| {
                tx.send(&number.to_ne_bytes().repeat(1 + number as usize % 100)).unwrap();
            });
        },
        |_| {
            let (mut rx, mut buffer) = (spsc::bytes::Receiver::open(&name).unwrap(), Vec::new());
            while rx.recv(&mut buffer).is_ok() {}
        },
    );
}

#[serial_test]
fn observer_lists_process_of_each_endpoint_until_it_is_killed() {
    let name = fresh();
    let channel = spsc::Options::<u64>::new().remove_on_drop(true).create_new(&name).unwrap();
    let _tx = channel.sender().unwrap();
    let observer = Observer::open(&name).unwrap();
    let peer = Peer::start(|| {
        let _rx = spsc::Receiver::<u64>::open(&name).unwrap();
        pause();
    });
    peer.wait_asleep();
    let found = observer.endpoints().unwrap();
    let of = |role| found.iter().find(|endpoint| endpoint.role == role).expect("an endpoint");
    assert_eq!(of(EndpointRole::Sender).pid, Some(Pid::current()));
    let receiver = of(EndpointRole::Receiver);
    assert!(receiver.pid.is_some_and(|pid| pid != Pid::current()));
    assert!(receiver.started.is_some_and(|started| started <= receiver.registered_at));
    peer.kill();
    let roles: Vec<_> = observer.endpoints().unwrap().iter().map(|endpoint| endpoint.role).collect();
    assert_eq!(roles, [EndpointRole::Sender]);
}

#[serial_test]
fn observer_counts_waits_and_sleeps_of_a_receiver() {
    let name = fresh();
    let channel = spsc::Options::<u64>::new().remove_on_drop(true).create_new(&name).unwrap();
    let mut tx = channel.sender().unwrap();
    let observer = Observer::open(&name).unwrap();
    let peer = Peer::start(|| {
        let mut rx = spsc::Receiver::<u64>::open(&name).unwrap();
        assert_eq!(rx.recv().unwrap(), 7);
    });
    peer.wait_asleep();
    let before = observer.stats().unwrap().directions.remove(0);
    assert_eq!((before.receivers.waits, before.senders.wakes), (1, 0));
    assert!(before.receivers.sleeps >= 1);
    tx.send(7).unwrap();
    peer.join();
    let after = observer.stats().unwrap().directions.remove(0);
    assert_eq!((after.senders.wakes, after.senders.waits), (1, 0));
}

#[serial_test]
fn observer_with_right_to_read_maps_memory_for_reading_only() {
    let name = fresh();
    let options = spsc::Options::<u64>::new().exact_mode(0o444).remove_on_drop(true);
    let _channel = options.create_new(&name).unwrap();
    // In another process, which has no other mapping of the channel.
    Peer::start(|| {
        let mapped = |access: &str| {
            let maps = fs::read_to_string("/proc/self/maps").unwrap();
            maps.lines().filter(|line| line.ends_with(&name) && line.contains(access)).count()
        };
        let before = mapped(" rw-s");
        let _observer = Observer::open(&name).unwrap();
        assert_eq!((mapped(" r--s"), mapped(" rw-s")), (1, before));
    })
    .join();
}

#[serial_test]
fn observer_of_shrunk_channel_returns_corrupted() -> Outcome {
    let (word, mut copy) = (1u64, [0; 8]);
    let remote = [RemoteIoVec { base: (&raw const word).addr(), len: 8 }];
    if process_vm_readv(getpid(), &mut [std::io::IoSliceMut::new(&mut copy)], &remote) != Ok(8) {
        return Outcome::Skipped("needs process_vm_readv(2)".into());
    }
    let name = fresh();
    let _channel = spsc::Options::<u64>::new().remove_on_drop(true).create_new(&name).unwrap();
    let observer = Observer::open(&name).unwrap();
    File::options().write(true).open(format!("/dev/shm{name}")).unwrap().set_len(0).unwrap();
    assert_eq!(observer.stats().unwrap_err().kind(), ErrorKind::Corrupted);
    assert_eq!(observer.messages(1).unwrap_err().kind(), ErrorKind::Corrupted);
    assert_eq!(observer.endpoints().unwrap_err().kind(), ErrorKind::Corrupted);
    assert!(Observer::open(&name).is_err());
    Outcome::Passed
}
