//! Waiting for what no descriptor reports, by the timer of the runtime.

use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

const MIN_INTERVAL: Duration = Duration::from_millis(1);
const MAX_INTERVAL: Duration = Duration::from_millis(8);

/// Sleeps at intervals that grow from 1 ms to 8 ms. The timer of tokio counts milliseconds.
#[derive(Debug)]
pub(crate) struct Pause(Duration);

impl Pause {
    pub(crate) fn new() -> Self {
        Pause(MIN_INTERVAL)
    }

    pub(crate) async fn sleep(&mut self) {
        let interval = self.0;
        self.0 = (interval * 2).min(MAX_INTERVAL);
        sleep(interval).await;
    }
}

/// Wakes a task after the longest interval, for poll functions, which have no place for a timer.
pub(crate) fn wake_later(waker: &Waker) {
    let waker = waker.clone();
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(async move {
            sleep(MAX_INTERVAL).await;
            waker.wake();
        })),
        // Polled outside of a runtime: there is no timer to wait for.
        Err(_) => waker.wake(),
    }
}
