//! What the tests share: runtimes, futures that are dropped, and peers in processes of their own.
#![allow(dead_code, missing_docs)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Far above what any step takes on a loaded machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Runs the test in each kind of runtime, with a limit.
pub(crate) fn on_both_runtimes<F: Future<Output = ()>>(test: impl Fn() -> F) {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(limited(test()));
    }
}

pub(crate) async fn limited<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(TIMEOUT, future).await.expect("it does not hang")
}

/// Drops the future at its poll of this number, unless it is ready by then.
pub(crate) async fn dropped_at<F: Future>(poll: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls >= poll => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Repeats a call until it has returned `count` numbers, and drops it at its first, second or third
/// poll in between. Checks that they are 0, 1, 2 and so on: nothing was lost, nothing twice.
pub(crate) async fn receive_with_drops(count: u64, mut receive: impl AsyncFnMut() -> u64) {
    let (mut next, mut drops, mut poll) = (0, 0, 0);
    while next < count {
        poll = poll % 3 + 1;
        match dropped_at(poll, receive()).await {
            Some(number) => {
                assert_eq!(number, next, "after {drops} drops");
                next += 1;
            }
            None => {
                drops += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    assert!(drops > 0, "no call had to wait, so nothing was tested");
}

/// Repeats a call until it has sent the numbers up to `count`, as [`receive_with_drops`] does.
pub(crate) async fn send_with_drops(count: u64, mut send: impl AsyncFnMut(u64)) {
    let mut next = 0;
    receive_with_drops(count, async || {
        send(next).await;
        next += 1;
        next - 1
    })
    .await;
}

/// Makes a pause now and then, so that the other side sometimes has to wait and sometimes not.
pub(crate) fn pause_at(number: u64) {
    if number % 16 == 7 {
        std::thread::sleep(Duration::from_micros(200));
    }
}

const PEER: &str = "IPCRAFT_TOKIO_PEER";

/// Another process, killed and reaped when dropped.
pub(crate) struct Peer(Child);

impl Peer {
    /// Starts this test binary once more, where only the ignored test of this name runs.
    pub(crate) fn start(role: &str, argument: &str) -> Peer {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", role, "--ignored", "--nocapture"]).env(PEER, argument).stdout(Stdio::null());
        Peer(command.spawn().unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub(crate) fn succeed(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The argument of this peer; `None` if the test was not started as one.
pub(crate) fn peer_argument() -> Option<String> {
    std::env::var(PEER).ok()
}

pub(crate) fn unique_object() -> String {
    format!("/{}", ipcraft::name::unique("ipcraft-tokio-test"))
}
