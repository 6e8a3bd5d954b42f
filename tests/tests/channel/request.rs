use std::collections::VecDeque;
use std::mem::forget;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::channel::request::{Channel, Client, Options, Server};
use ipcraft::channel::{SendError, WaitStrategy, spsc};
use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::corrupting_peer::Random;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, death_notice_timeout, patience};
use nix::unistd::pause;

use super::{fresh, once_replaced};

/// All words of a message are the same number, and the number of a reply is ten times that of its
/// request.
type Question = [u64; 3];
type Reply = [u64; 7];

fn make(name: &str) -> Channel<Question, Reply> {
    let options = Options::new().capacity(8).remove_on_drop(true).initial_position(u64::MAX - 9);
    options.create_new(name).unwrap()
}

fn client(name: &str) -> Client<Question, Reply> {
    Client::open(name).unwrap()
}

fn server(name: &str) -> Server<Question, Reply> {
    Server::open(name).unwrap()
}

fn answer(question: &Question) -> Reply {
    assert_eq!(*question, [question[0]; 3], "torn");
    [question[0] * 10; 7]
}

#[serial_test]
fn request_call_returns_the_reply_of_another_process() {
    for waiting in [WaitStrategy::Adaptive, WaitStrategy::Block] {
        let name = fresh();
        let made = make(&name);
        let serving = Peer::start(|| {
            let mut server = server(&name);
            server.set_wait_strategy(waiting);
            server.serve(answer).unwrap();
        });
        // Not before the fork, or the server would have a copy of it.
        let mut client = made.client().unwrap();
        client.set_wait_strategy(waiting);
        for i in 0..20_000 / u64::from(patience()) {
            assert_eq!(client.call(&[i; 3]).unwrap(), [i * 10; 7]);
        }
        drop(client);
        serving.join();
    }
}

#[serial_test]
fn request_replies_arrive_in_the_order_of_pending_requests() {
    let name = fresh();
    let made = make(&name);
    let serving = Peer::start(|| server(&name).serve(answer).unwrap());
    let mut client = made.client().unwrap();
    let mut ids = Vec::new();
    let (mut asked, mut answered) = (0, 0);
    while answered < 20_000 {
        while let Ok(id) = client.try_send([asked; 3]) {
            ids.push(id);
            asked += 1;
        }
        let (id, reply) = client.recv_timeout(LONG_TIMEOUT).unwrap();
        assert_eq!((id, reply), (ids[answered as usize], [answered * 10; 7]));
        answered += 1;
    }
    drop(client);
    serving.join();
}

#[serial_test]
fn request_recv_after_server_killed_returns_disconnected() {
    let name = fresh();
    let _made = make(&name);
    let serving = Peer::start(|| {
        let mut server = server(&name);
        server.recv().unwrap().respond([0; 7]).unwrap();
        let _in_hand = server.recv().unwrap();
        pause();
    });
    let asking = Peer::start(|| {
        let mut client = client(&name);
        client.set_wait_strategy(WaitStrategy::Block);
        assert_eq!(client.call(&[0; 3]).unwrap(), [0; 7]);
        let (first, second) = (client.send([1; 3]).unwrap(), client.send([2; 3]).unwrap());
        assert_eq!(client.recv().unwrap_err().kind(), ErrorKind::Disconnected);
        // Its replacement replies to the request in progress and to the waiting one.
        let replies = [(); 2].map(|()| once_replaced(|| client.recv(), Error::kind));
        assert_eq!(replies, [(first, [10; 7]), (second, [20; 7])]);
        assert_eq!(client.call_timeout(&[3; 3], LONG_TIMEOUT).unwrap(), [30; 7]);
    });
    asking.wait_asleep();
    serving.wait_asleep();
    serving.kill();
    // The client has noticed by then; otherwise it would receive a reply.
    sleep(death_notice_timeout());
    server(&name).serve(answer).unwrap();
    asking.join();
}

