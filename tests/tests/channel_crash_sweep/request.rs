//! Requests: each is answered once, and what a dead server had in its hands is carried out by the next one.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::thread::sleep;
use std::time::Duration;

use ipcraft::channel::request::{self, Client, Options, Server};
use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::{Error, ErrorKind, Result};
use ipcraft_tests::crash_sweep::{Outcome, PROGRESS_TIMEOUT, Scenario, clean};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors::{self, HANG_TIMEOUT};
use libtest_mimic::Trial;

use crate::creation::Creation;
use crate::ledger::{Allowed, Ledger, Note, Who, note, words};
use crate::link::{FEW, Link, NARROW, NEAR_32, NEAR_64, Shape};
use crate::receivers::Receiving;
use crate::seats::Seating;
use crate::senders::Sending;
use crate::survivor::NOTICE;
use crate::survivor::Survivor::{self, Alone, Asleep, Awake};

/// Channels of requests of so many words, and of answers of as many.
struct Requests<const N: usize>;

/// One word, which goes beside the position too, and some.
const ONE: usize = 1;
const SOME: usize = 9;

type Channel<const N: usize> = request::Channel<[u64; N], [u64; N]>;
type Answers<const N: usize> = Server<[u64; N], [u64; N]>;

/// A client that knows what it has asked.
struct Asker<const N: usize> {
    client: Client<[u64; N], [u64; N]>,
    asked: VecDeque<Note>,
}

impl<const N: usize> Asker<N> {
    fn new(channel: &Channel<N>) -> Result<Self> {
        Ok(Asker { client: channel.client()?, asked: VecDeque::new() })
    }

    fn ask(&mut self, note: Note, timeout: Duration) -> Result<()> {
        self.client.send_timeout(words(note), timeout).map_err(Error::from)?;
        self.asked.push_back(note);
        Ok(())
    }

    /// Receives the answers that are there, which are to what this client has asked and to nothing else.
    fn settle(&mut self) {
        while let Ok((_, answer)) = self.client.try_recv() {
            let asked = self.asked.pop_front().expect("no more answers than requests");
            assert_eq!(note(&answer), Some(answer_to(asked)));
        }
    }
}

/// What a request is answered with: no request of this number.
fn answer_to(Note { who, number }: Note) -> Note {
    let who = if who == Who::Victim { Who::Survivor } else { Who::Victim };
    Note { who, number: number + 1000 }
}

/// Answers the next request, and says which it was; `None` if nobody sent it.
fn serve<const N: usize>(
    server: &mut Answers<N>,
    timeout: Duration,
    before: impl FnOnce(Option<Note>),
) -> Result<Option<Note>> {
    let request = server.recv_timeout(timeout)?;
    let asked = note(request.body());
    before(asked);
    let answer = answer_to(asked.unwrap_or(Note { who: Who::Victim, number: 0 }));
    match request.respond(words(answer)) {
        Err(error) if error.kind() != ErrorKind::Disconnected => Err(error.into()),
        // One who is gone wants no answer.
        _ => Ok(asked),
    }
}

impl<const N: usize> Link for Requests<N> {
    type Channel = Channel<N>;
    type Sender = Asker<N>;
    type Receiver = Answers<N>;

    fn create(shape: Shape, name: Option<&str>) -> Result<Channel<N>> {
        match name {
            Some(name) => options(shape).create_new(name),
            None => options(shape).anonymous(),
        }
    }

    fn open(name: &str) -> Result<Channel<N>> {
        Channel::open(name)
    }

    fn sender(channel: &Channel<N>) -> Result<Asker<N>> {
        Asker::new(channel)
    }

    fn receiver(channel: &Channel<N>) -> Result<Answers<N>> {
        channel.server()
    }

    fn send(asker: &mut Asker<N>, note: Note, timeout: Duration) -> Result<()> {
        asker.settle();
        asker.ask(note, timeout)
    }

    fn receive(server: &mut Answers<N>, timeout: Duration) -> Result<Option<Note>> {
        serve(server, timeout, |_| ())
    }
}

fn options<const N: usize>(shape: Shape) -> Options<[u64; N], [u64; N]> {
    Options::new().capacity(shape.capacity).initial_position(shape.start)
}

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = asking();
    tests.extend(answering());
    tests.extend(seating());
    tests
}

