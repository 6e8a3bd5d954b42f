//! What a reactor promises to event loops, also when a peer is killed.

use std::fs::{self, File};
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::channel::{Reactor, Registration, Token, mpmc, request, spsc};
use ipcraft::time::Deadline;
use ipcraft_tests::channel_kind::{
    Broadcast, Bytes, ChannelKind, Config, Latest, Mpmc, Numbered, OverwritingBroadcast, Requests, Spsc,
};
use ipcraft_tests::event_loop::{EventLoop, is_readable};
use ipcraft_tests::for_each_kind;
use ipcraft_tests::old_kernel::{Rule, with_rules};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::subject::Form;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::{LONG_TIMEOUT, death_notice_timeout, patience};
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::pause;

use super::fresh;

/// How often a death has to be noticed.
const DEATHS: usize = 100;

/// An event loop receives messages of another process, until that is killed.
fn receives_until_the_kill<K: ChannelKind>() {
    const MESSAGES: u64 = 10;
    let channel = K::anonymous(Config::new(4)).unwrap();
    let mut receiver = K::receiver(&channel).unwrap();
    let event_loop = EventLoop::new(|reactor| K::register_receiver(&receiver, reactor)).unwrap();
    let sender = Peer::start(|| {
        let mut sender = K::sender(&channel).unwrap();
        for number in 0..MESSAGES {
            sleep(Duration::from_millis(number % 3));
            (K::SENDS[0].send)(&mut sender, &[K::Message::numbered(number)], Form::Wait).unwrap();
        }
        pause();
    });
    let mut last = None;
    while last != Some(MESSAGES - 1) {
        let mut attempt =
            || (K::RECVS[0].recv)(&mut receiver, Form::Try, &mut |message| last = message.number());
        match event_loop.wait(LONG_TIMEOUT, &mut attempt) {
            // An overwriting publisher was faster.
            Err(error) if error.kind() == ErrorKind::Lagged => {}
            received => received.unwrap(),
        }
    }
    sender.kill();
    let ended = event_loop
        .wait(death_notice_timeout(), || (K::RECVS[0].recv)(&mut receiver, Form::Try, &mut drop))
        .unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::Disconnected, "{}", K::NAME);
}

#[serial_test]
fn reactor_reports_messages_and_the_death_of_every_kind() {
    macro_rules! each {
        ($($kind:ident),*) => { $(receives_until_the_kill::<$kind<[u64; 1]>>();)* };
    }
    for_each_kind!(each);
}

/// The time until an event loop notices that its only peer was killed.
fn death_notice() -> Duration {
    let channel = spsc::Channel::<u64>::anonymous().unwrap();
    let mut receiver = channel.receiver().unwrap();
    let event_loop = EventLoop::new(|reactor| receiver.register(reactor)).unwrap();
    let sender = Peer::start(|| {
        let mut sender = channel.sender().unwrap();
        sender.send(1).unwrap();
        pause();
    });
    assert_eq!(event_loop.wait(LONG_TIMEOUT, || receiver.try_recv()).unwrap(), 1);
    let began = Instant::now();
    sender.kill();
    let ended = event_loop.wait(death_notice_timeout(), || receiver.try_recv()).unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::Disconnected);
    began.elapsed()
}

/// Most of them in a fifth of the time that a blocked endpoint takes.
#[serial_test]
fn reactor_reports_a_death_when_it_happens() {
    let mut notices: Vec<Duration> = (0..DEATHS).map(|_| death_notice()).collect();
    notices.sort();
    let soon = notices.iter().filter(|notice| **notice < Duration::from_millis(50) * patience()).count();
    println!(
        "{soon} of {DEATHS} within 50 ms; median {:?}, last {:?}",
        notices[DEATHS / 2],
        notices[DEATHS - 1]
    );
    assert!(soon >= DEATHS * 9 / 10, "{notices:?}");
}

/// Channels for one message with both endpoints here, each registered.
struct Pairs {
    senders: Vec<spsc::Sender<u64>>,
    receivers: Vec<spsc::Receiver<u64>>,
    /// Of the receivers, and then of the senders.
    registrations: Vec<Registration>,
}

impl Pairs {
    fn new(reactor: &Reactor, count: usize) -> Pairs {
        let (senders, receivers): (Vec<spsc::Sender<u64>>, Vec<spsc::Receiver<u64>>) =
            (0..count).map(|_| spsc::channel(1).unwrap()).unzip();
        let mut registrations: Vec<Registration> =
            receivers.iter().map(|receiver| receiver.register(reactor).unwrap()).collect();
        registrations.extend(senders.iter().map(|sender| sender.register(reactor).unwrap()));
        assert!(!registrations.iter().any(Registration::uses_thread));
        Pairs { senders, receivers, registrations }
    }

