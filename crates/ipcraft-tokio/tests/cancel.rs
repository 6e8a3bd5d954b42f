//! Futures that are dropped at every poll: nothing is lost, nothing is taken twice.
#![allow(missing_docs)]

mod common;

use std::io::IoSliceMut;
use std::os::fd::AsFd;
use std::thread;

use common::{dropped_at, on_both_runtimes, pause_at, receive_with_drops, send_with_drops, unique_object};
use ipcraft::channel::{broadcast, latest, mpmc, request, spsc};
use ipcraft::event::EventFd;
use ipcraft::fifo::Fifo;
use ipcraft::queue::posix;
use ipcraft::socket::{Ancillary, Records, datagram, seqpacket, stream};
use ipcraft::{ErrorKind, pipe};
use ipcraft_tokio::IntoAsync;

const COUNT: u64 = 1000;

fn number(bytes: &[u8]) -> u64 {
    u64::from_ne_bytes(bytes.try_into().expect("eight bytes"))
}

/// Sends the numbers from a thread, with pauses.
fn send_all(mut send: impl FnMut(u64) + Send + 'static) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for number in 0..COUNT {
            pause_at(number);
            send(number);
        }
    })
}

/// Receives the numbers in a thread, with pauses, and checks them.
fn receive_all(mut receive: impl FnMut() -> u64 + Send + 'static) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for number in 0..COUNT {
            pause_at(number);
            assert_eq!(receive(), number);
        }
    })
}

#[test]
fn spsc_recv_dropped_at_every_poll_loses_nothing() {
    on_both_runtimes(|| async {
        let (mut sender, receiver) = spsc::channel(4).unwrap();
        let mut receiver = receiver.into_async().unwrap();
        let sending = send_all(move |number| sender.send(number).unwrap());
        receive_with_drops(COUNT, async || receiver.recv().await.unwrap()).await;
        sending.join().unwrap();
    });
}

#[test]
fn spsc_recv_many_dropped_at_every_poll_loses_nothing() {
    on_both_runtimes(|| async {
        let (mut sender, receiver) = spsc::channel(4).unwrap();
        let mut receiver = receiver.into_async().unwrap();
        let sending = send_all(move |number| sender.send(number).unwrap());
        receive_with_drops(COUNT, async || {
            let mut buffer = [0];
            assert_eq!(receiver.recv_many(&mut buffer).await.unwrap(), 1);
            buffer[0]
        })
        .await;
        sending.join().unwrap();
    });
}

#[test]
fn spsc_recv_in_place_dropped_at_every_poll_loses_nothing() {
    on_both_runtimes(|| async {
        let (mut sender, receiver) = spsc::channel::<u64>(4).unwrap();
        let mut receiver = receiver.into_async().unwrap();
        let sending = send_all(move |number| sender.send(number).unwrap());
        receive_with_drops(COUNT, async || receiver.recv_in_place().await.unwrap().get().unwrap()).await;
        sending.join().unwrap();
    });
}

#[test]
fn spsc_send_and_loan_dropped_at_every_poll_lose_nothing() {
    on_both_runtimes(|| async {
        let (sender, mut receiver) = spsc::channel::<u64>(2).unwrap();
        let mut sender = sender.into_async().unwrap();
        let receiving = receive_all(move || receiver.recv().unwrap());
        send_with_drops(COUNT, async |number| {
            if number % 2 == 0 {
                return sender.send(number).await.unwrap();
            }
            let mut loan = sender.loan().await.unwrap();
            loan.set(&number);
            loan.commit();
        })
        .await;
        receiving.join().unwrap();
    });
}

#[test]
fn mpmc_calls_dropped_at_every_poll_lose_nothing() {
    on_both_runtimes(|| async {
        let (mut sender, receiver) = mpmc::channel::<u64>(4).unwrap();
        let mut receiver = receiver.into_async().unwrap();
        let sending = send_all(move |number| sender.send(number).unwrap());
        receive_with_drops(COUNT, async || receiver.recv().await.unwrap()).await;
        sending.join().unwrap();

        let (sender, mut receiver) = mpmc::channel::<u64>(2).unwrap();
        let mut sender = sender.into_async().unwrap();
        let receiving = receive_all(move || receiver.recv().unwrap());
        send_with_drops(COUNT, async |number| {
            if number % 2 == 0 {
                return sender.send(number).await.unwrap();
            }
            let mut loan = sender.loan().await.unwrap();
            loan.set(&number);
            loan.commit();
        })
        .await;
        receiving.join().unwrap();
    });
}

