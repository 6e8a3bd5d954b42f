//! Handles with a descriptor under tokio.
#![allow(missing_docs)]

mod common;

use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use common::{Peer, current_thread, limited, multi_thread, on_both_runtimes, peer_argument, unique_object};
use ipcraft::fifo::Fifo;
use ipcraft::process::Inherit;
use ipcraft::queue::posix;
use ipcraft::signal::Signal;
use ipcraft::socket::{Incoming, Options, Outgoing, datagram, seqpacket, stream};
use ipcraft::{ErrorKind, Pid, pipe};
use ipcraft_tokio::{IntoAsync, fifo, process, socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Long enough for a wrong result to show.
const SHORT: Duration = Duration::from_millis(10);

#[test]
fn async_read_and_write_of_pipe_copy_everything() {
    on_both_runtimes(|| async {
        let (reader, writer) = pipe::pipe().unwrap();
        let (mut reader, mut writer) = (reader.into_async().unwrap(), writer.into_async().unwrap());
        let sent: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
        let mut received = Vec::new();
        tokio::join!(
            async {
                writer.write_all(&sent).await.unwrap();
                drop(writer);
            },
            async { assert_eq!(reader.read_to_end(&mut received).await.unwrap(), sent.len()) },
        );
        assert!(received == sent);
    });
}

#[test]
fn async_write_to_stream_then_shutdown_ends_it() {
    on_both_runtimes(|| async {
        let (left, right) = stream::pair().unwrap();
        let (mut left, mut right) = (left.into_async().unwrap(), right.into_async().unwrap());
        left.write_all(b"question").await.unwrap();
        left.shutdown().await.unwrap();
        let mut text = String::new();
        right.read_to_string(&mut text).await.unwrap();
        right.write_all(b"answer").await.unwrap();
        let mut buffer = [0; 16];
        let length = ipcraft_tokio::socket::stream::Stream::read(&left, &mut buffer).await.unwrap();
        assert_eq!((text.as_str(), &buffer[..length]), ("question", &b"answer"[..]));
    });
}

#[test]
fn pipe_write_without_reader_fails_with_disconnected() {
    on_both_runtimes(|| async {
        let (reader, writer) = pipe::pipe().unwrap();
        let writer = writer.into_async().unwrap();
        drop(reader);
        assert_eq!(writer.write(b"x").await.unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[test]
fn splice_waits_for_input_and_for_room() {
    on_both_runtimes(|| async {
        let (input, first) = pipe::pipe().unwrap();
        let (mut last, output) = pipe::Options::new().capacity(4096).create().unwrap();
        let (input, output) = (input.into_async().unwrap(), output.into_async().unwrap());
        const TOTAL: usize = 1 << 20;
        let writing = thread::spawn(move || {
            let bytes: Vec<u8> = (0..TOTAL).map(|i| (i % 251) as u8).collect();
            first.write_all(&bytes).unwrap();
            bytes
        });
        let reading = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20)); // lets the output become full
            let mut bytes = Vec::new();
            last.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let mut moved = 0;
        loop {
            match input.splice_to(&output, 1 << 16).await.unwrap() {
                0 => break,
                length => moved += length,
            }
        }
        drop(output);
        assert_eq!(moved, TOTAL);
        assert!(writing.join().unwrap() == reading.join().unwrap());
    });
}

#[test]
fn tee_copies_and_leaves_the_bytes() {
    on_both_runtimes(|| async {
        let (input, first) = pipe::pipe().unwrap();
        let (copy, output) = pipe::pipe().unwrap();
        let (input, output) = (input.into_async().unwrap(), output.into_async().unwrap());
        let writing = thread::spawn(move || {
            thread::sleep(Duration::from_millis(5));
            first.write_all(b"both").unwrap();
        });
        assert_eq!(input.tee(&output, 16).await.unwrap(), 4);
        let (mut a, mut b) = ([0; 4], [0; 4]);
        assert_eq!(input.read(&mut a).await.unwrap(), 4);
        copy.read_exact(&mut b).unwrap();
        assert_eq!((&a, &b), (b"both", b"both"));
        writing.join().unwrap();
    });
}

#[test]
fn fifo_open_waits_for_the_other_side_and_can_be_limited() {
    on_both_runtimes(|| async {
        let path = ipcraft::name::unique_path("ipcraft-tokio-test");
        let file = ipcraft::fifo::Options::new().remove_on_drop(true).create_new(&path).unwrap();
        let limit = Duration::from_millis(30);
        assert!(tokio::time::timeout(limit, fifo::open_read(&file)).await.is_err());
        assert!(tokio::time::timeout(limit, fifo::open_write(&file)).await.is_err());

        let opening = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            let writer = Fifo::open(&path).unwrap().open_write().unwrap();
            writer.write_all(b"first").unwrap();
            drop(writer);
            path
        });
        // The writer is silent at first: it is found all the same.
        let reader = fifo::open_read(&file).await.unwrap();
        let mut buffer = [0; 16];
        assert_eq!(reader.read(&mut buffer).await.unwrap(), 5);
        let path = opening.join().unwrap();
        assert_eq!(reader.read(&mut buffer).await.unwrap(), 0);

        // After the end of stream, another writer comes.
        let writer = Fifo::open(&path).unwrap().open_write().unwrap();
        let writing = thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            writer.write_all(b"second").unwrap();
            writer
        });
        let before = cpu_time();
        assert_eq!(reader.read(&mut buffer).await.unwrap(), 6);
        assert!(cpu_time() - before < Duration::from_millis(40), "it does not spin meanwhile");
        drop(writing.join().unwrap());
    });
}

