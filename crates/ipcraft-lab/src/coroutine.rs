//! Coroutines of both kinds: futures without a stack, and user-level threads with one.
//!
//! Neither is known to the kernel. One kernel thread runs them all, each until it suspends itself.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use corosensei::{Coroutine, CoroutineResult};

/// What a user-level thread suspends itself by.
pub(crate) type Yielder = corosensei::Yielder<(), ()>;

/// Threads that the kernel does not know, run in turns.
#[derive(Default)]
pub(crate) struct UserThreads {
    ready: VecDeque<Coroutine<(), (), ()>>,
}

impl UserThreads {
    /// Adds a thread, which runs when its turn comes.
    pub(crate) fn start(&mut self, body: impl FnOnce(&Yielder) + 'static) {
        self.ready.push_back(Coroutine::new(move |yielder, ()| body(yielder)));
    }

    /// Runs the threads in turns until all have ended.
    pub(crate) fn run(mut self) {
        while let Some(mut thread) = self.ready.pop_front() {
            if let CoroutineResult::Yield(()) = thread.resume(()) {
                self.ready.push_back(thread);
            }
        }
    }
}

/// A future of which one executor runs many.
pub(crate) type BoxedFuture = Pin<Box<dyn Future<Output = ()>>>;

/// Runs a future until it suspends itself. Returns whether it has ended.
pub(crate) fn resume(future: &mut BoxedFuture) -> bool {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Suspends the future that awaits it once.
pub(crate) async fn suspend() {
    let mut suspended = false;
    poll_fn(|_| if std::mem::replace(&mut suspended, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn user_threads_run_in_turns_until_each_has_ended() {
        let order = Rc::new(RefCell::new(Vec::new()));
        let mut threads = UserThreads::default();
        for (thread, turns) in [("a", 3), ("b", 1), ("c", 2)] {
            let order = order.clone();
            threads.start(move |yielder| {
                for turn in 0..turns {
                    order.borrow_mut().push(thread);
                    if turn + 1 < turns {
                        yielder.suspend(());
                    }
                }
            });
        }
        threads.run();
        assert_eq!(*order.borrow(), ["a", "b", "c", "a", "c", "a"]);
    }

    #[test]
    fn future_that_suspends_once_ends_at_the_second_turn() {
        let mut future: BoxedFuture = Box::pin(suspend());
        assert_eq!([resume(&mut future), resume(&mut future)], [false, true]);
    }
}