#[serial_test]
fn request_serve_after_client_killed_ends() {
    let name = fresh();
    let _made = make(&name);
    let serving = Peer::start(|| {
        let mut server = server(&name);
        server.set_wait_strategy(WaitStrategy::Block);
        server.serve(answer).unwrap();
    });
    let asking = Peer::start(|| {
        let mut client = client(&name);
        client.call(&[1; 3]).unwrap();
        pause();
    });
    asking.wait_asleep();
    serving.wait_asleep();
    asking.kill();
    let killed = Instant::now();
    serving.join();
    assert!(killed.elapsed() < death_notice_timeout());
}

/// Each request gets one reply when servers are killed. The next server carries out again what has
/// no reply.
#[serial_test]
#[expect(clippy::result_large_err, reason = "the error of a send returns the message")]
fn request_servers_killed_reply_to_each_request_once() {
    ipcraft::shared_struct! {
        struct Count {
            carried_out: AtomicU64,
            lives: AtomicU64,
        }
    }
    const LIVES: u64 = 30;
    const PENDING: u64 = 5;
    let name = fresh();
    let _made = make(&name);
    let memory = Memfd::create("count", Shared::<Count>::SIZE).unwrap();
    let count = Shared::initialize(memory.map().unwrap(), |_: &Count| Ok(())).unwrap();
    let asking = Peer::start(|| {
        let mut client = client(&name);
        let (mut asked, mut answered) = (0, 0);
        while count.lives.load(SeqCst) < LIVES || answered < asked {
            while count.lives.load(SeqCst) < LIVES && asked - answered < PENDING {
                once_replaced(|| client.send([asked; 3]), SendError::kind);
                asked += 1;
            }
            let (_, reply) = once_replaced(|| client.recv(), Error::kind);
            assert_eq!(reply, [answered * 10; 7]);
            answered += 1;
        }
        let repeated = count.carried_out.load(SeqCst) - answered;
        assert!(answered > LIVES && repeated <= LIVES, "{repeated} of {answered} were carried out again");
    });
    let serve = || {
        let served = server(&name).serve(|question| {
            count.carried_out.fetch_add(1, SeqCst);
            answer(question)
        });
        served.unwrap();
    };
    for life in 0..LIVES {
        let serving = Peer::start(serve);
        sleep(Duration::from_micros(500 + 100 * life));
        assert!(!serving.has_status_change().unwrap(), "the server failed");
        serving.kill();
        count.lives.fetch_add(1, SeqCst);
    }
    serve();
    asking.join();
}

/// Clients are killed with pending requests, and each new client receives replies to its own
/// requests only.
#[serial_test]
#[expect(clippy::result_large_err, reason = "the error of a send returns the message")]
fn request_clients_killed_leave_no_reply_to_their_successor() {
    let name = fresh();
    let made = make(&name);
    let serving = Peer::start(|| {
        let mut server = server(&name);
        loop {
            server.serve(answer).unwrap();
            sleep(Duration::from_millis(1));
        }
    });
    for round in 0..30_u64 {
        let first = round * 1_000_000;
        let asking = Peer::start(|| {
            let mut client = client(&name);
            for i in first.. {
                let _ = once_replaced(|| client.send([i; 3]), SendError::kind);
                if i % 7 == 0 {
                    client.cancel_pending();
                } else if i % 3 == 0 {
                    while let Ok((_, reply)) = client.recv_timeout(LONG_TIMEOUT) {
                        assert!(reply[0] >= first * 10 && reply[0] <= i * 10, "{reply:?} to another");
                    }
                }
            }
        });
        sleep(Duration::from_micros(300 * round));
        assert!(!asking.has_status_change().unwrap(), "the client failed");
        asking.kill();
    }
    let mut client = made.client().unwrap();
    assert_eq!(client.call_timeout(&[7; 3], LONG_TIMEOUT).unwrap(), [70; 7]);
    assert!(!serving.has_status_change().unwrap(), "the server failed");
}