#[test]
fn broadcast_calls_dropped_at_every_poll_lose_nothing() {
    on_both_runtimes(|| async {
        let options = || broadcast::Options::<u64>::new().capacity(4).overflow(broadcast::Overflow::Block);
        let channel = options().anonymous().unwrap();
        let mut publisher = channel.publisher().unwrap();
        let mut subscriber = channel.subscriber().unwrap().into_async().unwrap();
        let sending = send_all(move |number| publisher.send(number).unwrap());
        receive_with_drops(COUNT, async || subscriber.recv().await.unwrap()).await;
        sending.join().unwrap();

        let channel = options().anonymous().unwrap();
        let mut publisher = channel.publisher().unwrap().into_async().unwrap();
        let mut subscriber = channel.subscriber().unwrap();
        let receiving = receive_all(move || subscriber.recv().unwrap());
        send_with_drops(COUNT, async |number| publisher.send(number).await.unwrap()).await;
        receiving.join().unwrap();
    });
}

#[test]
fn bytes_calls_dropped_at_every_poll_lose_nothing() {
    on_both_runtimes(|| async {
        let (mut sender, receiver) = spsc::bytes::channel(128).unwrap();
        let mut receiver = receiver.into_async().unwrap();
        let sending = send_all(move |number| sender.send(&number.to_ne_bytes()).unwrap());
        let mut buffer = Vec::new();
        receive_with_drops(COUNT, async || {
            receiver.recv(&mut buffer).await.unwrap();
            number(&buffer)
        })
        .await;
        sending.join().unwrap();

        let (sender, mut receiver) = spsc::bytes::channel(128).unwrap();
        let mut sender = sender.into_async().unwrap();
        let receiving = receive_all(move || {
            let mut buffer = [0; 8];
            receiver.recv_into(&mut buffer).unwrap();
            number(&buffer)
        });
        send_with_drops(COUNT, async |number| {
            if number % 2 == 0 {
                return sender.send(&number.to_ne_bytes()).await.unwrap();
            }
            let mut loan = sender.loan(8).await.unwrap();
            loan.write_at(0, &number.to_ne_bytes()).unwrap();
            loan.commit();
        })
        .await;
        receiving.join().unwrap();
    });
}

