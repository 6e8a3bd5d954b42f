//! Do channels for many keep their rate when there are many? Messages of 8 bytes, between real processes that are not bound
//! to processors: `many/mpmc/2+2` is two senders and two receivers, `many/broadcast/8` eight subscribers, of whom each gets
//! every message. The rate is that of deliveries, those of all receivers together.

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

/// What a process that was started to take part is told: what to play, the names of the channel and of what is between
/// the processes, and how many messages to send.
const PART: &str = "IPCRAFT_MANY";

const CAPACITY: usize = 1024;

/// The messages of an iteration: so many that starting and ending the processes does not show.
const BATCH: u64 = 200_000;

/// Longer than a child takes to come.
const PATIENCE: Duration = Duration::from_secs(20);

ipcraft::shared_struct! {
    /// What the processes of one run know of each other.
    struct Meeting {
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
    for ends in [1, 2, 4] {
        group.throughput(Throughput::Elements(BATCH));
        let id = BenchmarkId::new("mpmc", format!("{ends}+{ends}"));
        group.bench_function(id, |bencher| bencher.iter_custom(|count| work_queue(ends, BATCH * count)));
    }
    for subscribers in [1, 2, 4, 8] {
        group.throughput(Throughput::Elements(BATCH * subscribers));
        let id = BenchmarkId::new("broadcast", subscribers);
        group.bench_function(id, |bencher| bencher.iter_custom(|count| publish(subscribers, BATCH * count)));
    }
    group.finish();
}

/// As many senders as receivers.
fn work_queue(ends: u64, count: u64) -> Duration {
    let names = Names::new();
    let meeting = names.meet();
    let channel = mpmc::Options::<u64>::new().capacity(CAPACITY).remove_on_drop(true);
    let _channel = channel.create_new(&names.channel).expect("a channel");
    let each = count.div_ceil(ends);
    let mut children: Vec<Child> = (0..ends).map(|_| names.start("receiver", 0)).collect();
    children.extend((0..ends).map(|_| names.start("sender", each)));
    let time = time(&meeting, children);
    assert_eq!(meeting.received.load(SeqCst), each * ends, "messages");
    assert_eq!(meeting.sum.load(SeqCst), ends * (each * (each - 1) / 2), "what they say");
    time
}

fn publish(subscribers: u64, count: u64) -> Duration {
    let names = Names::new();
    let meeting = names.meet();
    let channel = broadcast::Options::<u64>::new().capacity(CAPACITY).remove_on_drop(true);
    let _channel = channel.create_new(&names.channel).expect("a channel");
    let mut children: Vec<Child> = (0..subscribers).map(|_| names.start("subscriber", 0)).collect();
    children.push(names.start("publisher", count));
    let time = time(&meeting, children);
    assert_eq!(meeting.received.load(SeqCst), subscribers * count, "messages");
    assert_eq!(meeting.sum.load(SeqCst), subscribers * (count * (count - 1) / 2), "what they say");
    time
}

/// Lets all begin at once, and waits for the last to end.
fn time(meeting: &Shared<Meeting>, children: Vec<Child>) -> Duration {
    let given_up = Instant::now() + PATIENCE;
    while meeting.ready.load(SeqCst) < children.len() as u64 {
        assert!(Instant::now() < given_up, "somebody did not come");
        thread::sleep(Duration::from_millis(1));
    }
    let began = Instant::now();
    meeting.start.set().expect("to start");
    for mut child in children {
        assert!(child.wait().expect("a child").success(), "a child failed");
    }
    began.elapsed()
}

struct Names {
    channel: String,
    meeting: String,
}

impl Names {
    fn new() -> Names {
        let unique = name::unique("ipcraft-many");
        Names { channel: format!("/{unique}"), meeting: format!("/{unique}-meeting") }
    }

    fn meet(&self) -> Shared<Meeting> {
        let options = posix::Options::new().remove_on_drop(true);
        Shared::create_new_with(&options, &self.meeting, |_| Ok(())).expect("shared memory")
    }

    fn start(&self, part: &str, count: u64) -> Child {
        let part = format!("{part} {} {} {count}", self.channel, self.meeting);
        let program = env::current_exe().expect("this program");
        Command::new(program).env(PART, part).spawn().expect("a child")
    }
}

/// One of those who were started.
fn play(part: &str, channel: &str, meeting: &str, count: u64) {
    let meeting: Shared<Meeting> = Shared::open(meeting).expect("shared memory");
    let begin = || {
        meeting.ready.fetch_add(1, SeqCst);
        meeting.start.wait_timeout(PATIENCE).expect("to be told to start");
    };
    match part {
        "sender" => {
            let mut sender = mpmc::Sender::<u64>::open(channel).expect("an end");
            begin();
            (0..count).for_each(|number| sender.send(number).expect("to send"));
        }
        "publisher" => {
            let mut publisher = broadcast::Publisher::<u64>::open(channel).expect("an end");
            begin();
            (0..count).for_each(|number| publisher.send(number).expect("to send"));
        }
        "receiver" => {
            let mut receiver = mpmc::Receiver::<u64>::open(channel).expect("an end");
            begin();
            add_up(&meeting, receiver.iter().map(|number| number.expect("a message")));
        }
        "subscriber" => {
            let mut subscriber = broadcast::Subscriber::<u64>::open(channel).expect("an end");
            begin();
            add_up(&meeting, subscriber.iter().map(|number| number.expect("a message")));
        }
        _ => process::exit(2),
    }
}

fn add_up(meeting: &Meeting, numbers: impl Iterator<Item = u64>) {
    let (received, sum) = numbers.fold((0, 0), |(count, sum), number| (count + 1, sum + number));
    meeting.received.fetch_add(received, SeqCst);
    meeting.sum.fetch_add(sum, SeqCst);
}