#[serial_test]
fn request_second_client_and_server_are_refused() {
    let name = fresh();
    let made = make(&name);
    let (_client, _server) = (made.client().unwrap(), made.server().unwrap());
    Peer::start(|| {
        let kinds = [
            Client::<Question, Reply>::open(&name).unwrap_err().kind(),
            Server::<Question, Reply>::open(&name).unwrap_err().kind(),
        ];
        assert_eq!(kinds, [ErrorKind::InUse; 2]);
        let refused = [
            Client::<Question, Question>::open(&name).unwrap_err(),
            Server::<Reply, Question>::open(&name).unwrap_err(),
            spsc::Sender::<Question>::open(&name).unwrap_err(),
            Options::<Question, Reply>::new().capacity(16).open(&name).unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
        }
    })
    .join();
}

/// A model of one client and one server: what each of them must receive next.
#[derive(Default)]
struct Model {
    /// The requests that the server has not settled, each with whether the client waits for its
    /// reply.
    requests: VecDeque<(u64, bool)>,
    /// The replies that the client has not received; `None` is a rejection.
    replies: VecDeque<Option<u64>>,
}

/// Random operations of both endpoints against a model.
#[serial_test]
fn request_random_operations_agree_with_a_model() {
    for seed in 1..=20 {
        let options = Options::<Question, Reply>::new().capacity(8);
        let made = options.initial_position(u64::MAX - 500).anonymous().unwrap();
        let (mut client, mut server) = (made.client().unwrap(), made.server().unwrap());
        let (mut model, mut random) = (Model::default(), Random::new(seed));
        let mut received = 0;
        for number in 0..5_000 {
            match random.below(8) {
                0..3 => match client.try_send([number; 3]) {
                    Ok(_) => model.requests.push_back((number, true)),
                    Err(refused) => assert_eq!(refused.kind(), ErrorKind::Full),
                },
                3..5 => model.settle(&mut server, random.below(4)),
                5..7 => received += u64::from(model.receive(&mut client)),
                _ if random.below(8) == 0 => {
                    client.cancel_pending();
                    model.replies.clear();
                    model.requests.iter_mut().for_each(|(_, is_pending)| *is_pending = false);
                }
                _ => {}
            }
        }
        assert!(received > 100, "{received} replies with seed {seed}");
    }
}

impl Model {
    /// The server receives the oldest request, and replies, rejects it, or leaves it.
    fn settle(&mut self, server: &mut Server<Question, Reply>, choice: usize) {
        let request = match server.try_recv() {
            Ok(request) => request,
            Err(error) => {
                assert_eq!((error.kind(), self.requests.len()), (ErrorKind::Empty, 0));
                return;
            }
        };
        let &(number, is_pending) = self.requests.front().expect("a request that was sent");
        let reply = answer(request.body());
        assert_eq!(reply, [number * 10; 7]);
        let settled = match choice {
            0 => return forget(request),
            1 => {
                drop(request);
                None
            }
            _ => {
                request.respond(reply).unwrap();
                Some(number * 10)
            }
        };
        self.requests.pop_front();
        if is_pending {
            self.replies.push_back(settled);
        }
    }

    /// The client receives the oldest reply; returns whether there was one.
    fn receive(&mut self, client: &mut Client<Question, Reply>) -> bool {
        match (client.try_recv(), self.replies.pop_front()) {
            (Ok((_, reply)), Some(Some(number))) => assert_eq!(reply, [number; 7]),
            (Err(error), Some(None)) => assert_eq!(error.kind(), ErrorKind::Rejected),
            (Err(error), None) => {
                assert_ne!(error.kind(), ErrorKind::Rejected);
                return false;
            }
            (received, expected) => panic!("{received:?} instead of {expected:?}"),
        }
        true
    }
}
