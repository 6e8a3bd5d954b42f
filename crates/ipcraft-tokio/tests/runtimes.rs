//! Runtimes: several, ended, busy, and forked.
#![allow(missing_docs)]

mod common;

use std::os::fd::AsFd;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use common::{current_thread, limited, multi_thread, on_both_runtimes};
use ipcraft::ErrorKind;
use ipcraft::channel::{WaitStrategy, spsc};
use ipcraft::event::EventFd;
use ipcraft::pipe;
use ipcraft::process::Inherit;
use ipcraft_tokio::{Async, IntoAsync, process};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

#[test]
fn handle_of_one_runtime_is_awaited_in_another() {
    let (home, other) = (multi_thread(), current_thread());
    let (mut sender, receiver) = spsc::channel::<u64>(4).unwrap();
    let event = EventFd::new(0).unwrap();
    let other_event = event.try_clone().unwrap();
    let entered = home.enter();
    let (mut receiver, event) = (receiver.into_async().unwrap(), event.into_async().unwrap());
    drop(entered);
    let sending = thread::spawn(move || {
        for number in 0..100 {
            thread::sleep(Duration::from_micros(200));
            sender.send(number).unwrap();
        }
        other_event.add(5).unwrap();
    });
    other.block_on(limited(async {
        for number in 0..100 {
            assert_eq!(receiver.recv().await.unwrap(), number);
        }
        assert_eq!(event.take().await.unwrap(), 5);
    }));
    sending.join().unwrap();
}

#[test]
fn waiting_after_the_runtime_has_ended_fails() {
    let (mut sender, receiver) = spsc::channel::<u64>(4).unwrap();
    let (reader, writer) = pipe::pipe().unwrap();
    let home = multi_thread();
    let entered = home.enter();
    let (mut receiver, reader) = (receiver.into_async().unwrap(), reader.into_async().unwrap());
    drop(entered);
    drop(home);
    current_thread().block_on(limited(async {
        let error = receiver.recv().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Other);
        assert!(error.to_string().contains("a runtime that has ended"), "{error}");
        assert_eq!(reader.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::Other);
    }));
    // The handles are as good as before.
    sender.send(3).unwrap();
    assert_eq!(receiver.into_inner().recv().unwrap(), 3);
    writer.write_all(b"x").unwrap();
    assert_eq!(reader.into_inner().read(&mut [0]).unwrap(), 1);
}

#[test]
fn send_after_the_runtime_has_ended_returns_the_message() {
    let (mut sender, _receiver) = spsc::channel::<u64>(2).unwrap();
    while sender.try_send(1).is_ok() {}
    let home = current_thread();
    let entered = home.enter();
    let mut sender = sender.into_async().unwrap();
    drop(entered);
    drop(home);
    let error = current_thread().block_on(limited(sender.send(2))).unwrap_err();
    assert_eq!((error.kind(), error.into_message()), (ErrorKind::Other, 2));
}

#[test]
fn runtime_that_ends_while_a_task_waits_wakes_it() {
    let (_sender, receiver) = spsc::channel::<u64>(4).unwrap();
    let (reader, _writer) = pipe::pipe().unwrap();
    let home = multi_thread();
    let entered = home.enter();
    let (mut receiver, reader) = (receiver.into_async().unwrap(), reader.into_async().unwrap());
    drop(entered);
    let waiting = thread::spawn(move || {
        current_thread().block_on(limited(async {
            let (message, bytes) = tokio::join!(receiver.recv(), async { reader.read(&mut [0]).await });
            (message.unwrap_err().kind(), bytes.unwrap_err().kind())
        }))
    });
    thread::sleep(Duration::from_millis(50));
    drop(home);
    assert_eq!(waiting.join().unwrap(), (ErrorKind::Other, ErrorKind::Other));
}

/// A task that is always ready has to leave the thread to another from time to time.
#[test]
fn calls_that_are_always_ready_do_not_starve_another_task() {
    current_thread().block_on(limited(async {
        let (sender, receiver) = spsc::channel::<u64>(4).unwrap();
        let (mut sender, mut receiver) = (sender.into_async().unwrap(), receiver.into_async().unwrap());
        let channel = tokio::spawn(async move {
            loop {
                sender.send(1).await.unwrap();
                receiver.recv().await.unwrap();
            }
        });
        let (left, right) = ipcraft::socket::seqpacket::pair().unwrap();
        let (left, right) = (left.into_async().unwrap(), right.into_async().unwrap());
        let socket = tokio::spawn(async move {
            loop {
                left.send(b"x").await.unwrap();
                right.recv(&mut [0; 4]).await.unwrap();
            }
        });
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(!channel.is_finished() && !socket.is_finished());
        channel.abort();
        socket.abort();
    }));
}