    /// Arms these, and waits until the first bounded waits are over.
    fn settle(&self, reactor: &Reactor, which: std::ops::Range<usize>) {
        let mut woken = Vec::new();
        self.registrations[which].iter().for_each(|registration| assert!(registration.arm().unwrap()));
        while is_readable(reactor, Duration::from_millis(20)) {
            reactor.drain(&mut woken).unwrap();
            for token in &woken {
                self.registrations[self.place(*token)].arm().unwrap();
            }
        }
    }

    fn place(&self, token: Token) -> usize {
        self.registrations.binary_search_by_key(&token, Registration::token).expect("in order of making")
    }

    /// Calls `attend` for each of these endpoints once it is reported.
    fn attend_each(
        &mut self,
        reactor: &Reactor,
        which: std::ops::Range<usize>,
        attend: impl Fn(&mut Self, usize),
    ) {
        let (mut woken, mut attended) = (Vec::new(), 0);
        while attended < which.len() {
            assert!(is_readable(reactor, LONG_TIMEOUT), "{attended} of {}", which.len());
            reactor.drain(&mut woken).unwrap();
            for token in &woken {
                let place = self.place(*token);
                assert!(which.contains(&place));
                attend(self, place - which.start);
                attended += 1;
            }
        }
    }
}

fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap().into()
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// Raises the limit of descriptors, and returns how many such pairs there may be.
fn possible_pairs(wanted: usize) -> usize {
    const PER_PAIR: u64 = 3;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let needed = wanted as u64 * PER_PAIR + 200;
    if setrlimit(Resource::RLIMIT_NOFILE, needed, hard.max(needed)).is_err() {
        setrlimit(Resource::RLIMIT_NOFILE, hard.min(needed), hard).unwrap();
    }
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let watches = fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").unwrap();
    let watches: u64 = watches.trim().parse().unwrap();
    wanted.min((soft.saturating_sub(200) / PER_PAIR).min(watches / 2) as usize)
}

#[serial_test]
fn reactor_of_many_idle_endpoints_uses_no_cpu_time_and_no_thread() {
    Peer::start(|| {
        let count = possible_pairs(1000);
        let before = threads();
        let reactor = Reactor::new().unwrap();
        let pairs = Pairs::new(&reactor, count);
        pairs.settle(&reactor, 0..count);
        assert!(threads() <= before);
        let (mut woken, mut tokens) = (Vec::new(), 0);
        let (cpu, began) = (cpu_time(), Instant::now());
        while began.elapsed() < Duration::from_secs(1) {
            if is_readable(&reactor, Duration::from_millis(500)) {
                reactor.drain(&mut woken).unwrap();
                tokens += woken.len();
            }
        }
        let used = cpu_time() - cpu;
        println!("{count} idle endpoints: {used:?} of CPU time in {:?}, {tokens} reports", began.elapsed());
        assert_eq!(tokens, 0);
        assert!(used < began.elapsed() / 50, "{used:?}");
    })
    .join();
}

#[serial_test]
fn reactor_of_10_000_endpoints_reports_each() {
    Peer::start(|| {
        let count = possible_pairs(5000);
        let reactor = Reactor::new().unwrap();
        let mut pairs = Pairs::new(&reactor, count);
        let (receivers, senders) = (0..count, count..2 * count);
        assert_eq!(reactor.len(), 2 * count);
        pairs.settle(&reactor, receivers.clone());
        for (number, sender) in pairs.senders.iter_mut().enumerate() {
            sender.send(number as u64).unwrap();
        }
        pairs.attend_each(&reactor, receivers, |pairs, place| {
            assert_eq!(pairs.receivers[place].try_recv().unwrap(), place as u64);
        });
        pairs.senders.iter_mut().for_each(|sender| while sender.try_send(1).is_ok() {});
        pairs.settle(&reactor, senders.clone());
        pairs.receivers.iter_mut().for_each(|receiver| while receiver.try_recv().is_ok() {});
        pairs.attend_each(&reactor, senders, |pairs, place| pairs.senders[place].try_send(2).unwrap());
        println!("{} endpoints", 2 * count);
        drop(pairs);
        assert!(reactor.is_empty());
    })
    .join();
}

