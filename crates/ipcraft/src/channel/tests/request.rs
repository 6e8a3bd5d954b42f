//! Both ends in one process.

#![allow(unsafe_code)]

use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use crate::ErrorKind;
use crate::channel::WaitStrategy;
use crate::channel::core::Forever;
use crate::channel::request::*;
use crate::channel::ring::reply::ReplyFrame;
use crate::channel::shared::atomic::AtomicU64;

/// The ends of what the positions can be, among others, and of what an answer can name.
const STARTS: [u64; 5] = [0, (1 << 32) - 5, (1 << 62) - 5, (1 << 63) - 5, u64::MAX - 5];

const SHORT: Duration = Duration::from_millis(5);

type Numbers = Channel<u64, u64>;

fn made(start: u64) -> Numbers {
    Options::new().capacity(4).initial_position(start).anonymous().unwrap()
}

fn ends(channel: &Numbers) -> (Client<u64, u64>, Server<u64, u64>) {
    (channel.client().unwrap(), channel.server().unwrap())
}

/// Replies to the requests that are in the channel with ten times as much, and returns their
/// number.
fn answer(server: &mut Server<u64, u64>) -> usize {
    let mut count = 0;
    while let Ok(request) = server.try_recv() {
        let answer = request.body() * 10;
        let _ = request.respond(answer);
        count += 1;
    }
    count
}

#[test]
fn calls_are_answered() {
    for waiting in [WaitStrategy::Adaptive, WaitStrategy::Block] {
        for start in STARTS {
            let (mut client, mut server) = ends(&made(start));
            client.set_wait_strategy(waiting);
            server.set_wait_strategy(waiting);
            let serving = thread::spawn(move || server.serve(|number| number + 1));
            for number in 0..2000 {
                assert_eq!(client.call(&number).unwrap(), number + 1);
                assert_eq!(client.call_timeout(&number, Duration::MAX).unwrap(), number + 1);
            }
            drop(client);
            serving.join().unwrap().unwrap();
        }
    }
}

#[test]
fn answers_come_in_the_order_of_the_requests() {
    for start in STARTS {
        let (mut client, mut server) = ends(&made(start));
        for round in 0..10 {
            let tickets: Vec<_> = (0..4).map(|i| client.send(round + i).unwrap()).collect();
            let full = client.send(9).unwrap_err();
            assert_eq!((full.kind(), full.into_message()), (ErrorKind::Full, 9));
            assert_eq!(client.try_send(9).unwrap_err().kind(), ErrorKind::Full);
            assert_eq!(client.send_timeout(9, Duration::MAX).unwrap_err().kind(), ErrorKind::Full);
            assert_eq!(client.call(&9).unwrap_err().kind(), ErrorKind::Invalid);
            assert_eq!(client.try_recv().unwrap_err().kind(), ErrorKind::Empty);
            assert_eq!(client.recv_timeout(SHORT).unwrap_err().kind(), ErrorKind::TimedOut);
            assert_eq!(answer(&mut server), 4);
            assert_eq!(client.send(9).unwrap_err().kind(), ErrorKind::Full);
            for (i, id) in (0..).zip(tickets) {
                assert_eq!(client.recv().unwrap(), (id, 10 * (round + i)));
            }
            assert_eq!(client.recv().unwrap_err().kind(), ErrorKind::Empty);
            assert_eq!(client.try_recv().unwrap_err().kind(), ErrorKind::Empty);
        }
    }
}

