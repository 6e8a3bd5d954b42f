//! The recipes of docs/async.md for other event loops: async-io, which smol uses, and mio.
#![allow(missing_docs)]

mod common;

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::{current_thread, limited, unique_object};
use ipcraft::channel::{Awaitable, Polled, spsc};
use ipcraft::queue::posix;
use ipcraft::semaphore::posix::Semaphore;
use ipcraft::{ErrorKind, Result, pipe};

/// Sends 0, 1, 2 and so on, with pauses.
fn send_slowly(mut sender: spsc::Sender<u64>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for number in 0..100 {
            thread::sleep(Duration::from_micros(300));
            sender.send(number).unwrap();
        }
    })
}

/// A call of an endpoint under async-io.
async fn call<E: Awaitable, R>(
    source: &mut Polled<E>,
    ready: &async_io::Async<std::os::fd::OwnedFd>,
    mut call: impl FnMut(&mut E) -> Result<R>,
) -> Result<R> {
    loop {
        match source.attempt(&mut call) {
            Err(error) if error.kind().is_would_block() => {
                ready.readable().await.map_err(|e| ipcraft::Error::from_io("readable", &e))?;
            }
            result => return result,
        }
    }
}

#[test]
fn async_io_receives_from_a_channel() {
    let (sender, receiver) = spsc::channel::<u64>(4).unwrap();
    let mut source = Polled::new(receiver).unwrap();
    let ready = async_io::Async::new_nonblocking(source.as_fd().try_clone_to_owned().unwrap()).unwrap();
    let sending = send_slowly(sender);
    async_io::block_on(async {
        for number in 0..100 {
            assert_eq!(call(&mut source, &ready, spsc::Receiver::try_recv).await.unwrap(), number);
        }
        let end = call(&mut source, &ready, spsc::Receiver::try_recv).await;
        assert_eq!(end.unwrap_err().kind(), ErrorKind::Disconnected);
    });
    sending.join().unwrap();
}

#[test]
fn async_io_reads_from_a_pipe_and_a_queue() {
    let (reader, writer) = pipe::pipe().unwrap();
    let options = posix::Options::new().capacity(1).message_size(8).remove_on_drop(true);
    let queue = options.create_new(unique_object()).unwrap();
    let (reader, queue) =
        (async_io::Async::new_nonblocking(reader).unwrap(), async_io::Async::new_nonblocking(queue).unwrap());
    let writing = thread::spawn(move || {
        thread::sleep(Duration::from_millis(5));
        writer.write_all(b"bytes").unwrap();
    });
    async_io::block_on(async {
        let mut buffer = [0; 8];
        // The conversion to `io::Error` keeps `WouldBlock`, which is all that async-io needs.
        assert_eq!(reader.read_with(|reader| Ok(reader.try_read(&mut buffer)?)).await.unwrap(), 5);
        queue.write_with(|queue| Ok(queue.try_send(b"job", 0)?)).await.unwrap();
        let message = queue.read_with(|queue| Ok(queue.try_recv_message()?)).await.unwrap();
        assert_eq!(message.bytes, b"job");
    });
    writing.join().unwrap();
}

#[test]
fn mio_receives_from_channels() {
    let mut poll = mio::Poll::new().unwrap();
    let mut events = mio::Events::with_capacity(8);
    let (mut sources, mut sending) = (Vec::new(), Vec::new());
    for token in 0..3 {
        let (sender, receiver) = spsc::channel::<u64>(4).unwrap();
        let source = Polled::new(receiver).unwrap();
        let descriptor = source.as_fd().as_raw_fd();
        let mut registered = mio::unix::SourceFd(&descriptor);
        poll.registry().register(&mut registered, mio::Token(token), mio::Interest::READABLE).unwrap();
        sources.push((source, 0, true));
        sending.push(send_slowly(sender));
    }
    while sources.iter().any(|(.., is_open)| *is_open) {
        poll.poll(&mut events, Some(Duration::from_secs(10))).unwrap();
        assert!(!events.is_empty(), "no event was missed");
        for event in &events {
            let (source, next, is_open) = &mut sources[event.token().0];
            // mio reports edges, so receive until there is nothing left.
            loop {
                match source.attempt(spsc::Receiver::try_recv) {
                    Ok(number) => {
                        assert_eq!(number, *next);
                        *next += 1;
                    }
                    Err(error) if error.kind().is_would_block() => break,
                    Err(error) => {
                        assert_eq!((error.kind(), *next), (ErrorKind::Disconnected, 100));
                        *is_open = false;
                        break;
                    }
                }
            }
        }
    }
    sending.into_iter().for_each(|thread| thread.join().unwrap());
}

/// The recipe for what has no descriptor, as on the page of the crate.
async fn wait(semaphore: Arc<Semaphore>) -> Result<()> {
    let interest = Arc::new(());
    let is_awaited = Arc::downgrade(&interest);
    let waiting = tokio::task::spawn_blocking(move || {
        loop {
            match semaphore.wait_timeout(Duration::from_millis(50)) {
                Err(error) if error.kind() == ErrorKind::TimedOut && is_awaited.strong_count() > 0 => {}
                result => return result,
            }
        }
    });
    waiting.await.expect("the thread does not panic")
}

#[test]
fn spawn_blocking_waits_for_a_semaphore_and_ends_when_it_is_dropped() {
    let runtime = current_thread();
    runtime.block_on(limited(async {
        let options = ipcraft::semaphore::posix::Options::new().remove_on_drop(true);
        let semaphore = Arc::new(options.create_new(unique_object(), 0).unwrap());
        let short = tokio::time::timeout(Duration::from_millis(10), wait(semaphore.clone()));
        assert!(short.await.is_err());
        // The thread of the dropped future lets go of the semaphore.
        while Arc::strong_count(&semaphore) > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let waiting = tokio::spawn(wait(semaphore.clone()));
        semaphore.post().unwrap();
        waiting.await.unwrap().unwrap();
    }));
}
