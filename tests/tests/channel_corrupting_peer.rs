//! Channels whose memory this library did not write: a call refuses it or returns, and never hangs,
//! panics or crashes.
//!
//! `IPCRAFT_CORRUPTION=full` corrupts for longer. Each seed is printed, and `IPCRAFT_SEED` repeats
//! one.

use std::env;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use ipcraft::channel::{mpmc, spsc};
use ipcraft::shm::memfd::{self, Memfd};
use ipcraft::{ErrorKind, name};
use ipcraft_tests::channel_kind::{
    Broadcast, Bytes, ChannelKind, Config, Latest, Mpmc, OverwritingBroadcast, Requests, Spsc,
};
use ipcraft_tests::corrupting_peer::{self, Clock, Corruptor, KINDS, Kind, Random};
use ipcraft_tests::for_each_kind;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{self, serial_test};

fn main() -> ExitCode {
    let test = |kind: &Kind| {
        let (name, kind) = (format!("{}_calls_return_while_peer_corrupts_the_memory", kind.name), *kind);
        suite::test(name, move || calls_return_while_peer_corrupts_the_memory(kind))
    };
    suite::main_with(KINDS.iter().map(test).collect())
}

/// For calls that wait.
const TIMEOUT: Duration = Duration::from_millis(2);

fn seed() -> u64 {
    let seed =
        env::var("IPCRAFT_SEED").map_or_else(|_| Random::seed(), |seed| seed.parse().expect("a number"));
    println!("\nIPCRAFT_SEED={seed}");
    seed
}

fn scale() -> u32 {
    if env::var("IPCRAFT_CORRUPTION").is_ok_and(|asked| asked == "full") { 10 } else { 1 }
}

/// Another process writes to the memory while this one calls every operation.
fn calls_return_while_peer_corrupts_the_memory(kind: Kind) {
    let seed = seed();
    let duration = Duration::from_millis(500) * scale();
    // In a process of its own, so that a crash is a failure.
    let victim = Peer::start(|| {
        let mut random = Random::new(seed);
        let mut target = (kind.make)();
        let memory = target.descriptor();
        let corruptor = Peer::start(|| corrupt(&memory, Random::new(!seed)));
        let mut clock = Clock::new(TIMEOUT);
        let start = Instant::now();
        while start.elapsed() < duration {
            target.operate(random.number() as u8, &mut clock);
        }
        corruptor.kill();
        println!("{}: {} calls returned a value, {} an error", kind.name, clock.values, clock.errors);
        assert!(clock.values > 0 && clock.errors > 0, "{clock:?}");
    });
    victim.join();
}

/// Writes at full speed for a while, and then with pauses, so that calls succeed in between.
fn corrupt(memory: &OwnedFd, mut random: Random) {
    let mut corruptor = Corruptor::new(corrupting_peer::map(memory), random.clone());
    loop {
        let pause = random.one_of(&[0, 0, 20, 100, 500]);
        for _ in 0..random.below(64) {
            corruptor.corrupt();
            if pause > 0 {
                thread::sleep(Duration::from_micros(pause));
            }
        }
    }
}

/// Runs the target of the fuzzer with random input.
#[serial_test]
fn calls_return_with_random_contents() {
    let seed = seed();
    let victim = Peer::start(|| {
        let mut random = Random::new(seed);
        for _ in 0..2_000 * scale() {
            let length = random.below(4096);
            let mut data: Vec<u8> = (0..length).map(|_| random.number() as u8).collect();
            // Small numbers pass more checks.
            if random.below(2) == 0 {
                for word in data.chunks_exact_mut(8).skip(4) {
                    word[2..].fill(0);
                }
            }
            corrupting_peer::fuzz(&data);
        }
    });
    victim.join();
}

/// Words of the header: their offset, what an error calls them, and a wrong value.
const FIELDS: [(usize, &str, u64); 7] = [
    (0, "holds no channel", 0),
    (8, "the version of its header", 77),
    (16, "its kind", 77),
    (24, "the layout of its messages", 77),
    (32, "the size of its messages", 77),
    (40, "its capacity", 77),
    (48, "its variant", 77),
];

#[serial_test]
fn open_with_wrong_header_field_names_the_field() {
    // Opening by name also compares the capacity with the options.
    let name = format!("/{}", name::unique("ipcraft-tests"));
    let options = spsc::Options::<u64>::new().capacity(64).remove_on_drop(true);
    let channel = options.create_new(&name).unwrap();
    let memory = ipcraft::shm::posix::Options::new().open(&name).unwrap().map().unwrap();
    for (at, field, wrong) in FIELDS {
        let word = memory.atomic_u64(at).unwrap();
        let right = word.swap(wrong, Relaxed);
        let error = options.open(&name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongType, "{field}");
        assert!(error.to_string().contains(field), "{error}");
        assert!(error.to_string().contains(&name), "{error}");
        word.store(right, Relaxed);
        options.open(&name).unwrap();
    }
    drop(channel);
}

