//! Requests: each gets one reply, and the next server carries out what a killed one was processing.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::thread::sleep;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::channel::request::{Channel, Server};
use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft_tests::channel_kind::{self, Asker, ChannelKind, Config, Numbered, Requests, SendWay, reply_to};
use ipcraft_tests::crash_sweep::{Outcome, Scenario, clean, progress_timeout};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::subject::Form;
use ipcraft_tests::survivors::{self, HANG_TIMEOUT};
use ipcraft_tests::time::death_notice_timeout;
use libtest_mimic::Trial;

use crate::delivery_log::{Allowed, DeliveryLog, Entry, Role, entry, message};
use crate::exchange::{FEW, NARROW, NEAR_32, NEAR_64};
use crate::senders::Sending;
use crate::survivor::Survivor::{self, Alone, Blocked, Running};
use crate::{Few, One};

type Client<M> = Asker<M, true>;

pub(crate) fn tests() -> Vec<Trial> {
    fn serving<M: Numbered + 'static>(operate: fn(&mut Server<M, M>, &Account)) -> Serving<M> {
        Serving { operate, survivor: Running, initial_position: NEAR_64, rejects: false, stride: 1 }
    }
    vec![
        clean("request_call", Sending::new(Running, &call::<One>()).initial_position(NEAR_64).stride(7)),
        clean(
            "request_call_some_words",
            Sending::new(Running, &call::<Few>()).initial_position(NEAR_32).stride(7),
        ),
        clean("request_recv_of_replies", Settling { initial_position: NEAR_64 }),
        clean("request_respond", serving(respond::<One>)),
        clean("request_respond_some_words", Serving { initial_position: NEAR_32, ..serving(respond::<Few>) }),
        clean("request_reject", Serving { rejects: true, ..serving(reject::<One>) }),
        clean(
            "request_respond_client_blocked",
            Serving { survivor: Blocked, stride: 7, ..serving(respond::<One>) },
        ),
        clean(
            "request_respond_client_alone",
            Serving { survivor: Alone, stride: 1, ..serving(respond::<One>) },
        ),
    ]
}

fn client<M: Numbered + 'static>(channel: &Channel<M, M>) -> Client<M> {
    Requests::sender(channel).unwrap()
}

fn ask<M: Numbered + 'static>(client: &mut Client<M>, entry: Entry) {
    client.ask(message(entry), Form::Within(HANG_TIMEOUT)).unwrap();
}

/// The entry to which a reply belongs.
fn asked<M: Numbered>(reply: &M, entry: Entry) -> bool {
    let request: M = message(entry);
    reply.number() == request.number().map(reply_to)
}

/// A call, to which the server replies when the client blocks.
fn call<M: Numbered + 'static>() -> SendWay<Requests<M>> {
    let send = |asker: &mut Client<M>, messages: &[M], _form| {
        let reply = asker.client.call(&messages[0])?;
        assert_eq!(reply.number(), messages[0].number().map(reply_to));
        Ok(())
    };
    SendWay { name: "call", function: "call", batch: 1, commits: true, send }
}

/// Replies to the next request; passes it on before.
fn serve<M: Numbered + 'static>(
    server: &mut Server<M, M>,
    timeout: Duration,
    mut before: impl FnMut(Option<Entry>),
) -> ipcraft::Result<()> {
    channel_kind::serve(server, Form::Within(timeout), &mut |message| before(entry(&message)))
}

fn respond<M: Numbered + 'static>(server: &mut Server<M, M>, account: &Account) {
    let mut served = None;
    serve(server, HANG_TIMEOUT, |asked| {
        account.carry_out(asked);
        served = asked;
    })
    .unwrap();
    account.answer(served);
}

/// A request that is rejected is not carried out again.
fn reject<M: Numbered + 'static>(server: &mut Server<M, M>, account: &Account) {
    let request = server.recv().unwrap();
    let asked = entry(request.body());
    account.carry_out(asked);
    drop(request);
    account.answer(asked);
}

/// The channel of a client that is killed.
struct Called<M: Numbered + 'static> {
    channel: Channel<M, M>,
    log: Shared<DeliveryLog>,
    server: RefCell<Server<M, M>>,
    /// The child's.
    client: RefCell<Option<Client<M>>>,
}

