//! Coroutines in one thread: one sends to another, one is suspended until an event, and data comes
//! along. Then one is suspended until another process sends.
//!
//! A coroutine is a future here, and `Executor` runs the ready ones in turn. If none is ready, the
//! thread blocks in poll(2) until a descriptor is. The library's channels have such a descriptor:
//! `Readiness`.
//!
//! Run it: `cargo run -p ipcraft-examples --example coroutines`

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::process::id;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use ipcraft::ErrorKind;
use ipcraft::channel::Readiness;
use ipcraft::channel::spsc::{self, Receiver, Sender};
use ipcraft::event::EventFd;
use ipcraft::process::{CommandExt, Inherit, take_inherited_fd};
use ipcraft_examples::{Outcome, expect, finish, println, role, this_program};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

const MESSAGES: u64 = 1000;
/// Turns that a coroutine takes before it lets the other process begin.
const TURNS: u64 = 10_000;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--producer") => produce(
            Sender::from_fd(take_inherited_fd("numbers")?)?,
            &EventFd::from(take_inherited_fd("begin")?),
        ),
        _ => {
            between_coroutines()?;
            from_another_process()
        }
    }
}

/// The three functions: send an event, suspend until it happens, carry data.
fn between_coroutines() -> Outcome {
    let slot = Slot::default();
    let (sum, suspended) = (Cell::new(0), Cell::new(0));
    let mut executor = Executor::default();
    executor.start(async {
        for _ in 0..MESSAGES {
            suspended.set(suspended.get() + u64::from(slot.is_empty()));
            sum.set(sum.get() + slot.recv().await);
        }
        Ok(())
    });
    executor.start(async {
        for number in 1..=MESSAGES {
            slot.send(number).await;
        }
        Ok(())
    });
    executor.run()?;
    println!("coroutines: {MESSAGES} messages in a slot for one, suspended {} times", suspended.get());
    expect("suspensions", suspended.get(), MESSAGES)?;
    expect("sum", sum.get(), MESSAGES * (MESSAGES + 1) / 2)
}

/// A coroutine waits for another process, and the others in its thread continue meanwhile.
fn from_another_process() -> Outcome {
    let (sender, mut receiver): (_, Receiver<u64>) = spsc::channel(16)?;
    let begin = EventFd::new(0)?;
    let inherit = Inherit::new().named("numbers", sender.into_fd()?).named("begin", begin.try_clone()?);
    let producer = this_program("--producer")?.spawn_inheriting(inherit)?;

    let readiness = receiver.readiness()?;
    let (turns, sum) = (Cell::new(0), Cell::new(0));
    let descriptors = Descriptors::default();
    let mut executor = Executor { descriptors: descriptors.clone(), ..Executor::default() };
    executor.start(async {
        while let Some(number) = recv(&mut receiver, &readiness, &descriptors).await? {
            expect("turns of the other coroutine before a message", turns.get(), TURNS)?;
            sum.set(sum.get() + number);
        }
        Ok(())
    });
    executor.start(async {
        for _ in 0..TURNS {
            turns.set(turns.get() + 1);
            yield_now().await;
        }
        Ok(begin.add(1)?) // only now the other process sends
    });
    executor.run()?;
    println!("process {}: {TURNS} turns beside a suspended receiver, then {MESSAGES} messages", id());
    expect("sum", sum.get(), MESSAGES * (MESSAGES + 1) / 2)?;
    finish(producer)
}

fn produce(mut sender: Sender<u64>, begin: &EventFd) -> Outcome {
    begin.take()?;
    println!("process {}: sends {MESSAGES} messages", id());
    for number in 1..=MESSAGES {
        sender.send(number)?;
    }
    Ok(()) // ends the stream
}

/// Receives from another process, suspended while there is no message. `None` is the end.
async fn recv<'a>(
    receiver: &mut Receiver<u64>,
    readiness: &'a Readiness,
    descriptors: &Descriptors<'a>,
) -> Outcome<Option<u64>> {
    loop {
        readiness.clear()?; // first, so that a message after the attempt is an event
        match receiver.try_recv() {
            Err(error) if error.kind() == ErrorKind::Empty => {
                readable(readiness.as_fd(), descriptors).await;
            }
            Err(error) if error.kind() == ErrorKind::Disconnected => return Ok(None),
            received => return Ok(Some(received?)),
        }
    }
}