#[serial_test]
fn from_received_with_wrong_capacity_returns_wrong_type() {
    macro_rules! each {
        ($($kind:ident),*) => { $(from_received_checks_the_capacity::<$kind<[u64; 1]>>();)* };
    }
    for_each_kind!(each);
}

fn from_received_checks_the_capacity<K: ChannelKind>() {
    let fd = descriptor(&K::anonymous(Config::new(64)).unwrap());
    let memory = corrupting_peer::map(&fd);
    let capacity = memory.atomic_u64(40).unwrap();
    let right = capacity.load(Relaxed);
    for wrong in [0, 3, right + 1, right - 1, right * 2, right << 20, 1 << 62, 1 << 63, u64::MAX] {
        capacity.store(wrong, Relaxed);
        let error = K::from_received(fd.try_clone().unwrap()).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::WrongType, "{}: {wrong}", K::NAME);
        let text = error.to_string();
        assert!(text.contains("its capacity") || text.contains("its size"), "{}: {wrong}: {text}", K::NAME);
    }
    capacity.store(right, Relaxed);
    assert!(K::from_received(fd).is_ok(), "{}", K::NAME);
}

fn descriptor(channel: &impl AsFd) -> OwnedFd {
    channel.as_fd().try_clone_to_owned().unwrap()
}

#[serial_test]
fn from_received_with_too_small_memory_returns_wrong_type() {
    // Less than a header.
    for size in [1, 64, 2047] {
        let memory = Memfd::create("small", size).unwrap();
        let refused = spsc::Channel::<u64>::from_received(descriptor(&memory)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::WrongType, "{size}: {refused}");
    }
    // Only a header.
    let whole = corrupting_peer::map(&descriptor(&spsc::Channel::<u64>::anonymous().unwrap()));
    let mut header = [0; 2048];
    whole.read_at(0, &mut header).unwrap();
    let memory = Memfd::create("header", header.len()).unwrap();
    memory.map().unwrap().write_at(0, &header).unwrap();
    let refused = spsc::Channel::<u64>::from_received(descriptor(&memory)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::WrongType);
    assert!(refused.to_string().contains("its size"), "{refused}");
    // A truncated file.
    let name = format!("/{}", name::unique("ipcraft-tests"));
    let options = spsc::Options::<u64>::new().remove_on_drop(true);
    let channel = options.create_new(&name).unwrap();
    let file = File::options().write(true).open(format!("/dev/shm{name}")).unwrap();
    for size in [0, 100, 2048, 4096] {
        file.set_len(size).unwrap();
        let refused = options.open(&name).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::WrongType, "{size}: {refused}");
    }
    drop(channel);
}

#[serial_test]
fn from_received_with_foreign_descriptor_returns_wrong_type() {
    let unsealed = memfd::Options::new().unsealed().create("unsealed", 1 << 16).unwrap();
    let (pipe, _writer) = std::io::pipe().unwrap();
    let others: [OwnedFd; 4] = [
        descriptor(&unsealed),
        pipe.into(),
        File::open("/dev/null").unwrap().into(),
        tempfile::tempfile().unwrap().into(),
    ];
    for fd in others {
        let received = spsc::Channel::<u64>::from_received(fd.try_clone().unwrap()).unwrap_err();
        assert_eq!(received.kind(), ErrorKind::WrongType, "{received}");
        let end = spsc::Receiver::<u64>::from_fd(fd).unwrap_err();
        assert!(matches!(end.kind(), ErrorKind::WrongType | ErrorKind::PermissionDenied), "{end}");
    }
    // A channel is not an endpoint, and a sender is not a receiver.
    let channel = spsc::Channel::<u64>::anonymous().unwrap();
    let fd = descriptor(&channel);
    assert_eq!(spsc::Receiver::<u64>::from_fd(fd).unwrap_err().kind(), ErrorKind::WrongType);
    let sender = channel.sender().unwrap().into_fd().unwrap();
    assert_eq!(spsc::Receiver::<u64>::from_fd(sender).unwrap_err().kind(), ErrorKind::WrongType);
    let receiver = channel.receiver().unwrap().into_fd().unwrap();
    assert_eq!(mpmc::Receiver::<u64>::from_fd(receiver).unwrap_err().kind(), ErrorKind::WrongType);
}
