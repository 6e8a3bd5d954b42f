//! Channels under tokio, with peers in processes of their own.
#![allow(missing_docs)]

mod common;

use std::future::poll_fn;
use std::pin::Pin;
use std::thread;
use std::time::{Duration, Instant};

use common::{
    Peer, TIMEOUT, current_thread, limited, multi_thread, on_both_runtimes, peer_argument, unique_object,
};
use futures_core::Stream;
use ipcraft::ErrorKind;
use ipcraft::channel::broadcast::RecvError;
use ipcraft::channel::{Options, broadcast, latest, mpmc, request, spsc};
use ipcraft_tokio::IntoAsync;

/// More than a death takes to be noticed.
const NOTICE: Duration = Duration::from_secs(5);

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

#[test]
fn stream_of_messages_from_another_process_ends_when_it_has_left() {
    on_both_runtimes(|| async {
        let name = unique_object();
        let options = Options::<spsc::Spsc<u64>>::new().capacity(64).remove_on_drop(true);
        let channel = options.create_new(&name).unwrap();
        let mut receiver = channel.receiver().unwrap().into_async().unwrap();
        let peer = Peer::start("send_numbers", &name);
        for number in 0..10_000 {
            assert_eq!(next(&mut receiver).await.unwrap().unwrap(), number);
        }
        assert!(next(&mut receiver).await.is_none());
        assert_eq!(receiver.recv().await.unwrap_err().kind(), ErrorKind::Disconnected);
        peer.succeed();
    });
}

#[test]
#[ignore = "a peer of other tests"]
fn send_numbers() {
    let Some(name) = peer_argument() else { return };
    let mut sender = spsc::Sender::<u64>::open(name.as_str()).unwrap();
    for number in 0..10_000 {
        common::pause_at(number);
        sender.send_timeout(number, TIMEOUT).unwrap();
    }
}

#[test]
fn sender_to_another_process_waits_for_space() {
    on_both_runtimes(|| async {
        let name = unique_object();
        let options = Options::<spsc::Spsc<u64>>::new().capacity(4).remove_on_drop(true);
        let channel = options.create_new(&name).unwrap();
        let mut sender = channel.sender().unwrap().into_async().unwrap();
        let peer = Peer::start("receive_numbers", &name);
        let numbers: Vec<u64> = (0..5000).collect();
        sender.send_all(&numbers).await.unwrap();
        for number in 5000..10_000 {
            sender.send(number).await.unwrap();
        }
        drop(sender);
        peer.succeed();
    });
}

#[test]
#[ignore = "a peer of other tests"]
fn receive_numbers() {
    let Some(name) = peer_argument() else { return };
    let mut receiver = spsc::Receiver::<u64>::open(name.as_str()).unwrap();
    for number in 0..10_000 {
        common::pause_at(number);
        assert_eq!(receiver.recv_timeout(TIMEOUT).unwrap(), number);
    }
    assert_eq!(receiver.recv_timeout(TIMEOUT).unwrap_err().kind(), ErrorKind::Disconnected);
}

#[test]
fn recv_from_killed_process_fails_with_disconnected() {
    on_both_runtimes(|| async {
        let name = unique_object();
        let options = Options::<spsc::Spsc<u64>>::new().capacity(4).remove_on_drop(true);
        let mut receiver = options.create_new(&name).unwrap().receiver().unwrap().into_async().unwrap();
        let mut peer = Peer::start("send_and_sleep", &name);
        assert_eq!(receiver.recv().await.unwrap(), 7);
        let killing = tokio::task::spawn_blocking(move || {
            thread::sleep(Duration::from_millis(20));
            peer.kill();
            Instant::now()
        });
        assert_eq!(receiver.recv().await.unwrap_err().kind(), ErrorKind::Disconnected);
        assert!(killing.await.unwrap().elapsed() < NOTICE);
    });
}

/// The kernel reports the death, so nothing has to poll for it.
#[test]
fn death_of_the_peer_wakes_the_receiver_soon() {
    let runtime = multi_thread();
    runtime.block_on(limited(async {
        let mut delays = Vec::new();
        for _ in 0..10 {
            let name = unique_object();
            let options = Options::<spsc::Spsc<u64>>::new().capacity(4).remove_on_drop(true);
            let mut receiver = options.create_new(&name).unwrap().receiver().unwrap().into_async().unwrap();
            let mut peer = Peer::start("send_and_sleep", &name);
            assert_eq!(receiver.recv().await.unwrap(), 7);
            let killing = tokio::task::spawn_blocking(move || {
                thread::sleep(Duration::from_millis(20));
                peer.kill();
                Instant::now()
            });
            assert_eq!(receiver.recv().await.unwrap_err().kind(), ErrorKind::Disconnected);
            let noticed = Instant::now();
            delays.push(noticed.saturating_duration_since(killing.await.unwrap()));
        }
        delays.sort_unstable();
        println!("deaths were noticed after {delays:?}");
        assert!(delays[9] < NOTICE);
    }));
}

#[test]
#[ignore = "a peer of other tests"]
fn send_and_sleep() {
    let Some(name) = peer_argument() else { return };
    let mut sender = spsc::Sender::<u64>::open(name.as_str()).unwrap();
    sender.send(7).unwrap();
    thread::sleep(TIMEOUT);
}