#[test]
fn an_answer_that_comes_too_late_is_dropped() {
    for start in STARTS {
        let (mut client, mut server) = ends(&made(start));
        for number in 0..20 {
            let began = Instant::now();
            assert_eq!(client.call_timeout(&number, SHORT).unwrap_err().kind(), ErrorKind::TimedOut);
            assert!(began.elapsed() >= SHORT);
            if number % 3 == 0 {
                assert_eq!(answer(&mut server), 1);
            }
            let id = client.send(100).unwrap();
            assert_eq!(answer(&mut server), if number % 3 == 0 { 1 } else { 2 });
            assert_eq!(client.recv().unwrap(), (id, 1000));
        }
        // As many as there is room for, and then there is none until they are answered.
        for number in 0..6 {
            assert_eq!(client.call_timeout(&number, SHORT).unwrap_err().kind(), ErrorKind::TimedOut);
        }
        assert_eq!(client.try_send(7).unwrap_err().kind(), ErrorKind::Full);
        assert_eq!(answer(&mut server), 4);
        client.send(7).unwrap();
        client.cancel_pending();
        let id = client.try_send(8).unwrap();
        assert_eq!(answer(&mut server), 2);
        assert_eq!(client.recv().unwrap(), (id, 80));
    }
}

#[test]
fn a_sender_that_waits_gets_the_room_of_answers_that_are_given_up() {
    let (mut client, mut server) = ends(&made(0));
    for number in 0..4 {
        client.send(number).unwrap();
    }
    client.cancel_pending();
    let serving = thread::spawn(move || {
        thread::sleep(SHORT);
        server.serve(|number| number * 10)
    });
    assert_eq!(client.call(&12).unwrap(), 120);
    drop(client);
    serving.join().unwrap().unwrap();
}

#[test]
fn a_request_that_is_dropped_is_given_up() {
    let channel = made(0);
    let (mut client, mut server) = ends(&channel);
    let tickets = [1, 2, 3].map(|number| client.send(number).unwrap());
    drop(server.recv().unwrap());
    let panicked = catch_unwind(AssertUnwindSafe(|| server.serve(|_| panic!("on purpose"))));
    assert!(panicked.is_err());
    assert_eq!(answer(&mut server), 1);
    assert_eq!(client.recv().unwrap_err().kind(), ErrorKind::Rejected);
    assert_eq!(client.recv().unwrap_err().kind(), ErrorKind::Rejected);
    assert_eq!(client.recv().unwrap(), (tickets[2], 30));
}

#[test]
fn forgotten_request_after_the_server_left_goes_to_the_next() {
    for start in STARTS {
        let channel = made(start);
        let (mut client, mut server) = ends(&channel);
        let tickets = [1, 2].map(|number| client.send(number).unwrap());
        forget(server.recv().unwrap());
        assert_eq!(channel.server().unwrap_err().kind(), ErrorKind::InUse);
        drop(server);
        assert_eq!(client.recv().unwrap_err().kind(), ErrorKind::Disconnected);
        let mut server = channel.server().unwrap();
        assert_eq!(answer(&mut server), 2);
        assert_eq!(client.recv().unwrap(), (tickets[0], 10));
        assert_eq!(client.recv().unwrap(), (tickets[1], 20));
    }
}

#[test]
fn what_was_answered_is_not_carried_out_again() {
    for start in STARTS {
        let channel = made(start);
        let (mut client, mut server) = ends(&channel);
        for number in 0..10 {
            let id = client.send(number).unwrap();
            // It dies after it has sent the answer.
            server.send(&ReplyFrame::answer(server.requests.position(), 5), Forever).unwrap();
            drop(server);
            server = channel.server().unwrap();
            assert_eq!(server.try_recv().unwrap_err().kind(), ErrorKind::Empty);
            assert_eq!(client.recv().unwrap(), (id, 5));
        }
        // And a second answer, should there be one, is none to the next request.
        let first = client.send(1).unwrap();
        assert!(server.requests.slot_ptr().unwrap().is_some());
        let number = server.requests.position();
        server.send(&ReplyFrame::answer(number, 5), Forever).unwrap();
        server.send(&ReplyFrame::answer(number, 6), Forever).unwrap();
        server.take_out();
        assert_eq!(client.recv().unwrap(), (first, 5));
        let second = client.send(2).unwrap();
        assert_eq!(answer(&mut server), 1);
        assert_eq!(client.recv().unwrap(), (second, 20));
    }
}