#[serial_test]
fn reactor_is_not_woken_by_what_its_own_endpoint_sends() {
    let (mut client, mut server) = request::channel::<u64, u64>(4).unwrap();
    let (own, other) = (Reactor::new().unwrap(), Reactor::new().unwrap());
    let (replies, requests) = (client.register(&own).unwrap(), server.register(&other).unwrap());
    let mut woken = Vec::new();
    for round in 0..50 {
        replies.arm().unwrap();
        requests.arm().unwrap();
        // The first wait is bounded.
        if round == 0 {
            sleep(Duration::from_millis(5));
            own.drain(&mut woken).unwrap();
            other.drain(&mut woken).unwrap();
            continue;
        }
        client.send(round).unwrap();
        assert!(is_readable(&other, Duration::ZERO), "the event precedes the return of the call");
        other.drain(&mut woken).unwrap();
        assert_eq!(woken, [requests.token()]);
        own.drain(&mut woken).unwrap();
        assert_eq!(woken, [], "round {round}");
        server.recv().unwrap().respond(0).unwrap();
        assert!(is_readable(&own, Duration::ZERO));
        own.drain(&mut woken).unwrap();
        assert_eq!(woken, [replies.token()]);
        client.recv().unwrap();
        other.drain(&mut woken).unwrap();
    }
}

/// Reading the file is the event by which a receiver is rung.
#[serial_test]
fn reactor_reports_nothing_when_others_read_the_channel() {
    let name = fresh();
    let channel = spsc::Options::<u64>::new().remove_on_drop(true).create_new(&name).unwrap();
    let (mut sender, mut receiver) = (channel.sender().unwrap(), channel.receiver().unwrap());
    let reactor = Reactor::new().unwrap();
    let registration = receiver.register(&reactor).unwrap();
    let mut woken = Vec::new();
    while registration.arm().unwrap() {
        sleep(Duration::from_millis(5));
        reactor.drain(&mut woken).unwrap();
    }
    let file = File::open(format!("/dev/shm{name}")).unwrap();
    for number in 0..20 {
        assert_eq!(file.read_at(&mut [0], 0).unwrap(), 1);
        assert!(is_readable(&reactor, LONG_TIMEOUT));
        reactor.drain(&mut woken).unwrap();
        assert_eq!(woken, []);
        sender.send(number).unwrap();
        assert!(is_readable(&reactor, LONG_TIMEOUT));
        reactor.drain(&mut woken).unwrap();
        assert_eq!(woken, [registration.token()]);
        assert_eq!(receiver.try_recv().unwrap(), number);
        registration.arm().unwrap();
    }
}

/// The kernel drops events if too many are not read.
#[serial_test]
fn reactor_reports_all_endpoints_after_events_were_lost() {
    let queue = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let names = [fresh(), fresh()];
    let channels =
        names.clone().map(|name| spsc::Options::<u64>::new().remove_on_drop(true).create_new(&name).unwrap());
    let reactor = Reactor::new().unwrap();
    let receivers = channels.each_ref().map(|channel| channel.receiver().unwrap());
    let registrations = receivers.each_ref().map(|receiver| receiver.register(&reactor).unwrap());
    registrations.iter().for_each(|registration| assert!(registration.arm().unwrap()));
    let files = names.map(|name| File::open(format!("/dev/shm{name}")).unwrap());
    for _ in 0..=queue.trim().parse::<u32>().unwrap() {
        // Equal events in a row are one.
        files.iter().for_each(|file| assert_eq!(file.read_at(&mut [0], 0).unwrap(), 1));
    }
    let mut woken = Vec::new();
    reactor.drain(&mut woken).unwrap();
    woken.sort();
    assert_eq!(woken, registrations.each_ref().map(Registration::token));
    reactor.drain(&mut woken).unwrap();
    assert_eq!(woken, []);
}