fn asking() -> Vec<Trial> {
    fn killed<const N: usize>(at: Survivor, operate: fn(&mut Asker<N>, &Ledger)) -> Sending<Requests<N>> {
        Sending::new(at, operate)
    }
    vec![
        clean("request_send", killed(Awake, send::<ONE>).initial_position(NEAR_32)),
        clean("request_send_some_words", killed(Awake, send::<SOME>).initial_position(NEAR_64)),
        clean("request_send_to_a_sleeper", killed(Asleep, send::<ONE>)),
        clean("request_send_to_one_alone", killed(Alone, send::<ONE>)),
        clean("request_call", killed(Awake, call::<ONE>).initial_position(NEAR_64).stride(7)),
        clean("request_call_some_words", killed(Awake, call::<SOME>).initial_position(NEAR_32).stride(7)),
        clean("request_recv_of_answers", Calling { start: NEAR_64 }),
    ]
}

fn answering() -> Vec<Trial> {
    fn serving<const N: usize>(operate: fn(&mut Answers<N>, &Account)) -> Serving<N> {
        Serving { operate, survivor: Awake, start: NEAR_64, given_up: false, stride: 1 }
    }
    vec![
        clean("request_respond", serving(respond::<ONE>)),
        clean("request_respond_some_words", Serving { start: NEAR_32, ..serving(respond::<SOME>) }),
        clean("request_give_up", Serving { given_up: true, ..serving(cancel_pending::<ONE>) }),
        clean(
            "request_respond_to_a_sleeper",
            Serving { survivor: Asleep, stride: 7, ..serving(respond::<ONE>) },
        ),
        clean(
            "request_respond_to_one_alone",
            Serving { survivor: Alone, stride: 11, ..serving(respond::<ONE>) },
        ),
        clean(
            "request_respond_when_empty",
            Receiving::<Requests<SOME>>::new(Awake, |server, ledger| {
                serve(server, HANG_TIMEOUT, |asked| ledger.hear(asked)).unwrap();
            })
            .keeping(1)
            .when_empty(),
        ),
    ]
}

fn seating() -> Vec<Trial> {
    type Seats = Seating<Requests<ONE>>;
    vec![
        clean("request_take_and_drop_client", Seats::new(|channel, _| drop(channel.client().unwrap()))),
        clean("request_take_and_drop_server", Seats::new(|channel, _| drop(channel.server().unwrap()))),
        clean(
            "request_create",
            Creation::<Requests<ONE>> { create: |shape, name| options(shape).create(name) },
        ),
    ]
}

fn send<const N: usize>(asker: &mut Asker<N>, ledger: &Ledger) {
    asker.ask(ledger.begin(Who::Victim), Duration::MAX).unwrap();
    ledger.sent(Who::Victim, 1);
}

/// The one who answers does so when this one sleeps.
fn call<const N: usize>(asker: &mut Asker<N>, ledger: &Ledger) {
    let asked = ledger.begin(Who::Victim);
    let answer = asker.client.call(&words(asked)).unwrap();
    assert_eq!(note(&answer), Some(answer_to(asked)));
    ledger.sent(Who::Victim, 1);
}

fn respond<const N: usize>(server: &mut Answers<N>, account: &Account) {
    let asked = serve(server, HANG_TIMEOUT, |asked| account.carry_out(asked));
    account.answer(asked.unwrap());
}

/// What is given up is not carried out again.
fn cancel_pending<const N: usize>(server: &mut Answers<N>, account: &Account) {
    let request = server.recv().unwrap();
    let asked = note(request.body());
    account.carry_out(asked);
    drop(request);
    account.answer(asked);
}

/// Killed while it receives the answer to one request and sends the next.
struct Calling {
    start: u64,
}

/// The channel that such a client is killed at.
struct Called {
    channel: Channel<SOME>,
    ledger: Shared<Ledger>,
    server: RefCell<Answers<SOME>>,
    /// The child's.
    client: RefCell<Option<Asker<SOME>>>,
}

impl Scenario for Calling {
    type Fixture = Called;

    fn stride(&self, asked: u64) -> u64 {
        asked * 3
    }

    fn fixture(&self) -> Called {
        let channel = Requests::create(Shape { start: self.start, ..NARROW }, None).unwrap();
        let server = RefCell::new(channel.server().unwrap());
        Called { channel, ledger: Ledger::new(), server, client: RefCell::new(None) }
    }

