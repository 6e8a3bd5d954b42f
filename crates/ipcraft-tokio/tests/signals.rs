//! Signals under tokio. A program of its own, since every thread has to block them.
#![allow(missing_docs)]

mod common;

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use common::{current_thread, limited, multi_thread};
use futures_core::Stream;
use ipcraft::Pid;
use ipcraft::signal::{self, Signal, SignalFd};
use ipcraft_tokio::IntoAsync;

fn main() {
    let queued = Signal::realtime(3).expect("there are more than three");
    let blocked = signal::block([queued, Signal::USR1].into_iter().collect::<signal::SignalSet>()).unwrap();
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(limited(async {
            let mut signals = SignalFd::new(&blocked).unwrap().into_async().unwrap();
            stream_yields_each_queued_signal(&mut signals, queued).await;
            read_many_takes_all(&signals, queued).await;
            dropped_read_takes_nothing(&signals).await;
        }));
    }
    println!("signals: ok");
}

async fn stream_yields_each_queued_signal(signals: &mut ipcraft_tokio::signal::SignalFd, queued: Signal) {
    for value in 0..3 {
        signal::queue(Pid::current(), queued, value).unwrap();
    }
    for value in 0..3 {
        let info = poll_fn(|cx| Pin::new(&mut *signals).poll_next(cx)).await.unwrap().unwrap();
        assert_eq!((info.signal(), info.value()), (queued, Some(value)));
        assert_eq!(info.sender().map(|sender| sender.pid), Some(Pid::current()));
    }
}

async fn read_many_takes_all(signals: &ipcraft_tokio::signal::SignalFd, queued: Signal) {
    for value in 0..5 {
        signal::queue(Pid::current(), queued, value).unwrap();
    }
    let values: Vec<_> = signals.read_many().await.unwrap().map(|info| info.value()).collect();
    assert_eq!(values, [0, 1, 2, 3, 4].map(Some));
}

async fn dropped_read_takes_nothing(signals: &ipcraft_tokio::signal::SignalFd) {
    let dropped = tokio::time::timeout(Duration::from_millis(10), signals.read());
    assert!(dropped.await.is_err());
    signal::send(Pid::current(), Signal::USR1).unwrap();
    assert_eq!(signals.read().await.unwrap().signal(), Signal::USR1);
}
