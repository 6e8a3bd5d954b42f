//! A forked child that has a runtime of its own. A program of its own, since forking needs a
//! process with one thread.
#![allow(missing_docs)]

mod common;

use common::{current_thread, limited};
use ipcraft::channel::spsc;
use ipcraft::pipe;
use ipcraft_step::Child;
use ipcraft_tokio::IntoAsync;

fn main() {
    let runtime = current_thread();
    let entered = runtime.enter();
    let (mut sender, receiver) = spsc::channel::<u64>(4).unwrap();
    let mut receiver = receiver.into_async().unwrap();
    let (reader, writer) = pipe::pipe().unwrap();
    let reader = reader.into_async().unwrap();
    drop(entered);
    for number in 0..10 {
        let mut child = Child::start(|| current_thread().block_on(limited(exchange())));
        let end = child.wait().unwrap();
        assert!(format!("{end:?}").ends_with(", 0)"), "{end:?}");
        runtime.block_on(limited(async {
            sender.send(number).unwrap();
            assert_eq!(receiver.recv().await.unwrap(), number);
            writer.write_all(b"x").unwrap();
            assert_eq!(reader.read(&mut [0]).await.unwrap(), 1);
        }));
    }
    println!("fork: ok");
}

/// Uses a channel and a pipe that this process has created.
async fn exchange() {
    let (sender, receiver) = spsc::channel::<u64>(4).unwrap();
    let (mut sender, mut receiver) = (sender.into_async().unwrap(), receiver.into_async().unwrap());
    let (reader, writer) = pipe::pipe().unwrap();
    let (reader, writer) = (reader.into_async().unwrap(), writer.into_async().unwrap());
    for number in 0..100 {
        let (received, ()) = tokio::join!(receiver.recv(), async {
            tokio::task::yield_now().await;
            sender.send(number).await.unwrap();
        });
        assert_eq!(received.unwrap(), number);
        let (read, ()) = tokio::join!(async { reader.read(&mut [0]).await }, async {
            tokio::task::yield_now().await;
            writer.write(b"x").await.unwrap();
        });
        assert_eq!(read.unwrap(), 1);
    }
}