impl<M: Numbered + 'static> Called<M> {
    fn new(initial_position: u64) -> Self {
        let channel = Requests::anonymous(Config { initial_position, ..NARROW }).unwrap();
        let server = RefCell::new(channel.server().unwrap());
        Called { channel, log: DeliveryLog::new(), server, client: RefCell::new(None) }
    }

    fn serve(&self) {
        serve(&mut self.server.borrow_mut(), HANG_TIMEOUT, |asked| self.log.add_received(asked)).unwrap();
    }

    /// Checks that the next client gets its own replies.
    fn check(self) -> Outcome {
        let Called { channel, log, server, .. } = self;
        let mut server = server.into_inner();
        let reason = loop {
            match serve(&mut server, Duration::ZERO, |asked| log.add_received(asked)) {
                Ok(()) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(reason.kind(), ErrorKind::Disconnected, "the only client was killed");
        let mut next = client(&channel);
        for _ in 0..2 * NARROW.capacity {
            ask(&mut next, log.begin(Role::Survivor));
            log.add_sent(Role::Survivor, 1);
            if serve(&mut server, HANG_TIMEOUT, |asked| log.add_received(asked)).is_err() {
                return Outcome::Stuck;
            }
            next.settle();
            assert!(next.pending.is_empty(), "the request has a reply");
        }
        log.outcome(Allowed::default())
    }
}

/// A client that is killed while it receives the reply to one request and sends the next.
struct Settling {
    initial_position: u64,
}

impl Scenario for Settling {
    type Fixture = Called<Few>;

    fn stride(&self, asked: u64) -> u64 {
        asked * 3
    }

    fn fixture(&self) -> Called<Few> {
        Called::new(self.initial_position)
    }

    fn operate(&self, fixture: &Called<Few>) {
        let mut client = fixture.client.borrow_mut();
        let client = client.get_or_insert_with(|| self::client(&fixture.channel));
        client.settle();
        client.ask(message(fixture.log.begin(Role::Victim)), Form::Wait).unwrap();
        fixture.log.add_sent(Role::Victim, 1);
    }

    /// The reply is there when the second call begins.
    fn rearm(&self, fixture: &Called<Few>) {
        fixture.serve();
    }

    fn check(&self, fixture: Called<Few>) -> Outcome {
        fixture.check()
    }
}

ipcraft::shared_struct! {
    /// What happened to each request, in memory apart from the channel.
    struct Account {
        /// How often each was carried out.
        carried_out: [AtomicU8; MAX_REQUESTS],
        /// How often the server that carried it out succeeded to reply.
        answered: [AtomicU8; MAX_REQUESTS],
        /// Requests that no client sent.
        corrupted: AtomicU8,
    }
}

/// The requests of one fixture.
const MAX_REQUESTS: usize = 64;

impl Account {
    fn new() -> Shared<Account> {
        let memory = Memfd::create("account", Shared::<Account>::SIZE).unwrap();
        Shared::initialize(memory.map().unwrap(), |_| Ok(())).unwrap()
    }

    fn carry_out(&self, asked: Option<Entry>) {
        match asked.and_then(|entry| self.carried_out.get(entry.number as usize)) {
            Some(times) => times.fetch_add(1, SeqCst),
            None => self.corrupted.fetch_add(1, SeqCst),
        };
    }

    fn answer(&self, asked: Option<Entry>) {
        if let Some(times) = asked.and_then(|entry| self.answered.get(entry.number as usize)) {
            times.fetch_add(1, SeqCst);
        }
    }

    /// Which requests have a reply by now.
    fn settled(&self) -> Vec<bool> {
        self.answered.iter().map(|times| times.load(SeqCst) > 0).collect()
    }

    /// The outcome, if the killed server replied to the `settled` ones, and the others have a reply
    /// by now.
    fn outcome(&self, settled: &[bool]) -> Outcome {
        let again = |i: usize| self.carried_out[i].load(SeqCst) > 1;
        let twice: Vec<usize> = (0..MAX_REQUESTS).filter(|&i| again(i)).collect();
        match twice[..] {
            _ if self.corrupted.load(SeqCst) > 0 => Outcome::Corrupted,
            [] => Outcome::Unnoticed,
            // The request that the killed server was processing.
            [one] if !settled[one] && self.carried_out[one].load(SeqCst) == 2 => Outcome::Redelivered,
            _ => Outcome::Duplicated,
        }
    }
}

/// A server that is killed while it replies.
struct Serving<M: Numbered + 'static> {
    operate: fn(&mut Server<M, M>, &Account),
    survivor: Survivor,
    initial_position: u64,
    /// Whether the server rejects requests instead.
    rejects: bool,
    /// The factor on the stride.
    stride: u64,
}

/// The channel of the server.
struct Fixture<M: Numbered + 'static> {
    channel: Channel<M, M>,
    account: Shared<Account>,
    /// The child's.
    server: RefCell<Option<Server<M, M>>>,
    /// This process's, until another process has it.
    client: RefCell<Option<Client<M>>>,
    peer: RefCell<Option<Peer>>,
    /// The requests that this process has sent.
    asked: Cell<u64>,
}