#[test]
fn latest_changed_dropped_at_every_poll_returns_each_version_once() {
    on_both_runtimes(|| async {
        let (mut writer, reader) = latest::channel::<u64>().unwrap();
        let mut reader = reader.into_async().unwrap();
        let storing = send_all(move |number| writer.store(number + 1));
        let (mut last, mut drops, mut poll) = (0, 0, 0);
        while last < COUNT {
            poll = poll % 3 + 1;
            match dropped_at(poll, reader.changed()).await {
                Some(snapshot) => {
                    let snapshot = snapshot.unwrap();
                    assert!(snapshot.version > last, "no version twice");
                    assert_eq!(snapshot.value, snapshot.version);
                    last = snapshot.version;
                }
                None => {
                    drops += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
        assert!(drops > 0);
        storing.join().unwrap();
    });
}

#[test]
fn request_call_dropped_at_every_poll_gives_its_request_up() {
    on_both_runtimes(|| async {
        let (client, mut server) = request::channel::<u64, u64>(4).unwrap();
        let serving = thread::spawn(move || server.serve(|number| number * 2).unwrap());
        let mut client = client.into_async().unwrap();
        let mut next = 0;
        receive_with_drops(COUNT, async || {
            let reply = client.call(next).await.unwrap();
            assert_eq!(reply, next * 2, "the reply to an earlier request");
            next += 1;
            next - 1
        })
        .await;
        assert_eq!(client.get_ref().pending(), 0);
        drop(client);
        serving.join().unwrap();
    });
}

#[test]
fn request_server_recv_dropped_at_every_poll_loses_nothing() {
    on_both_runtimes(|| async {
        let (mut client, server) = request::channel::<u64, u64>(4).unwrap();
        let mut server = server.into_async().unwrap();
        let calling = send_all(move |number| assert_eq!(client.call(&number).unwrap(), number + 1));
        receive_with_drops(COUNT, async || {
            let request = server.recv().await.unwrap();
            let number = *request.body();
            request.try_respond(number + 1).unwrap();
            number
        })
        .await;
        calling.join().unwrap();
    });
}

#[test]
fn request_client_send_dropped_at_every_poll_sends_once() {
    on_both_runtimes(|| async {
        let (client, mut server) = request::channel::<u64, u64>(2).unwrap();
        let mut client = client.into_async().unwrap();
        let receiving = receive_all(move || {
            let request = server.recv().unwrap();
            let number = *request.body();
            request.respond(number).unwrap();
            number
        });
        send_with_drops(COUNT, async |number| {
            let id = client.send(number).await.unwrap();
            // Its reply arrives later and is discarded, so the next send may have to wait.
            let _ = id;
            client.get_mut().cancel_pending();
        })
        .await;
        receiving.join().unwrap();
    });
}

#[test]
fn eventfd_take_dropped_at_every_poll_loses_no_count() {
    on_both_runtimes(|| async {
        let event = EventFd::new(0).unwrap();
        let other = event.try_clone().unwrap();
        let event = event.into_async().unwrap();
        let adding = send_all(move |_| other.add(1).unwrap());
        let (mut total, mut drops, mut poll) = (0, 0, 0);
        while total < COUNT {
            poll = poll % 3 + 1;
            match dropped_at(poll, event.take()).await {
                Some(taken) => total += taken.unwrap(),
                None => {
                    drops += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
        assert!(drops > 0);
        adding.join().unwrap();
        assert_eq!(event.get_ref().try_take().unwrap_err().kind(), ErrorKind::Empty);
    });
}

#[test]
fn pipe_calls_dropped_at_every_poll_lose_no_byte() {
    on_both_runtimes(|| async {
        let (reader, writer) = pipe::pipe().unwrap();
        let reader = reader.into_async().unwrap();
        let sending = send_all(move |number| writer.write_all(&number.to_ne_bytes()).unwrap());
        receive_with_drops(COUNT, async || {
            let mut buffer = [0; 8];
            assert_eq!(reader.read(&mut buffer).await.unwrap(), 8);
            number(&buffer)
        })
        .await;
        sending.join().unwrap();

        let (reader, writer) = pipe::Options::new().capacity(4096).create().unwrap();
        let writer = writer.into_async().unwrap();
        let receiving = receive_all(move || {
            let mut buffer = [0; 4096];
            reader.read_exact(&mut buffer).unwrap();
            number(&buffer[..8])
        });
        send_with_drops(COUNT, async |number| {
            // A page is written whole or not at all.
            let mut page = [0; 4096];
            page[..8].copy_from_slice(&number.to_ne_bytes());
            assert_eq!(writer.write(&page).await.unwrap(), 4096);
        })
        .await;
        receiving.join().unwrap();
    });
}

#[test]
fn fifo_read_dropped_at_every_poll_loses_no_byte() {
    on_both_runtimes(|| async {
        let fifo = Fifo::create_new(ipcraft::name::unique_path("ipcraft-tokio-test")).unwrap();
        let opened =
            tokio::join!(ipcraft_tokio::fifo::open_read(&fifo), async { fifo.try_open_write().unwrap() });
        fifo.remove().unwrap();
        let (reader, writer) = (opened.0.unwrap(), opened.1);
        let sending = send_all(move |number| writer.write_all(&number.to_ne_bytes()).unwrap());
        receive_with_drops(COUNT, async || {
            let mut buffer = [0; 8];
            assert_eq!(reader.read(&mut buffer).await.unwrap(), 8);
            number(&buffer)
        })
        .await;
        sending.join().unwrap();
    });
}

#[test]
fn stream_calls_dropped_at_every_poll_lose_no_byte() {
    on_both_runtimes(|| async {
        let (left, right) = stream::pair().unwrap();
        let left = left.into_async().unwrap();
        let sending = send_all(move |number| right.write_all(&number.to_ne_bytes()).unwrap());
        receive_with_drops(COUNT, async || {
            let mut buffer = [0; 8];
            assert_eq!(left.read(&mut buffer).await.unwrap(), 8);
            number(&buffer)
        })
        .await;
        sending.join().unwrap();
    });
}

#[test]
fn seqpacket_calls_dropped_at_every_poll_lose_nothing() {
    on_both_runtimes(|| async {
        let (left, right) = seqpacket::pair().unwrap();
        let left = left.into_async().unwrap();
        let sending = send_all(move |number| right.send(&number.to_ne_bytes()).unwrap());
        receive_with_drops(COUNT, async || {
            let mut buffer = [0; 8];
            assert_eq!(left.recv(&mut buffer).await.unwrap(), Some(8));
            number(&buffer)
        })
        .await;
        sending.join().unwrap();

        let (left, right) = seqpacket::pair().unwrap();
        left.set_send_buffer(1).unwrap();
        let left = left.into_async().unwrap();
        let receiving = receive_all(move || {
            let mut buffer = [0; 8];
            assert_eq!(right.recv(&mut buffer).unwrap(), Some(8));
            number(&buffer)
        });
        send_with_drops(COUNT, async |number| left.send(&number.to_ne_bytes()).await.unwrap()).await;
        receiving.join().unwrap();
    });
}

#[test]
fn seqpacket_descriptors_and_batches_dropped_at_every_poll_lose_nothing() {
    on_both_runtimes(|| async {
        let (left, right) = seqpacket::pair().unwrap();
        let left = left.into_async().unwrap();
        let (reader, _writer) = pipe::pipe().unwrap();
        let sending = send_all(move |number| {
            right.send_descriptors(&number.to_ne_bytes(), &[reader.as_fd()]).unwrap();
        });
        receive_with_drops(COUNT, async || {
            let mut buffer = [0; 8];
            let (length, descriptors) = left.recv_descriptors(&mut buffer, 1).await.unwrap().unwrap();
            assert_eq!((length, descriptors.len()), (8, 1));
            number(&buffer)
        })
        .await;
        sending.join().unwrap();

        let (left, right) = seqpacket::pair().unwrap();
        let left = left.into_async().unwrap();
        let sending =
            send_all(move |number| assert_eq!(right.send_many(&[&number.to_ne_bytes()]).unwrap(), 1));
        receive_with_drops(COUNT, async || {
            let mut memory = [0; 8];
            let mut buffers = [IoSliceMut::new(&mut memory)];
            assert_eq!(left.recv_many(&mut buffers).await.unwrap().len(), 1);
            number(&memory)
        })
        .await;
        sending.join().unwrap();
    });
}

#[test]
fn datagram_calls_dropped_at_every_poll_lose_nothing() {
    on_both_runtimes(|| async {
        let path = ipcraft::name::unique_path("ipcraft-tokio-test");
        let options = ipcraft::socket::Options::new().remove_on_drop(true);
        let receiver = options.bind_datagram(&path).unwrap();
        let sender = datagram::Socket::unbound().unwrap();
        sender.connect(&path).unwrap();
        let sender = sender.into_async().unwrap();
        let receiving = receive_all(move || {
            let mut buffer = [0; 8];
            assert_eq!(receiver.recv(&mut buffer).unwrap(), 8);
            number(&buffer)
        });
        send_with_drops(COUNT, async |number| sender.send(&number.to_ne_bytes()).await.unwrap()).await;
        receiving.join().unwrap();
    });
}

#[test]
fn datagram_send_to_dropped_at_every_poll_loses_nothing() {
    on_both_runtimes(|| async {
        let path = ipcraft::name::unique_path("ipcraft-tokio-test");
        let options = ipcraft::socket::Options::new().remove_on_drop(true);
        let receiver = options.bind_datagram(&path).unwrap();
        let sender = datagram::Socket::unbound().unwrap().into_async().unwrap();
        let receiving = receive_all(move || {
            let mut buffer = [0; 8];
            assert_eq!(receiver.recv(&mut buffer).unwrap(), 8);
            number(&buffer)
        });
        let address = path.as_path().into();
        send_with_drops(COUNT, async |number| sender.send_to(&number.to_ne_bytes(), &address).await.unwrap())
            .await;
        receiving.join().unwrap();
    });
}

#[test]
fn posix_queue_calls_dropped_at_every_poll_lose_nothing() {
    on_both_runtimes(|| async {
        let options = || posix::Options::new().capacity(2).message_size(8).remove_on_drop(true);
        let (name, other) = (unique_object(), posix::Options::new());
        let queue = options().create_new(&name).unwrap().into_async().unwrap();
        let sender = other.open(&name).unwrap();
        let sending = send_all(move |number| sender.send(&number.to_ne_bytes(), 0).unwrap());
        receive_with_drops(COUNT, async || {
            let mut buffer = [0; 8];
            assert_eq!(queue.recv(&mut buffer).await.unwrap(), (8, 0));
            number(&buffer)
        })
        .await;
        sending.join().unwrap();

        let name = unique_object();
        let queue = options().create_new(&name).unwrap().into_async().unwrap();
        let receiver = other.open(&name).unwrap();
        let receiving = receive_all(move || number(&receiver.recv_message().unwrap().bytes));
        send_with_drops(COUNT, async |number| queue.send(&number.to_ne_bytes(), 0).await.unwrap()).await;
        receiving.join().unwrap();
    });
}

#[test]
fn pidfd_wait_dropped_at_every_poll_reaps_once() {
    on_both_runtimes(|| async {
        use ipcraft::process::Inherit;
        let mut command = std::process::Command::new("sleep");
        let child = ipcraft_tokio::process::spawn(command.arg("0.05"), Inherit::new()).unwrap();
        let (mut exits, mut drops) = (0, 0);
        while exits == 0 {
            match dropped_at(1 + drops % 2, child.wait()).await {
                Some(exit) => {
                    assert!(exit.unwrap().status().unwrap().success());
                    exits += 1;
                }
                None => {
                    drops += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            }
        }
        assert!(drops > 0);
    });
}
