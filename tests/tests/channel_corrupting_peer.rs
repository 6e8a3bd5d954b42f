//! Channels whose memory this library did not write: a call refuses it or returns, and never hangs,
//! panics or crashes.
//!
//! `IPCRAFT_STRESS=full` corrupts for longer. Each seed is printed, and `IPCRAFT_SEED` repeats one.

#![allow(unsafe_code)]

use std::env;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use ipcraft::channel::{mpmc, request, spsc};
use ipcraft::shm::memfd::{self, Memfd};
use ipcraft::{ErrorKind, name};
use ipcraft_tests::channel_kind::{
    Broadcast, Bytes, ChannelKind, Config, Latest, Mpmc, OverwritingBroadcast, Requests, Spsc,
};
use ipcraft_tests::corrupting_peer::{self, Clock, Corruptor, KINDS, Kind, Random};
use ipcraft_tests::for_each_kind;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{self, serial_test};
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::fcntl::{self, OFlag};
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

fn main() -> ExitCode {
    let corrupted = |kind: &Kind| {
        let (name, kind) = (format!("{}_calls_return_while_peer_corrupts_the_memory", kind.name), *kind);
        suite::test(name, move || calls_return_in_time(kind, Corruptor::corrupt))
    };
    let moved = |kind: &Kind| {
        let (name, kind) = (format!("{}_calls_return_while_peer_moves_the_positions", kind.name), *kind);
        suite::test(name, move || calls_return_in_time(kind, Corruptor::move_position))
    };
    suite::main_with(KINDS.iter().map(corrupted).chain(KINDS.iter().map(moved)).collect())
}

/// For calls that wait.
const TIMEOUT: Duration = Duration::from_millis(2);

fn seed() -> u64 {
    let seed =
        env::var("IPCRAFT_SEED").map_or_else(|_| Random::seed(), |seed| seed.parse().expect("a number"));
    println!("\nIPCRAFT_SEED={seed}");
    seed
}

/// The time of each test, in which a call that waits returns some hundred times.
const DURATION: Duration = Duration::from_millis(200);

/// The factor on the length of the tests.
fn scale() -> u32 {
    if env::var("IPCRAFT_STRESS").is_ok_and(|asked| asked == "full") { 5 } else { 1 }
}

/// Another process writes to the memory while this one calls every operation.
fn calls_return_in_time(kind: Kind, write: fn(&mut Corruptor)) {
    let seed = seed();
    let duration = DURATION * scale();
    // In a process of its own, so that a crash is a failure.
    let victim = Peer::start(|| {
        let mut random = Random::new(seed);
        let mut target = (kind.make)();
        let memory = target.descriptor();
        let corruptor = Peer::start(|| corrupt(&memory, Random::new(!seed), write));
        let mut clock = Clock::new(TIMEOUT);
        let start = Instant::now();
        // On a loaded machine, all calls may time out for a while.
        let has_both = |clock: &Clock| clock.values > 0 && clock.errors > 0;
        while start.elapsed() < duration || !has_both(&clock) && start.elapsed() < LONG_TIMEOUT {
            target.operate(random.number() as u8, &mut clock);
        }
        corruptor.kill();
        println!("{}: {} calls returned a value, {} an error", kind.name, clock.values, clock.errors);
        assert!(has_both(&clock), "{clock:?}");
    });
    victim.join();
}

/// Writes at full speed for a while, and then with pauses, so that calls succeed in between.
fn corrupt(memory: &OwnedFd, mut random: Random, write: fn(&mut Corruptor)) {
    let mut corruptor = Corruptor::new(corrupting_peer::map(memory), random.clone());
    loop {
        let pause = random.one_of(&[0, 0, 20, 100, 500]);
        for _ in 0..random.below(64) {
            write(&mut corruptor);
            if pause > 0 {
                thread::sleep(Duration::from_micros(pause));
            }
        }
    }
}

/// The position up to which a client has taken replies: in the second ring, of the receivers.
const TAKEN_REPLIES: usize = 896;