#[test]
fn a_client_gets_no_answers_to_another() {
    for start in STARTS {
        let channel = made(start);
        let (mut client, mut server) = ends(&channel);
        for number in 0..3 {
            client.send(number).unwrap();
        }
        server.recv().unwrap().respond(7).unwrap();
        let in_hand = server.recv().unwrap();
        assert_eq!(channel.client().unwrap_err().kind(), ErrorKind::InUse);
        drop(client);
        let disconnected = in_hand.respond(8).unwrap_err();
        assert_eq!((disconnected.kind(), disconnected.into_message()), (ErrorKind::Disconnected, 8));
        let mut client = channel.client().unwrap();
        let id = client.send(100).unwrap();
        assert_eq!(answer(&mut server), 2);
        assert_eq!(client.recv().unwrap(), (id, 1000));
        drop(client);
        assert_eq!(server.recv().unwrap_err().kind(), ErrorKind::Disconnected);
        assert_eq!(server.try_recv().unwrap_err().kind(), ErrorKind::Disconnected);
    }
}

/// The earlier client has left as many requests and answers as there is room for.
#[test]
fn a_client_has_room_for_the_answers_that_another_has_left() {
    let channel = made(0);
    let (mut client, mut server) = ends(&channel);
    for number in 0..4 {
        client.send(number).unwrap();
    }
    assert_eq!(answer(&mut server), 4);
    drop(client);
    let mut client = channel.client().unwrap();
    for number in 0..4 {
        client.send(number).unwrap();
    }
    drop(client);
    let mut client = channel.client().unwrap();
    let serving = thread::spawn(move || server.serve(|number| number * 10));
    for number in 0..20 {
        assert_eq!(client.call(&number).unwrap(), number * 10);
    }
    drop(client);
    serving.join().unwrap().unwrap();
}

#[test]
fn bytes_that_are_no_request_or_answer_are_refused() {
    let channel = Options::<bool, char>::new().anonymous().unwrap();
    let (mut client, mut server) = (channel.client().unwrap(), channel.server().unwrap());
    let words = |offset: usize| {
        let at = channel.region.data_area().at(offset, 8).unwrap();
        // SAFETY: because the memory is mapped while the channel exists, and any bytes are valid
        // for an atomic.
        unsafe { at.cast::<AtomicU64>().as_ref() }
    };
    client.send(true).unwrap();
    words(0).store(0x7777, Relaxed);
    assert_eq!(server.try_recv().unwrap_err().kind(), ErrorKind::Corrupted);
    assert_eq!(server.try_recv().unwrap_err().kind(), ErrorKind::Empty);
    assert_eq!(client.recv().unwrap_err().kind(), ErrorKind::Rejected);

    client.send(true).unwrap();
    server.recv().unwrap().respond('a').unwrap();
    // The second slot of the answers, behind its tag.
    words(reply_offset::<bool>(1024).unwrap() + 16 + 8).store(u64::MAX, Relaxed);
    assert_eq!(client.recv().unwrap_err().kind(), ErrorKind::Corrupted);
    assert_eq!(client.recv().unwrap_err().kind(), ErrorKind::Empty);

    client.send(true).unwrap();
    server.send(&ReplyFrame::answer(server.requests.position() + 1, u32::from('b')), Forever).unwrap();
    assert_eq!(client.recv().unwrap_err().kind(), ErrorKind::Corrupted);
}