    fn operate(&self, world: &Called) {
        let mut client = world.client.borrow_mut();
        let client = client.get_or_insert_with(|| Asker::new(&world.channel).unwrap());
        client.settle();
        send(client, &world.ledger);
    }

    /// The answer is there when the second call begins.
    fn rearm(&self, world: &Called) {
        let answered = serve(&mut world.server.borrow_mut(), HANG_TIMEOUT, |asked| world.ledger.hear(asked));
        assert!(answered.unwrap().is_some());
    }

    fn check(&self, world: Called) -> Outcome {
        let Called { channel, ledger, server, .. } = world;
        let mut server = server.into_inner();
        let gone = loop {
            match serve(&mut server, Duration::ZERO, |asked| ledger.hear(asked)) {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(gone.kind(), ErrorKind::Disconnected, "the only client was killed");
        // The next one gets its own answers.
        let mut next = Asker::new(&channel).unwrap();
        for _ in 0..2 * NARROW.capacity {
            next.ask(ledger.begin(Who::Survivor), HANG_TIMEOUT).unwrap();
            ledger.sent(Who::Survivor, 1);
            if serve(&mut server, HANG_TIMEOUT, |asked| ledger.hear(asked)).is_err() {
                return Outcome::Stuck;
            }
            next.settle();
            assert!(next.asked.is_empty(), "it was answered");
        }
        ledger.outcome(Allowed::default())
    }
}

ipcraft::shared_struct! {
    /// What became of each request, written down apart from the channel.
    struct Account {
        /// How often each was carried out.
        carried_out: [AtomicU8; MOST],
        /// How often the one who carried it out was told that its answer is sent.
        answered: [AtomicU8; MOST],
        /// Requests that nobody sent.
        torn: AtomicU8,
    }
}

/// How many requests there can be.
const MOST: usize = 64;

impl Account {
    fn new() -> Shared<Account> {
        let memory = Memfd::create("account", Shared::<Account>::SIZE).unwrap();
        Shared::initialize(memory.map().unwrap(), |_| Ok(())).unwrap()
    }

    fn carry_out(&self, asked: Option<Note>) {
        match asked.and_then(|note| self.carried_out.get(note.number as usize)) {
            Some(times) => times.fetch_add(1, SeqCst),
            None => self.torn.fetch_add(1, SeqCst),
        };
    }

    fn answer(&self, asked: Option<Note>) {
        if let Some(times) = asked.and_then(|note| self.answered.get(note.number as usize)) {
            times.fetch_add(1, SeqCst);
        }
    }

    /// Which were answered up to now.
    fn settled(&self) -> Vec<bool> {
        self.answered.iter().map(|times| times.load(SeqCst) > 0).collect()
    }

    /// What it comes to when these were answered by the one who was killed, and all others are by now.
    fn outcome(&self, settled: &[bool]) -> Outcome {
        let again = |i: usize| self.carried_out[i].load(SeqCst) > 1;
        let twice: Vec<usize> = (0..MOST).filter(|&i| again(i)).collect();
        match twice[..] {
            _ if self.torn.load(SeqCst) > 0 => Outcome::Corrupted,
            [] => Outcome::Unnoticed,
            // What it had in its hands.
            [one] if !settled[one] && self.carried_out[one].load(SeqCst) == 2 => Outcome::Redelivered,
            _ => Outcome::Duplicated,
        }
    }
}

/// Killed while it answers.
struct Serving<const N: usize> {
    operate: fn(&mut Answers<N>, &Account),
    survivor: Survivor,
    start: u64,
    /// Whether it gives requests up instead.
    given_up: bool,
    /// How many times fewer positions are tried, where that takes long.
    stride: u64,
}

/// The channel that a server is killed at.
struct World<const N: usize> {
    channel: Channel<N>,
    account: Shared<Account>,
    /// The child's.
    server: RefCell<Option<Answers<N>>>,
    /// This process's, until somebody else has it.
    client: RefCell<Option<Asker<N>>>,
    peer: RefCell<Option<Peer>>,
    /// How many requests this process has sent.
    asked: Cell<u64>,
}

impl<const N: usize> World<N> {
    fn ask(&self) {
        let mut client = self.client.borrow_mut();
        let note = Note { who: Who::Survivor, number: self.asked.get() };
        client.as_mut().expect("this process's").ask(note, HANG_TIMEOUT).unwrap();
        self.asked.set(note.number + 1);
    }

    /// Receives an answer to each request; whether they all come.
    fn hear_all(&self, given_up: bool) -> bool {
        let mut client = self.client.borrow_mut();
        let Asker { client, asked } = client.as_mut().expect("this process's");
        asked.drain(..).all(|asked| match client.recv_timeout(HANG_TIMEOUT) {
            Ok((_, answer)) => {
                assert_eq!(note(&answer), Some(answer_to(asked)));
                true
            }
            // It is not known which.
            Err(error) => given_up && error.kind() == ErrorKind::Rejected,
        })
    }
}

impl<const N: usize> Scenario for Serving<N> {
    type Fixture = World<N>;

    fn stride(&self, asked: u64) -> u64 {
        // At least two positions of the shortest operations.
        if self.survivor == Survivor::Alone { asked.min(7) * self.stride } else { asked * self.stride }
    }

    /// A server may die before it wakes the one who waits for its answer, and the next has nothing to answer then.
    fn progress_timeout(&self) -> Duration {
        if self.survivor == Awake { PROGRESS_TIMEOUT } else { NOTICE }
    }

    fn fixture(&self) -> World<N> {
        let channel = Requests::create(Shape { start: self.start, ..NARROW }, None).unwrap();
        let client = RefCell::new(Some(Asker::new(&channel).unwrap()));
        let (server, peer) = (RefCell::new(None), RefCell::new(None));
        let world = World { channel, account: Account::new(), server, client, peer, asked: Cell::new(0) };
        world.ask();
        if self.survivor != Awake {
            drop(world.client.take());
        }
        world
    }

    fn operate(&self, world: &World<N>) {
        let mut server = world.server.borrow_mut();
        let server = server.get_or_insert_with(|| world.channel.server().unwrap());
        (self.operate)(server, &world.account);
    }

    fn rearm(&self, world: &World<N>) {
        if self.survivor == Awake {
            world.ask();
            world.ask();
        } else {
            let role = || call_until_answered(&world.channel, self.survivor);
            world.peer.replace(survivors::asleep(1, role).pop());
        }
    }

    fn check(&self, world: World<N>) -> Outcome {
        let settled = world.account.settled();
        let serve = |server: &mut Answers<N>, timeout| {
            serve(server, timeout, |asked| world.account.carry_out(asked)).map_err(|error| error.kind())
        };
        if self.survivor == Alone {
            let ended = survivors::finish(world.peer.take());
            return if ended { Outcome::Unnoticed } else { Outcome::Stuck };
        }
        let mut server = world.channel.server().unwrap();
        if self.survivor == Awake {
            (0..FEW).for_each(|_| world.ask());
            while serve(&mut server, Duration::ZERO).is_ok() {}
            if !world.hear_all(self.given_up) {
                return Outcome::Stuck;
            }
        } else {
            let last = loop {
                match serve(&mut server, HANG_TIMEOUT) {
                    Ok(_) => {}
                    Err(kind) => break kind,
                }
            };
            if last != ErrorKind::Disconnected || !survivors::finish(world.peer.take()) {
                return Outcome::Stuck;
            }
        }
        world.account.outcome(&settled)
    }
}

/// Calls until so many calls were answered, or until it is told that there is no server and nobody comes.
fn call_until_answered<const N: usize>(channel: &Channel<N>, survivor: Survivor) {
    /// Until somebody has come.
    const LOOK: Duration = Duration::from_micros(200);
    let mut client = channel.client().unwrap();
    let (mut answered, mut number) = (0, 1);
    while answered < FEW {
        let asked = Note { who: Who::Survivor, number };
        // What could not be sent is not numbered, and what may have been carried out is.
        number += 1;
        match client.call_timeout(&words(asked), HANG_TIMEOUT) {
            Ok(answer) => {
                assert_eq!(note(&answer), Some(answer_to(asked)));
                answered += 1;
            }
            Err(error) if error.kind() == ErrorKind::Disconnected => {
                if survivor == Alone {
                    return;
                }
                assert!(number < MOST as u64, "nobody comes");
                sleep(LOOK);
            }
            Err(error) => panic!("{error}"),
        }
    }
}