/// A living client makes the ring of replies seem full, over and over.
#[serial_test]
fn respond_while_client_resets_its_position_returns() {
    // The library promises one second; the rest is for a loaded machine.
    const MOST: Duration = Duration::from_secs(10);
    let channel = request::Options::<u64, u64>::new().capacity(4).anonymous().unwrap();
    let (mut client, mut server) = (channel.client().unwrap(), channel.server().unwrap());
    let mapping = corrupting_peer::map(&descriptor(&channel));
    let taken = mapping.atomic_u64(TAKEN_REPLIES).unwrap();
    taken.store(1, Relaxed);
    let resetting = Peer::start(|| {
        loop {
            taken.store(0, Relaxed);
        }
    });
    let reset = || {
        while taken.load(Relaxed) != 0 {
            thread::yield_now();
        }
    };
    reset();
    // The client itself makes room, and the other process takes it back.
    let mut ask = || {
        client.cancel_pending();
        client.try_send(7).unwrap();
        reset();
    };
    let start = Instant::now();
    let corrupted = (0..8).any(|_| {
        ask();
        let refused = server.recv_timeout(MOST).unwrap().respond(1);
        refused.is_err_and(|error| error.kind() == ErrorKind::Corrupted)
    });
    assert!(corrupted && start.elapsed() < MOST, "{corrupted}: {:?}", start.elapsed());
    // The other forms, and dropping, end earlier.
    let start = Instant::now();
    ask();
    assert_eq!(server.recv_timeout(MOST).unwrap().try_respond(1).unwrap_err().kind(), ErrorKind::Full);
    let refused = server.recv_timeout(MOST).unwrap().respond_timeout(1, TIMEOUT).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TimedOut);
    drop(server.recv_timeout(MOST).unwrap());
    assert_eq!(server.try_recv().unwrap_err().kind(), ErrorKind::Empty);
    assert_eq!(server.recv_timeout(TIMEOUT).unwrap_err().kind(), ErrorKind::TimedOut);
    drop(server);
    assert!(start.elapsed() < MOST, "{:?}", start.elapsed());
    resetting.kill();
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
    for size in [1, 64, 3967] {
        let memory = Memfd::create("small", size).unwrap();
        let refused = spsc::Channel::<u64>::from_received(descriptor(&memory)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::WrongType, "{size}: {refused}");
    }
    // Only a header.
    let whole = corrupting_peer::map(&descriptor(&spsc::Channel::<u64>::anonymous().unwrap()));
    let mut header = [0; 3968];
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
    for size in [0, 100, 3968, 4096] {
        file.set_len(size).unwrap();
        let refused = options.open(&name).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::WrongType, "{size}: {refused}");
    }
    drop(channel);
}