#[test]
fn calls_while_the_memory_is_overwritten_return() {
    let channel = made(0);
    let (mut client, mut server) = ends(&channel);
    let mut random = 1_u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 11 ^ random << 40
    };
    let (mut corrupted, mut answered) = (0, 0);
    for round in 0..5000 {
        for number in 0..6 {
            let sent = client.try_send(number);
            corrupted += usize::from(sent.is_err_and(|e| e.kind() == ErrorKind::Corrupted));
        }
        // SAFETY: because the region is kept by `channel`.
        let controls = unsafe { [REQUESTS, REPLIES].map(|control| channel.region.control(control).as_ref()) };
        let control = controls[next() as usize % 2];
        let words = [&control.senders.position, &control.receivers.position, &control.senders.inline_tag];
        words[next() as usize % 3].store(if round % 2 == 0 { next() % 9 } else { next() }, Relaxed);
        let at = channel.region.data_area().at((next() % 16) as usize * 8, 8).unwrap();
        // SAFETY: because the memory is mapped while the channel exists, and any bytes are valid
        // for an atomic.
        unsafe { at.cast::<AtomicU64>().as_ref() }.store(next() % 9, Relaxed);
        for _ in 0..6 {
            // What waits for room would wait until the other end makes some, which is this thread.
            if server.replies.slot_ptr().is_ok_and(|slot| slot.is_some()) {
                let _ = server.try_recv().map(|request| request.respond(1));
            }
            match client.try_recv() {
                Ok(_) => answered += 1,
                Err(e) => corrupted += usize::from(e.kind() == ErrorKind::Corrupted),
            }
        }
        client.cancel_pending();
        if round % 5 == 0 {
            drop((client, server));
            for side in controls.iter().flat_map(|control| [&control.senders, &control.receivers]) {
                side.position.store(0, Relaxed);
            }
            (client, server) = ends(&channel);
        }
    }
    assert!(corrupted > 100 && answered > 100, "{corrupted} {answered}");
}

#[test]
fn an_end_moves_by_its_descriptor() {
    let (mut client, server) = channel::<u32, u32>(8).unwrap();
    let fd = server.into_fd().unwrap();
    let id = client.send(7).unwrap();
    assert_eq!(client.try_recv().unwrap_err().kind(), ErrorKind::Empty);
    let mut server = Server::<u32, u32>::from_fd(fd).unwrap();
    server.recv().unwrap().respond(8).unwrap();
    assert_eq!(client.recv().unwrap(), (id, 8));
    let fd = client.into_fd().unwrap();
    assert_eq!(server.try_recv().unwrap_err().kind(), ErrorKind::Empty);
    let mut client = Client::<u32, u32>::from_fd(fd).unwrap();
    client.send(9).unwrap();
    assert_eq!(*server.recv().unwrap().body(), 9);
    let fd = server.into_fd().unwrap();
    assert_eq!(Client::<u32, u32>::from_fd(fd).unwrap_err().kind(), ErrorKind::WrongType);
    assert_eq!(client.recv().unwrap_err().kind(), ErrorKind::Rejected);
    assert_eq!(client.call(&1).unwrap_err().kind(), ErrorKind::Disconnected);
}

#[test]
fn types_of_any_size_fit_together() {
    let (mut client, mut server) = channel::<[u8; 1000], ()>(3).unwrap();
    let id = client.send([7; 1000]).unwrap();
    let request = server.recv().unwrap();
    assert_eq!(*request.body(), [7; 1000]);
    request.respond(()).unwrap();
    assert_eq!(client.recv().unwrap(), (id, ()));
    let (mut client, mut server) = channel::<(), [u16; 333]>(3).unwrap();
    let id = client.send(()).unwrap();
    server.recv().unwrap().respond([8; 333]).unwrap();
    assert_eq!(client.recv().unwrap(), (id, [8; 333]));
}

/// Fills the ring of replies with four that no request awaits.
fn fill_replies(server: &mut Server<u64, u64>) {
    let unwanted = server.requests.position().wrapping_sub(1);
    for _ in 0..4 {
        server.send(&ReplyFrame::answer(unwanted, 0), Forever).unwrap();
    }
}

#[test]
fn drop_of_a_request_without_space_for_the_rejection_returns_and_rejects_later() {
    for start in STARTS {
        let channel = made(start);
        let (mut client, mut server) = ends(&channel);
        client.send(1).unwrap();
        fill_replies(&mut server);
        drop(server.recv().unwrap());
        assert_eq!(server.try_recv().unwrap_err().kind(), ErrorKind::Empty);
        assert_eq!(server.recv_timeout(SHORT).unwrap_err().kind(), ErrorKind::TimedOut);
        // The client discards what it does not await.
        assert_eq!(client.try_recv().unwrap_err().kind(), ErrorKind::Empty);
        let second = client.send(2).unwrap();
        let request = server.recv().unwrap();
        assert_eq!(*request.body(), 2);
        request.respond(20).unwrap();
        assert_eq!(client.recv().unwrap_err().kind(), ErrorKind::Rejected);
        assert_eq!(client.recv().unwrap(), (second, 20));
    }
}