/// The CPU time of the calling thread.
fn cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

#[test]
fn accept_returns_each_client_and_reclaims_the_path() {
    on_both_runtimes(|| async {
        let path = ipcraft::name::unique_path("ipcraft-tokio-test");
        // A socket file that a killed server left.
        drop(Options::new().listen_seqpacket(&path).unwrap());
        let options = Options::new().reclaim_stale(true).remove_on_drop(true);
        let at = path.clone();
        let listener =
            tokio::task::spawn_blocking(move || options.listen_seqpacket(at)).await.unwrap().unwrap();
        let listener = listener.into_async().unwrap();
        assert!(tokio::time::timeout(SHORT, listener.accept()).await.is_err());

        let client = tokio::task::spawn(async move {
            let connection = socket::seqpacket::connect(path).await.unwrap();
            connection.send(b"hello").await.unwrap();
            let mut buffer = [0; 8];
            let length = connection.recv(&mut buffer).await.unwrap().unwrap();
            buffer[..length].to_vec()
        });
        let connection = listener.accept().await.unwrap();
        assert_eq!(connection.get_ref().peer_credentials().unwrap().pid, Some(Pid::current()));
        let mut buffer = [0; 8];
        let length = connection.recv(&mut buffer).await.unwrap().unwrap();
        connection.send(&buffer[..length]).await.unwrap();
        assert_eq!(client.await.unwrap(), b"hello");
        assert_eq!(connection.recv(&mut buffer).await.unwrap(), None);
    });
}

#[test]
fn connect_to_full_queue_waits_for_accept() {
    on_both_runtimes(|| async {
        let path = ipcraft::name::unique_path("ipcraft-tokio-test");
        let listener = Options::new().backlog(0).remove_on_drop(true).listen_stream(&path).unwrap();
        let mut connected = Vec::new();
        let last = loop {
            match stream::Stream::try_connect(path.clone()) {
                Ok(stream) => connected.push(stream),
                Err(error) => break error,
            }
        };
        assert_eq!(last.kind(), ErrorKind::Full);
        let short = tokio::time::timeout(Duration::from_millis(20), socket::stream::connect(path.clone()));
        assert!(short.await.is_err());
        let connecting = tokio::spawn(socket::stream::connect(path));
        tokio::time::sleep(Duration::from_millis(10)).await;
        let listener = listener.into_async().unwrap();
        for _ in 0..=connected.len() {
            listener.accept().await.unwrap();
        }
        connecting.await.unwrap().unwrap();
    });
}

#[test]
fn messages_carry_descriptors_and_credentials() {
    on_both_runtimes(|| async {
        let (left, right) = stream::pair().unwrap();
        right.set_receive_credentials(true).unwrap();
        let (left, right) = (left.into_async().unwrap(), right.into_async().unwrap());
        let (reader, writer) = pipe::pipe().unwrap();
        let parts = [std::io::IoSlice::new(b"log")];
        let descriptors = [reader.as_fd()];
        let message = Outgoing::new(&parts).descriptors(&descriptors);
        assert_eq!(left.send_message(&message).await.unwrap(), 3);

        let (mut memory, mut incoming) = ([0; 8], Incoming::new());
        let mut buffers = [std::io::IoSliceMut::new(&mut memory)];
        assert_eq!(right.recv_message(&mut buffers, &mut incoming).await.unwrap(), Some(3));
        assert_eq!(incoming.credentials().unwrap().pid, Some(Pid::current()));
        writer.write_all(b"line").unwrap();
        let received = pipe::Reader::from(incoming.take_descriptors().remove(0)).into_async().unwrap();
        assert_eq!(received.read(&mut [0; 8]).await.unwrap(), 4);
    });
}