/// A descriptor of each kind of file, with its name.
fn foreign_descriptors() -> Vec<(&'static str, OwnedFd)> {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let open =
        |path: &Path, flags: OFlag| fcntl::open(path, flags | OFlag::O_CLOEXEC, Mode::empty()).unwrap();
    let (pipe, _writer) = std::io::pipe().unwrap();
    let (stream, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
    let endpoint = spsc::Channel::<u64>::anonymous().unwrap().sender().unwrap().into_fd().unwrap();
    let behind = format!("/proc/self/fd/{}", endpoint.as_raw_fd());
    vec![
        (
            "memfd without seals",
            descriptor(&memfd::Options::new().unsealed().create("unsealed", 1 << 16).unwrap()),
        ),
        ("pipe", pipe.into()),
        ("socket", stream.into()),
        ("unbound socket", std::os::unix::net::UnixDatagram::unbound().unwrap().into()),
        ("FIFO", open(&fifo, OFlag::O_RDONLY | OFlag::O_NONBLOCK)),
        ("directory", open(directory.path(), OFlag::O_DIRECTORY)),
        ("file", tempfile::tempfile().unwrap().into()),
        ("/dev/null", File::open("/dev/null").unwrap().into()),
        ("/dev/tty or terminal", open(Path::new("/dev/ptmx"), OFlag::O_RDWR | OFlag::O_NOCTTY)),
        ("epoll", Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap().0),
        ("eventfd", descriptor(&ipcraft::event::EventFd::new(0).unwrap())),
        ("O_PATH of a FIFO", open(&fifo, OFlag::O_PATH)),
        ("O_PATH of an endpoint", open(Path::new(&behind), OFlag::O_PATH)),
    ]
}

fn foreign_descriptors_are_refused<K: ChannelKind>() {
    for (name, fd) in foreign_descriptors() {
        let refused = [
            K::from_received(fd.try_clone().unwrap()).err(),
            K::sender_from_fd(fd.try_clone().unwrap()).err(),
            K::receiver_from_fd(fd).err(),
        ];
        for error in refused {
            let error = error.expect("refused");
            assert_eq!(error.kind(), ErrorKind::WrongType, "{}, {name}: {error}", K::NAME);
        }
    }
    // Only for reading: an endpoint writes to its memory.
    let channel = K::anonymous(Config::new(64)).unwrap();
    for of_sender in [true, false] {
        let endpoint = if of_sender {
            K::sender_into_fd(K::sender(&channel).unwrap())
        } else {
            K::receiver_into_fd(K::receiver(&channel).unwrap())
        };
        let endpoint = endpoint.unwrap();
        let fd: OwnedFd = File::open(format!("/proc/self/fd/{}", endpoint.as_raw_fd())).unwrap().into();
        let refused = if of_sender { K::sender_from_fd(fd).err() } else { K::receiver_from_fd(fd).err() };
        assert_eq!(refused.expect("refused").kind(), ErrorKind::WrongType, "{}", K::NAME);
    }
}

#[serial_test]
fn from_fd_and_from_received_with_foreign_descriptor_return_wrong_type() {
    macro_rules! each {
        ($($kind:ident),*) => { $(foreign_descriptors_are_refused::<$kind<[u64; 1]>>();)* };
    }
    for_each_kind!(each);
}

/// Chooses the signal that asks for the end of a lease (fcntl(2)).
const F_SETSIG: libc::c_int = 10;

/// The kernel lets an open wait until the holder of a lease gives it up, 45 seconds by default.
fn leased_descriptors_do_not_block<K: ChannelKind>() {
    let start = Instant::now();
    let lease = |fd: &OwnedFd, kind: libc::c_int| {
        // The signal that asks the holder to give up the lease is one that is ignored by default.
        // SAFETY: because fcntl(2) changes only the description of a descriptor that is open.
        unsafe {
            libc::fcntl(fd.as_raw_fd(), F_SETSIG, libc::SIGURG) == 0
                && libc::fcntl(fd.as_raw_fd(), libc::F_SETLEASE, kind) == 0
        }
    };
    // A read lease: of a description for reading, while no other can write.
    let channel = K::anonymous(Config::new(64)).unwrap();
    let endpoint = K::sender_into_fd(K::sender(&channel).unwrap()).unwrap();
    let reading: OwnedFd = File::open(format!("/proc/self/fd/{}", endpoint.as_raw_fd())).unwrap().into();
    drop((channel, endpoint));
    assert!(lease(&reading, libc::F_RDLCK), "a read lease");
    assert!(K::sender_from_fd(reading.try_clone().unwrap()).is_err());
    assert!(K::receiver_from_fd(reading.try_clone().unwrap()).is_err());
    drop(K::from_received(reading));
    // A write lease: of the only description.
    let channel = K::anonymous(Config::new(64)).unwrap();
    let endpoint = K::sender_into_fd(K::sender(&channel).unwrap()).unwrap();
    drop(channel);
    if lease(&endpoint, libc::F_WRLCK) {
        let refused = K::sender_from_fd(endpoint.try_clone().unwrap()).err().expect("refused");
        assert_eq!(refused.kind(), ErrorKind::InUse, "{}: {refused}", K::NAME);
        if let Ok(channel) = K::from_received(endpoint) {
            assert!(K::receiver(&channel).is_err(), "{}", K::NAME);
        }
    }
    assert!(start.elapsed() < LONG_TIMEOUT, "{}: {:?}", K::NAME, start.elapsed());
}

#[serial_test]
fn from_fd_of_a_descriptor_with_a_lease_does_not_block() {
    macro_rules! each {
        ($($kind:ident),*) => { $(leased_descriptors_do_not_block::<$kind<[u64; 1]>>();)* };
    }
    for_each_kind!(each);
}

#[serial_test]
fn from_fd_of_another_endpoint_returns_wrong_type() {
    // A channel is not an endpoint, and a sender is not a receiver.
    let channel = spsc::Channel::<u64>::anonymous().unwrap();
    let fd = descriptor(&channel);
    assert_eq!(spsc::Receiver::<u64>::from_fd(fd).unwrap_err().kind(), ErrorKind::WrongType);
    let sender = channel.sender().unwrap().into_fd().unwrap();
    assert_eq!(spsc::Receiver::<u64>::from_fd(sender).unwrap_err().kind(), ErrorKind::WrongType);
    let receiver = channel.receiver().unwrap().into_fd().unwrap();
    assert_eq!(mpmc::Receiver::<u64>::from_fd(receiver).unwrap_err().kind(), ErrorKind::WrongType);
}
