//! One reactor of channels for each runtime, and the task that wakes the tasks of its endpoints.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use ipcraft::Result;
use ipcraft::channel::{Awaitable, Reactor, Registration, Token};
use tokio::runtime::{Handle, Id};

use crate::Async;

/// The reactors of the runtimes in which endpoints were created. A runtime keeps its own until it
/// ends.
static RUNTIMES: Mutex<Vec<(Id, Weak<Wakes>)>> = Mutex::new(Vec::new());

/// The endpoints of one runtime.
#[derive(Debug)]
struct Wakes {
    reactor: Async<Reactor>,
    /// The tasks that wait; `None` after the runtime has ended.
    waiting: Mutex<Option<HashMap<Token, Waker>>>,
}

impl Wakes {
    /// Returns the reactor of the current runtime. The first call creates it and its task, which
    /// live until the runtime ends.
    fn current() -> Result<Arc<Wakes>> {
        let runtime = Handle::current();
        let mut runtimes = lock(&RUNTIMES);
        runtimes.retain(|(_, wakes)| wakes.strong_count() > 0);
        let known = runtimes.iter().find(|(id, _)| *id == runtime.id());
        if let Some(wakes) = known.and_then(|(_, wakes)| wakes.upgrade()).filter(|wakes| !wakes.has_ended()) {
            return Ok(wakes);
        }
        let reactor = Async::new(Reactor::new()?)?;
        let wakes = Arc::new(Wakes { reactor, waiting: Mutex::new(Some(HashMap::new())) });
        runtimes.push((runtime.id(), Arc::downgrade(&wakes)));
        runtime.spawn(Task(wakes.clone()).run());
        Ok(wakes)
    }

    /// Wakes this task at the next event of the token. Returns false if the runtime has ended, so
    /// that none follows.
    fn wait(&self, token: Token, waker: &Waker) -> bool {
        let mut waiting = lock(&self.waiting);
        let Some(waiting) = waiting.as_mut() else { return false };
        waiting.entry(token).and_modify(|kept| kept.clone_from(waker)).or_insert_with(|| waker.clone());
        true
    }

    /// Forgets the task of an endpoint that is dropped.
    fn forget(&self, token: Token) {
        if let Some(waiting) = lock(&self.waiting).as_mut() {
            waiting.remove(&token);
        }
    }

    fn has_ended(&self) -> bool {
        lock(&self.waiting).is_none()
    }

    fn wake(&self, tokens: &[Token]) {
        // Woken without the lock, since a waker may run code of the runtime.
        let woken: Vec<Waker> = match lock(&self.waiting).as_mut() {
            Some(waiting) => tokens.iter().filter_map(|token| waiting.remove(token)).collect(),
            None => Vec::new(),
        };
        woken.into_iter().for_each(Waker::wake);
    }
}

/// How the task that waits for one endpoint is woken.
#[derive(Debug)]
pub(crate) struct Wake {
    registration: Registration,
    runtime: Arc<Wakes>,
}

impl Wake {
    /// Registers the endpoint with the current runtime.
    pub(crate) fn new(end: &impl Awaitable) -> Result<Wake> {
        let runtime = Wakes::current()?;
        Ok(Wake { registration: end.register(runtime.reactor.get_ref())?, runtime })
    }

    /// Wakes this task at the next event. Returns false if the runtime has ended, so that none
    /// follows.
    pub(crate) fn wait(&self, waker: &Waker) -> bool {
        self.runtime.wait(self.registration.token(), waker)
    }

    pub(crate) fn uses_thread(&self) -> bool {
        self.registration.uses_thread()
    }

    /// Returns whether the endpoint must be tried once more before the task waits.
    pub(crate) fn arm(&self) -> Result<bool> {
        self.registration.arm()
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.runtime.forget(self.registration.token());
    }
}

/// The task that drains the reactor. The runtime drops it when it ends.
struct Task(Arc<Wakes>);

impl Task {
    async fn run(self) {
        let mut tokens = Vec::new();
        let drain = async |tokens: &mut Vec<Token>| {
            let reactor = &self.0.reactor;
            // Each event leads to a drain, which leaves the reactor unreadable.
            reactor.consume_event().await?;
            reactor.get_ref().drain(tokens)
        };
        // It fails only when the runtime ends.
        while drain(&mut tokens).await.is_ok() {
            self.0.wake(&tokens);
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let waiting = lock(&self.0.waiting).take();
        waiting.into_iter().flatten().for_each(|(_, waker)| waker.wake());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