#[test]
fn dropping_a_handle_leaves_another_of_the_same_file_registered() {
    on_both_runtimes(|| async {
        let (reader, writer) = pipe::pipe().unwrap();
        let first = reader.try_clone().unwrap().into_async().unwrap();
        let second = reader.into_async().unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(5), first.read(&mut [0])).await.is_err());
        drop(first);
        writer.write_all(b"x").unwrap();
        assert_eq!(second.read(&mut [0]).await.unwrap(), 1);
    });
}

/// Children that execute a program inherit neither the reactor nor the handles.
#[test]
fn starting_children_does_not_disturb_what_waits() {
    on_both_runtimes(|| async {
        let (mut sender, receiver) = spsc::channel::<u64>(4).unwrap();
        let mut receiver = receiver.into_async().unwrap();
        for number in 0..20 {
            let child = process::spawn(&mut Command::new("true"), Inherit::new()).unwrap();
            sender.send(number).unwrap();
            assert_eq!(receiver.recv().await.unwrap(), number);
            child.wait().await.unwrap();
        }
    });
}

#[test]
fn idle_channels_use_no_cpu_time() {
    // As many as there are descriptors for: each end of each channel has one.
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let limit = soft.max(hard.min(4096));
    setrlimit(Resource::RLIMIT_NOFILE, limit, hard).unwrap();
    let channels = ((limit as usize).saturating_sub(256) / 3).clamp(1, 1000);
    current_thread().block_on(limited(async {
        let (mut senders, mut uses_threads) = (Vec::new(), false);
        let tasks: Vec<_> = (0..channels)
            .map(|_| {
                let (sender, receiver) = spsc::channel::<u64>(4).unwrap();
                let mut receiver = receiver.into_async().unwrap();
                uses_threads |= receiver.uses_thread();
                senders.push(sender);
                tokio::spawn(async move { receiver.recv().await.unwrap() })
            })
            .collect();
        if uses_threads {
            println!("skipped: needs inotify(7), which this kernel refuses");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        // The CPU time of this thread, which runs the reactor. Other tests share the process.
        let (before, start) = (cpu_time(), Instant::now());
        tokio::time::sleep(Duration::from_millis(1000)).await;
        let share = (cpu_time() - before).as_secs_f64() / start.elapsed().as_secs_f64();
        assert!(share < 0.05, "{share:.3} of a core for {channels} idle channels");
        for (number, sender) in senders.iter_mut().enumerate() {
            sender.send(number as u64).unwrap();
        }
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), number as u64);
        }
    }));
}

/// The CPU time of the calling thread.
fn cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

#[test]
fn endpoint_that_blocks_does_not_spin_and_still_receives() {
    on_both_runtimes(|| async {
        let (mut sender, mut receiver) = spsc::channel::<u64>(4).unwrap();
        receiver.set_wait_strategy(WaitStrategy::Block);
        let mut receiver = receiver.into_async().unwrap();
        let sending = thread::spawn(move || {
            for number in 0..100 {
                thread::sleep(Duration::from_micros(100));
                sender.send(number).unwrap();
            }
        });
        for number in 0..100 {
            assert_eq!(receiver.recv().await.unwrap(), number);
        }
        sending.join().unwrap();
    });
}

#[test]
fn futures_and_handles_can_move_between_threads() {
    fn check<T: Send>(_: &T) {}
    let runtime = current_thread();
    let _entered = runtime.enter();
    let (sender, receiver) = spsc::channel::<u64>(4).unwrap();
    let (mut sender, mut receiver) = (sender.into_async().unwrap(), receiver.into_async().unwrap());
    check(&sender);
    check(&sender.send(1));
    check(&receiver.recv());
    check(&receiver.recv_in_place());
    let event: Async<EventFd> = EventFd::new(0).unwrap().into_async().unwrap();
    check(&event.take());
    let _ = event.as_fd();
}