#[test]
fn send_without_receiver_returns_the_message() {
    on_both_runtimes(|| async {
        let (sender, receiver) = spsc::channel::<u64>(4).unwrap();
        let mut sender = sender.into_async().unwrap();
        drop(receiver);
        let error = sender.send(9).await.unwrap_err();
        assert_eq!((error.kind(), error.into_message()), (ErrorKind::Disconnected, 9));
        assert_eq!(sender.send_all(&[1, 2]).await.unwrap_err().sent(), 0);
    });
}

#[test]
fn send_all_to_receiver_that_leaves_reports_the_number() {
    on_both_runtimes(|| async {
        let (sender, mut receiver) = spsc::channel::<u64>(4).unwrap();
        let mut sender = sender.into_async().unwrap();
        let receiving = thread::spawn(move || {
            thread::sleep(Duration::from_millis(10)); // the channel is full by then
            assert_eq!(receiver.recv().unwrap(), 0);
            thread::sleep(Duration::from_millis(10));
        });
        let error = sender.send_all(&[0; 100]).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Disconnected, 5));
        receiving.join().unwrap();
    });
}

#[test]
fn mpmc_receivers_share_the_messages() {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(limited(async {
            let channel = Options::<mpmc::Mpmc<u64>>::new().capacity(8).anonymous().unwrap();
            let mut sender = channel.sender().unwrap().into_async().unwrap();
            let tasks: Vec<_> = (0..3)
                .map(|_| {
                    let mut receiver = channel.receiver().unwrap().into_async().unwrap();
                    tokio::spawn(async move {
                        let mut sum = 0;
                        while let Some(number) = next(&mut receiver).await {
                            sum += number.unwrap();
                            tokio::task::yield_now().await;
                        }
                        sum
                    })
                })
                .collect();
            for number in 0..1000 {
                sender.send(number).await.unwrap();
            }
            drop(sender);
            let mut total = 0;
            for task in tasks {
                total += task.await.unwrap();
            }
            assert_eq!(total, 999 * 1000 / 2);
        }));
    }
}

#[test]
fn recv_of_slow_subscriber_returns_the_number_missed() {
    on_both_runtimes(|| async {
        let options = broadcast::Options::<u64>::new().capacity(4).overflow(broadcast::Overflow::Overwrite);
        let channel = options.anonymous().unwrap();
        let mut publisher = channel.publisher().unwrap().into_async().unwrap();
        let mut subscriber = channel.subscriber().unwrap().into_async().unwrap();
        for number in 0..10 {
            publisher.send(number).await.unwrap();
        }
        let Err(RecvError::Lagged(missed)) = subscriber.recv().await else { panic!("it did not lag") };
        assert_eq!(subscriber.recv().await.unwrap(), missed);
        drop(publisher);
        while let Some(number) = next(&mut subscriber).await {
            assert!(number.unwrap() > missed);
        }
    });
}

#[test]
fn reader_of_latest_is_woken_by_each_change_until_the_writer_leaves() {
    on_both_runtimes(|| async {
        let (mut writer, reader) = latest::channel::<u64>().unwrap();
        let mut reader = reader.into_async().unwrap();
        let storing = thread::spawn(move || {
            for number in 1..=5 {
                thread::sleep(Duration::from_millis(2));
                writer.store(number);
            }
        });
        let mut last = 0;
        while let Some(snapshot) = next(&mut reader).await {
            let value = snapshot.unwrap().value;
            assert!(value > last);
            last = value;
        }
        assert_eq!(last, 5);
        storing.join().unwrap();
    });
}

#[test]
fn serve_replies_to_each_call_and_returns_when_the_client_leaves() {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(limited(async {
            let (client, server) = request::channel::<u64, u64>(4).unwrap();
            let (mut client, mut server) = (client.into_async().unwrap(), server.into_async().unwrap());
            let serving = tokio::spawn(async move {
                let reply = |number| async move {
                    tokio::time::sleep(Duration::from_micros(100)).await;
                    number + 1
                };
                server.serve(reply).await
            });
            for number in 0..50 {
                assert_eq!(client.call(number).await.unwrap(), number + 1);
            }
            // As many as there is space for; one more would never be sent.
            for number in 0..4 {
                client.send(number).await.unwrap();
            }
            let error = client.send(4).await.unwrap_err();
            assert_eq!((error.kind(), error.into_message()), (ErrorKind::Full, 4));
            assert_eq!(client.call(9).await.unwrap_err().kind(), ErrorKind::Invalid);
            for number in 0..4 {
                assert_eq!(client.recv().await.unwrap().1, number + 1);
            }
            assert_eq!(client.recv().await.unwrap_err().kind(), ErrorKind::Empty);
            drop(client);
            serving.await.unwrap().unwrap();
        }));
    }
}

#[test]
fn dropped_request_is_rejected_and_server_that_leaves_disconnects() {
    on_both_runtimes(|| async {
        let (client, server) = request::channel::<u64, u64>(4).unwrap();
        let (mut client, mut server) = (client.into_async().unwrap(), server.into_async().unwrap());
        let (call, rejected) = tokio::join!(client.call(1), async { drop(server.recv().await.unwrap()) });
        assert_eq!((call.unwrap_err().kind(), rejected), (ErrorKind::Rejected, ()));
        let (call, ()) = tokio::join!(client.call(1), async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            drop(server);
        });
        assert_eq!(call.unwrap_err().kind(), ErrorKind::Disconnected);
    });
}