#[test]
fn drop_of_a_request_without_space_after_the_client_left_takes_it_out() {
    let channel = made(0);
    let (mut client, mut server) = ends(&channel);
    client.send(1).unwrap();
    fill_replies(&mut server);
    drop(server.recv().unwrap());
    drop(client);
    assert_eq!(server.recv().unwrap_err().kind(), ErrorKind::Disconnected);
    let mut client = channel.client().unwrap();
    let id = client.send(2).unwrap();
    assert_eq!(answer(&mut server), 1);
    assert_eq!(client.recv().unwrap(), (id, 20));
}

#[test]
fn try_respond_without_space_leaves_the_request_in_the_channel() {
    let channel = made(0);
    let (mut client, mut server) = ends(&channel);
    let id = client.send(1).unwrap();
    assert_eq!((client.pending(), server.len()), (1, 1));
    fill_replies(&mut server);
    let unsent = server.recv().unwrap().try_respond(10).unwrap_err();
    assert_eq!((unsent.kind(), unsent.into_message()), (ErrorKind::Full, 10));
    let unsent = server.recv().unwrap().respond_timeout(10, SHORT).unwrap_err();
    assert_eq!(unsent.kind(), ErrorKind::TimedOut);
    assert_eq!(client.try_recv().unwrap_err().kind(), ErrorKind::Empty);
    server.recv().unwrap().try_respond(10).unwrap();
    assert_eq!(client.recv().unwrap(), (id, 10));
    assert!(server.is_empty() && client.pending() == 0);
}

#[test]
fn respond_after_the_client_moved_its_position_back_returns_corrupted() {
    let channel = made(0);
    let (mut client, mut server) = ends(&channel);
    for number in 0..8 {
        client.send(number).unwrap();
        assert_eq!(answer(&mut server), 1);
        client.recv().unwrap();
    }
    // SAFETY: because the region is kept by `channel`.
    let replies = unsafe { channel.region.control(REPLIES).as_ref() };
    replies.receivers.position.store(4, Relaxed);
    let mut kinds = Vec::new();
    for number in 0..6 {
        if client.try_send(number).is_ok() {
            kinds.extend(server.recv().unwrap().respond(1).err().map(|e| e.kind()));
        }
    }
    assert!(kinds.contains(&ErrorKind::Corrupted), "{kinds:?}");
}

/// A busy machine may delay an attempt, so one of three has to succeed.
#[test]
fn recv_timeout_with_a_rejection_to_send_keeps_to_one_time_limit() {
    const LIMIT: Duration = Duration::from_secs(1);
    let mut times = (0..3).map(|_| time_of_recv_with_a_rejection_to_send(LIMIT));
    assert!(times.any(|took| took >= LIMIT && took < LIMIT * 17 / 10));
}

/// The rejection gets space after most of the time, and then no request comes.
fn time_of_recv_with_a_rejection_to_send(limit: Duration) -> Duration {
    let channel = made(0);
    let (mut client, mut server) = ends(&channel);
    client.send(1).unwrap();
    fill_replies(&mut server);
    drop(server.recv().unwrap());
    let client = thread::spawn(move || {
        thread::sleep(limit * 8 / 10);
        // The call makes space, and the rejection may arrive before it returns.
        let kind = client.try_recv().unwrap_err().kind();
        assert!([ErrorKind::Empty, ErrorKind::Rejected].contains(&kind), "{kind:?}");
        client
    });
    let start = Instant::now();
    assert_eq!(server.recv_timeout(limit).unwrap_err().kind(), ErrorKind::TimedOut);
    let took = start.elapsed();
    drop(client.join().unwrap());
    took
}