#[test]
fn datagram_to_full_address_waits_for_room() {
    on_both_runtimes(|| async {
        let path = ipcraft::name::unique_path("ipcraft-tokio-test");
        let receiver = Options::new().remove_on_drop(true).bind_datagram(&path).unwrap();
        let address = path.as_path().into();
        let sender = datagram::Socket::unbound().unwrap().into_async().unwrap();
        // Filled by another socket: room for its datagrams does not wake the sender.
        let (filling, mut sent) = (datagram::Socket::unbound().unwrap(), 0);
        while filling.try_send_to(b"x", &address).is_ok() {
            sent += 1;
        }
        let limit = Duration::from_millis(20);
        assert!(tokio::time::timeout(limit, sender.send_to(b"y", &address)).await.is_err());
        let parts = [std::io::IoSlice::new(b"z")];
        let message = Outgoing::new(&parts).to(&address);
        assert!(tokio::time::timeout(limit, sender.send_message(&message)).await.is_err());
        let taking = thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            // The datagrams that filled the queue, and then the two that waited.
            (0..sent + 2).for_each(|_| assert_eq!(receiver.recv(&mut [0; 4]).unwrap(), 1));
        });
        let before = cpu_time();
        sender.send_to(b"y", &address).await.unwrap();
        assert!(cpu_time() - before < Duration::from_millis(40), "it does not spin meanwhile");
        sender.send_message(&message).await.unwrap();
        taking.join().unwrap();
    });
}

#[test]
fn queue_with_several_waiting_tasks_gives_each_message_to_one() {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(limited(async {
            let options = posix::Options::new().capacity(4).message_size(8).remove_on_drop(true);
            let queue =
                std::sync::Arc::new(options.create_new(unique_object()).unwrap().into_async().unwrap());
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let queue = queue.clone();
                    tokio::spawn(async move { queue.recv_message().await.unwrap().bytes[0] })
                })
                .collect();
            tokio::time::sleep(Duration::from_millis(5)).await;
            for number in 0..4 {
                queue.send(&[number], 0).await.unwrap();
            }
            let mut received = Vec::new();
            for task in tasks {
                received.push(task.await.unwrap());
            }
            received.sort_unstable();
            assert_eq!(received, [0, 1, 2, 3]);
        }));
    }
}

#[test]
fn queue_notification_reports_the_first_message() {
    on_both_runtimes(|| async {
        let options = posix::Options::new().capacity(4).message_size(8).remove_on_drop(true);
        let queue = options.create_new(unique_object()).unwrap();
        let notification = queue.notify_descriptor().unwrap().into_async().unwrap();
        for _ in 0..3 {
            assert!(tokio::time::timeout(SHORT, notification.wait()).await.is_err());
            queue.send(b"x", 0).unwrap();
            notification.wait().await.unwrap();
            notification.get_ref().rearm().unwrap();
            queue.recv(&mut [0; 8]).unwrap();
        }
    });
}

#[test]
fn child_with_piped_streams_is_read_and_reaped() {
    on_both_runtimes(|| async {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = process::spawn(&mut command, Inherit::new()).unwrap();
        child.stdin.take().unwrap().write_all(b"through").await.unwrap();
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "through");
        assert!(child.wait().await.unwrap().status().unwrap().success());
    });
}

#[test]
fn wait_for_killed_child_returns_its_signal() {
    on_both_runtimes(|| async {
        let child = process::spawn(Command::new("sleep").arg("100"), Inherit::new()).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(10), child.wait()).await.is_err());
        child.pidfd().send_signal(Signal::KILL).unwrap();
        let status = child.wait().await.unwrap().status().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    });
}

#[test]
fn connection_to_killed_process_ends() {
    on_both_runtimes(|| async {
        let path = ipcraft::name::unique_path("ipcraft-tokio-test");
        let listener = Options::new().remove_on_drop(true).listen_seqpacket(&path).unwrap();
        let listener = listener.into_async().unwrap();
        let mut peer = Peer::start("connect_and_sleep", path.to_str().unwrap());
        let connection = listener.accept().await.unwrap();
        let mut buffer = [0; 8];
        assert_eq!(connection.recv(&mut buffer).await.unwrap(), Some(5));
        peer.kill();
        assert_eq!(connection.recv(&mut buffer).await.unwrap(), None);
        assert_eq!(connection.send(b"x").await.unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[test]
#[ignore = "a peer of other tests"]
fn connect_and_sleep() {
    let Some(path) = peer_argument() else { return };
    let connection = seqpacket::Connection::connect(path.as_str()).unwrap();
    connection.send(b"hello").unwrap();
    thread::sleep(common::TIMEOUT);
}

#[test]
fn regular_file_is_refused() {
    let runtime = current_thread();
    let _entered = runtime.enter();
    let file = tempfile::tempfile().unwrap();
    let error = std::os::fd::OwnedFd::from(file).into_async().unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::PermissionDenied, "epoll_ctl"));
}
