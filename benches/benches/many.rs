//! The delivery rate of `mpmc` and `broadcast` with several processes on each side.
//!
//! Messages have 8 bytes, and the processes are not pinned. `many/mpmc/2+2` has two senders and two
//! receivers. `many/broadcast/8` has eight subscribers, each of which receives every message. The
//! rate counts the deliveries to all receivers together.

use std::process::{Child, Command};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use criterion::{BenchmarkId, Criterion, Throughput};
use ipcraft::channel::{broadcast, mpmc};
use ipcraft::name;
use ipcraft::shm::{Shared, posix};
use ipcraft::sync::Event;
use ipcraft_benches::group;

/// The environment variable that assigns a process its part: the role, the names of the channel and
/// of the shared state, and the number of messages to send.
const PART: &str = "IPCRAFT_MANY";

/// The messages that a channel holds.
const CAPACITY: usize = 1024;

/// The messages of an iteration. Compared to them, starting and ending the processes is negligible.
const BATCH: u64 = 200_000;

/// Longer than a child takes to start.
const MAX_START_TIME: Duration = Duration::from_secs(20);

ipcraft::shared_struct! {
    /// The state that the processes of one run share.
    struct Rendezvous {
        ready: AtomicU64,
        start: Event,
        received: AtomicU64,
        sum: AtomicU64,
    }
}

fn main() {
    if let Ok(part) = env::var(PART) {
        let words: Vec<&str> = part.split(' ').collect();
        play(words[0], words[1], words[2], words[3].parse().expect("a number"));
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    many(&mut criterion);
    criterion.final_summary();
}

fn many(criterion: &mut Criterion) {
    let mut group = group(criterion, "many");
    group.sample_size(10);
    for per_side in [1, 2, 4] {
        group.throughput(Throughput::Elements(BATCH));
        let id = BenchmarkId::new("mpmc", format!("{per_side}+{per_side}"));
        group.bench_function(id, |bencher| bencher.iter_custom(|count| work_queue(per_side, BATCH * count)));
    }
    for subscribers in [1, 2, 4, 8] {
        group.throughput(Throughput::Elements(BATCH * subscribers));
        let id = BenchmarkId::new("broadcast", subscribers);
        group.bench_function(id, |bencher| bencher.iter_custom(|count| publish(subscribers, BATCH * count)));
    }
    group.finish();
}

/// Measures a work queue with equally many senders and receivers.
fn work_queue(per_side: u64, count: u64) -> Duration {
    let names = Names::new();
    let rendezvous = names.create_rendezvous();
    let channel = mpmc::Options::<u64>::new().capacity(CAPACITY).remove_on_drop(true);
    let _channel = channel.create_new(&names.channel).expect("a channel");
    let each = count.div_ceil(per_side);
    let mut children: Vec<Child> = (0..per_side).map(|_| names.start("receiver", 0)).collect();
    children.extend((0..per_side).map(|_| names.start("sender", each)));
    let time = time(&rendezvous, children);
    assert_eq!(rendezvous.received.load(SeqCst), each * per_side, "the number of messages");
    assert_eq!(rendezvous.sum.load(SeqCst), per_side * (each * (each - 1) / 2), "the sum of the messages");
    time
}

fn publish(subscribers: u64, count: u64) -> Duration {
    let names = Names::new();
    let rendezvous = names.create_rendezvous();
    let channel = broadcast::Options::<u64>::new().capacity(CAPACITY).remove_on_drop(true);
    let _channel = channel.create_new(&names.channel).expect("a channel");
    let mut children: Vec<Child> = (0..subscribers).map(|_| names.start("subscriber", 0)).collect();
    children.push(names.start("publisher", count));
    let time = time(&rendezvous, children);
    assert_eq!(rendezvous.received.load(SeqCst), subscribers * count, "the number of messages");
    assert_eq!(
        rendezvous.sum.load(SeqCst),
        subscribers * (count * (count - 1) / 2),
        "the sum of the messages"
    );
    time
}

/// Starts all processes together and waits for the last one to end. Returns the time.
fn time(rendezvous: &Shared<Rendezvous>, children: Vec<Child>) -> Duration {
    let deadline = Instant::now() + MAX_START_TIME;
    while rendezvous.ready.load(SeqCst) < children.len() as u64 {
        assert!(Instant::now() < deadline, "a child did not start");
        thread::sleep(Duration::from_millis(1));
    }
    let began = Instant::now();
    rendezvous.start.set().expect("the start");
    for mut child in children {
        assert!(child.wait().expect("a child").success(), "a child failed");
    }
    began.elapsed()
}

struct Names {
    channel: String,
    rendezvous: String,
}

impl Names {
    fn new() -> Names {
        let unique = name::unique("ipcraft-many");
        Names { channel: format!("/{unique}"), rendezvous: format!("/{unique}-rendezvous") }
    }

    fn create_rendezvous(&self) -> Shared<Rendezvous> {
        let options = posix::Options::new().remove_on_drop(true);
        Shared::create_new_with(&options, &self.rendezvous, |_| Ok(())).expect("shared memory")
    }

    fn start(&self, part: &str, count: u64) -> Child {
        let part = format!("{part} {} {} {count}", self.channel, self.rendezvous);
        let program = env::current_exe().expect("this program");
        Command::new(program).env(PART, part).spawn().expect("a child")
    }
}

/// Runs the part of a child process.
fn play(part: &str, channel: &str, rendezvous: &str, count: u64) {
    let rendezvous: Shared<Rendezvous> = Shared::open(rendezvous).expect("shared memory");
    let begin = || {
        rendezvous.ready.fetch_add(1, SeqCst);
        rendezvous.start.wait_timeout(MAX_START_TIME).expect("the start");
    };
    match part {
        "sender" => {
            let mut sender = mpmc::Sender::<u64>::open(channel).expect("an endpoint");
            begin();
            (0..count).for_each(|number| sender.send(number).expect("a send"));
        }
        "publisher" => {
            let mut publisher = broadcast::Publisher::<u64>::open(channel).expect("an endpoint");
            begin();
            (0..count).for_each(|number| publisher.send(number).expect("a send"));
        }
        "receiver" => {
            let mut receiver = mpmc::Receiver::<u64>::open(channel).expect("an endpoint");
            begin();
            add_up(&rendezvous, receiver.iter().map(|number| number.expect("a message")));
        }
        "subscriber" => {
            let mut subscriber = broadcast::Subscriber::<u64>::open(channel).expect("an endpoint");
            begin();
            add_up(&rendezvous, subscriber.iter().map(|number| number.expect("a message")));
        }
        _ => process::exit(2),
    }
}

fn add_up(rendezvous: &Rendezvous, numbers: impl Iterator<Item = u64>) {
    let (received, sum) = numbers.fold((0, 0), |(count, sum), number| (count + 1, sum + number));
    rendezvous.received.fetch_add(received, SeqCst);
    rendezvous.sum.fetch_add(sum, SeqCst);
}