/// A place for one message between two coroutines.
#[derive(Default)]
struct Slot {
    message: Cell<Option<u64>>,
    waiting: RefCell<Option<Waker>>,
}

impl Slot {
    /// Stores the message, suspended while the slot is full.
    async fn send(&self, message: u64) {
        self.until(|| self.is_empty().then_some(())).await;
        self.message.set(Some(message));
        self.wake();
    }

    /// Takes the message, suspended while the slot is empty.
    async fn recv(&self) -> u64 {
        let message = self.until(|| self.message.take()).await;
        self.wake();
        message
    }

    fn is_empty(&self) -> bool {
        let message = self.message.take();
        self.message.set(message);
        message.is_none()
    }

    async fn until<T>(&self, mut condition: impl FnMut() -> Option<T>) -> T {
        poll_fn(|context| match condition() {
            Some(value) => Poll::Ready(value),
            None => {
                *self.waiting.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    fn wake(&self) {
        self.waiting.borrow_mut().take().into_iter().for_each(Waker::wake);
    }
}

/// Suspends the coroutine until the others that are ready have had a turn.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The descriptors for which coroutines are suspended.
type Descriptors<'a> = Rc<RefCell<Vec<(BorrowedFd<'a>, Waker)>>>;

/// Suspends the coroutine until poll(2) finds the descriptor readable.
async fn readable<'a>(descriptor: BorrowedFd<'a>, descriptors: &Descriptors<'a>) {
    let mut suspended = false;
    poll_fn(|context| {
        if std::mem::replace(&mut suspended, true) {
            return Poll::Ready(());
        }
        descriptors.borrow_mut().push((descriptor, context.waker().clone()));
        Poll::Pending
    })
    .await;
}

/// The ids of the coroutines that are ready, in their order.
type Ready = Arc<Mutex<VecDeque<usize>>>;

/// Makes one coroutine ready.
struct Wakeup {
    coroutine: usize,
    ready: Ready,
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        lock(&self.ready).push_back(self.coroutine);
    }
}

fn lock(ready: &Ready) -> MutexGuard<'_, VecDeque<usize>> {
    ready.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs coroutines in this thread.
#[derive(Default)]
struct Executor<'a> {
    coroutines: Vec<Option<Pin<Box<dyn Future<Output = Outcome> + 'a>>>>,
    ready: Ready,
    descriptors: Descriptors<'a>,
}

impl<'a> Executor<'a> {
    fn start(&mut self, coroutine: impl Future<Output = Outcome> + 'a) {
        lock(&self.ready).push_back(self.coroutines.len());
        self.coroutines.push(Some(Box::pin(coroutine)));
    }

    /// Returns when all coroutines have ended. Fails if one fails, or if none can be woken.
    fn run(&mut self) -> Outcome {
        while self.coroutines.iter().any(Option::is_some) {
            let Some(coroutine) = lock(&self.ready).pop_front() else {
                self.wait()?;
                continue;
            };
            let waker = Waker::from(Arc::new(Wakeup { coroutine, ready: self.ready.clone() }));
            let Some(running) = &mut self.coroutines[coroutine] else { continue };
            if let Poll::Ready(outcome) = running.as_mut().poll(&mut Context::from_waker(&waker)) {
                self.coroutines[coroutine] = None;
                outcome?;
            }
        }
        Ok(())
    }

    /// Blocks until a descriptor is readable, and wakes the coroutines that wait for one.
    fn wait(&self) -> Outcome {
        let waiting = self.descriptors.take();
        if waiting.is_empty() {
            return Err("every coroutine is suspended, and nothing can wake one".into());
        }
        let mut polled: Vec<_> = waiting.iter().map(|(fd, _)| PollFd::new(*fd, PollFlags::POLLIN)).collect();
        poll(&mut polled, PollTimeout::NONE)?;
        for ((descriptor, waker), polled) in waiting.iter().zip(polled) {
            match polled.any() {
                Some(true) => waker.wake_by_ref(),
                _ => self.descriptors.borrow_mut().push((*descriptor, waker.clone())),
            }
        }
        Ok(())
    }
}