#[serial_test]
fn reactor_in_a_forked_child_fails_and_leaves_the_parents_alone() {
    let (mut sender, mut receiver) = spsc::channel::<u64>(4).unwrap();
    let event_loop = EventLoop::new(|reactor| receiver.register(reactor)).unwrap();
    let reactor = Reactor::new().unwrap();
    let registration = ManuallyDrop::new(receiver.register(&reactor).unwrap());
    registration.arm().unwrap();
    Peer::start(|| {
        assert_eq!(reactor.drain(&mut Vec::new()).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(registration.arm().unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(receiver.register(&reactor).unwrap_err().kind(), ErrorKind::Invalid);
        // SAFETY: because this copy of the process drops its value once.
        drop(unsafe { std::ptr::read(&*registration) });
        // One of its own works.
        let own = EventLoop::new(|reactor| receiver.register(reactor)).unwrap();
        sender.send(1).unwrap();
        assert_eq!(own.wait(LONG_TIMEOUT, || receiver.try_recv()).unwrap(), 1);
    })
    .join();
    let mut woken = Vec::new();
    assert!(is_readable(&reactor, LONG_TIMEOUT));
    reactor.drain(&mut woken).unwrap();
    assert_eq!(woken, [registration.token()]);
    sender.send(2).unwrap();
    assert_eq!(event_loop.wait(LONG_TIMEOUT, || receiver.try_recv()).unwrap(), 2);
    drop(ManuallyDrop::into_inner(registration));
}

/// An event loop without inotify(7) receives messages, and notices the death of its peer.
fn works_with_a_thread() {
    let channel = mpmc::Channel::<u64>::anonymous().unwrap();
    let mut receiver = channel.receiver().unwrap();
    let event_loop = EventLoop::new(|reactor| receiver.register(reactor)).unwrap();
    assert!(event_loop.registration().uses_thread());
    let sender = Peer::start(|| {
        let mut sender = channel.sender().unwrap();
        for number in 0..20 {
            sleep(Duration::from_millis(number % 3));
            sender.send(number).unwrap();
        }
        pause();
    });
    for number in 0..20 {
        assert_eq!(event_loop.wait(LONG_TIMEOUT, || receiver.try_recv()).unwrap(), number);
    }
    sender.kill();
    let ended = event_loop.wait(LONG_TIMEOUT, || receiver.try_recv()).unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::Disconnected);
    let before = threads();
    drop(event_loop);
    // The kernel lists a thread for a moment after it was joined.
    let deadline = Deadline::after(LONG_TIMEOUT);
    while threads() >= before {
        assert!(!deadline.has_passed(), "the thread did not end");
        sleep(Duration::from_millis(1));
    }
    assert!(receiver.readiness().unwrap().uses_thread());
}

#[serial_test]
fn reactor_without_an_inotify_instance_uses_threads() -> Outcome {
    with_rules(&[Rule::Fails(libc::SYS_inotify_init1, Errno::EMFILE)], works_with_a_thread)
}

#[serial_test]
fn reactor_without_inotify_watches_uses_threads() -> Outcome {
    with_rules(&[Rule::Fails(libc::SYS_inotify_add_watch, Errno::ENOSPC)], works_with_a_thread)
}

/// The limits of a user namespace hold for its users only.
#[serial_test]
fn reactor_beyond_the_limits_of_the_user_uses_threads() -> Outcome {
    for limit in ["max_inotify_instances", "max_inotify_watches"] {
        let role = || {
            unshare(CloneFlags::CLONE_NEWUSER).unwrap();
            fs::write(format!("/proc/sys/user/{limit}"), "0").unwrap();
        };
        let (permitted, mut reply) =
            spsc::channel::<u8>(1).map(|(tx, rx)| (std::cell::RefCell::new(tx), rx)).unwrap();
        Peer::start(|| {
            let is_permitted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(role)).is_ok();
            permitted.borrow_mut().send(u8::from(is_permitted)).unwrap();
            if is_permitted {
                works_with_a_thread();
            }
        })
        .join();
        if reply.try_recv().unwrap() == 0 {
            return Outcome::Skipped("needs a user namespace with limits of its own".into());
        }
    }
    Outcome::Passed
}

/// The instances of a user are few, so a process does not take them all.
#[serial_test]
fn readiness_beyond_a_number_of_instances_uses_threads() {
    let (mut sender, mut receiver) = spsc::channel::<u64>(4).unwrap();
    let all: Vec<_> = (0..17).map(|_| receiver.readiness().unwrap()).collect();
    let with_threads: Vec<bool> = all.iter().map(ipcraft::channel::Readiness::uses_thread).collect();
    assert_eq!(with_threads, (0..17).map(|place| place == 16).collect::<Vec<_>>());
    for readiness in &all {
        assert!(is_readable(readiness, Duration::ZERO));
        readiness.clear().unwrap();
    }
    sender.send(1).unwrap();
    assert!(all.iter().all(|readiness| is_readable(readiness, LONG_TIMEOUT)));
    assert_eq!(receiver.try_recv().unwrap(), 1);
    drop(all);
    assert!(!receiver.readiness().unwrap().uses_thread());
}

/// An endpoint that goes to another process does not leave its peer's event loop unrung.
#[serial_test]
fn reactor_hears_of_messages_of_an_endpoint_that_was_passed_on() {
    let (sender, mut receiver) = spsc::channel::<u64>(4).unwrap();
    let event_loop = EventLoop::new(|reactor| receiver.register(reactor)).unwrap();
    let mut sender = sender;
    for number in 0..30 {
        assert!(event_loop.wait(Duration::from_millis(2), || receiver.try_recv()).is_err());
        sender = spsc::Sender::from_fd(sender.into_fd().unwrap()).unwrap();
        sender.send(number).unwrap();
        assert_eq!(event_loop.wait(LONG_TIMEOUT, || receiver.try_recv()).unwrap(), number);
    }
}