impl<M: Numbered + 'static> Fixture<M> {
    fn ask(&self) {
        let mut client = self.client.borrow_mut();
        let entry = Entry { role: Role::Survivor, number: self.asked.get() };
        ask(client.as_mut().expect("this process's"), entry);
        self.asked.set(entry.number + 1);
    }

    /// Receives a reply to each request, and returns whether all arrive.
    fn receive_replies(&self, rejects: bool) -> bool {
        let mut client = self.client.borrow_mut();
        let Asker { client, pending } = client.as_mut().expect("this process's");
        pending.drain(..).all(|asked| match client.recv_timeout(HANG_TIMEOUT) {
            Ok((_, reply)) => {
                assert_eq!(reply.number(), asked.map(reply_to));
                true
            }
            // The error does not name the request.
            Err(error) => rejects && error.kind() == ErrorKind::Rejected,
        })
    }
}

impl<M: Numbered + 'static> Scenario for Serving<M> {
    type Fixture = Fixture<M>;

    fn stride(&self, asked: u64) -> u64 {
        self.survivor.stride(asked) * self.stride
    }

    /// A server may die before it wakes the client, and the next server has no reply to send then.
    fn progress_timeout(&self) -> Duration {
        if self.survivor == Running { progress_timeout() } else { death_notice_timeout() }
    }

    fn fixture(&self) -> Fixture<M> {
        let config = Config { initial_position: self.initial_position, ..NARROW };
        let channel = Requests::anonymous(config).unwrap();
        let client = RefCell::new(Some(client(&channel)));
        let (server, peer) = (RefCell::new(None), RefCell::new(None));
        let fixture = Fixture { channel, account: Account::new(), server, client, peer, asked: Cell::new(0) };
        fixture.ask();
        if self.survivor != Running {
            drop(fixture.client.take());
        }
        fixture
    }

    fn operate(&self, fixture: &Fixture<M>) {
        let mut server = fixture.server.borrow_mut();
        let server = server.get_or_insert_with(|| fixture.channel.server().unwrap());
        (self.operate)(server, &fixture.account);
    }

    fn rearm(&self, fixture: &Fixture<M>) {
        if self.survivor == Running {
            fixture.ask();
            fixture.ask();
        } else {
            let role = || call_until_answered(&fixture.channel, self.survivor);
            fixture.peer.replace(survivors::asleep(1, role).pop());
        }
    }

    fn check(&self, fixture: Fixture<M>) -> Outcome {
        let settled = fixture.account.settled();
        let serve = |server: &mut Server<M, M>, timeout| {
            serve(server, timeout, |asked| fixture.account.carry_out(asked)).map_err(|error| error.kind())
        };
        if self.survivor == Alone {
            let ended = survivors::finish(fixture.peer.take());
            return if ended { Outcome::Unnoticed } else { Outcome::Stuck };
        }
        let mut server = fixture.channel.server().unwrap();
        if self.survivor == Running {
            (0..FEW).for_each(|_| fixture.ask());
            while serve(&mut server, Duration::ZERO).is_ok() {}
            if !fixture.receive_replies(self.rejects) {
                return Outcome::Stuck;
            }
        } else {
            let last = loop {
                match serve(&mut server, HANG_TIMEOUT) {
                    Ok(()) => {}
                    Err(kind) => break kind,
                }
            };
            if last != ErrorKind::Disconnected || !survivors::finish(fixture.peer.take()) {
                return Outcome::Stuck;
            }
        }
        fixture.account.outcome(&settled)
    }
}

/// Calls until enough calls returned a reply, or until no server is left and no replacement comes.
fn call_until_answered<M: Numbered + 'static>(channel: &Channel<M, M>, survivor: Survivor) {
    const RETRY_INTERVAL: Duration = Duration::from_micros(200);
    let mut client = channel.client().unwrap();
    let (mut answered, mut number) = (0, 1);
    while answered < FEW {
        let entry = Entry { role: Role::Survivor, number };
        // A request that was not sent and one that may have been carried out both use up their
        // number.
        number += 1;
        match client.call_timeout(&message(entry), HANG_TIMEOUT) {
            Ok(reply) => {
                assert!(asked(&reply, entry));
                answered += 1;
            }
            Err(error) if error.kind() == ErrorKind::Disconnected => {
                if survivor == Alone {
                    return;
                }
                assert!(number < MAX_REQUESTS as u64, "no replacement comes");
                sleep(RETRY_INTERVAL);
            }
            Err(error) => panic!("{error}"),
        }
    }
}
