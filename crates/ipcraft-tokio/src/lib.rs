//! Async forms of the mechanisms of [`ipcraft`], under tokio.
//!
//! [`into_async`](IntoAsync::into_async) converts a handle. Everything that has a descriptor can
//! then be awaited, also channels in shared memory, and all of it in one `select!`:
//!
//! ```
//! use std::process::Command;
//! use ipcraft::channel::spsc;
//! use ipcraft::process::Inherit;
//! use ipcraft::queue::posix;
//! use ipcraft::signal::{self, Signal, SignalFd};
//! use ipcraft_tokio::{IntoAsync, process};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let blocked = signal::block(Signal::USR1)?; // before the runtime and its threads
//! let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! let events = runtime.block_on(async {
//!     let (mut sender, receiver) = spsc::channel::<u64>(16)?;
//!     let mut receiver = receiver.into_async()?;
//!     let name = format!("/{}", ipcraft::name::unique("ipcraft-doc-select"));
//!     let queue = posix::Options::new().capacity(1).message_size(64).remove_on_drop(true).create(&name)?;
//!     let queue = queue.into_async()?;
//!     let signals = SignalFd::new(&blocked)?.into_async()?;
//!     let child = process::spawn(&mut Command::new("true"), Inherit::new())?;
//!
//!     // Usually other processes send these.
//!     sender.send(7)?;
//!     queue.send(b"job", 0).await?;
//!     signal::send(ipcraft::Pid::current(), Signal::USR1)?;
//!
//!     let (mut ticks, mut jobs, mut usr1, mut ended) = (0, 0, 0, 0);
//!     while ticks + jobs + usr1 + ended < 4 {
//!         tokio::select! {
//!             tick = receiver.recv() => ticks += usize::from(tick? == 7),
//!             job = queue.recv_message() => jobs += usize::from(job?.bytes == b"job"),
//!             received = signals.read() => usr1 += usize::from(received?.signal() == Signal::USR1),
//!             exit = child.wait(), if ended == 0 => ended += usize::from(exit?.status().is_some()),
//!         }
//!     }
//!     Ok::<_, ipcraft::Error>((ticks, jobs, usr1, ended))
//! })?;
//! assert_eq!(events, (1, 1, 1, 1));
//! # Ok(()) }
//! ```
//!
//! # When not
//!
//! A thread that does nothing but receive is faster with the blocking calls of `ipcraft`: they spin
//! for a while and skip the event loop. For another runtime, see docs/async.md, which has recipes
//! for async-io and mio.
//!
//! # What holds everywhere
//!
//! * **Types.** [`Async`] is a handle with a descriptor, [`Endpoint`] one of a channel. Both give
//!   the handle back, for every call that does not wait.
//! * **Cancellation.** A dropped future has taken and sent nothing. Where that is not so, the page
//!   of the call states it. So every call may stand in a `select!`.
//! * **Budget.** Each call takes part in tokio's cooperative scheduling, so one that is always
//!   ready does not starve other tasks.
//! * **Errors** are those of `ipcraft`. A failed `send` returns the message.
//! * **Threads.** This crate starts none. A channel may take one if the kernel refuses inotify(7):
//!   see [`Reactor`](ipcraft::channel::Reactor).
//! * **Runtimes.** Handles work in the current-thread and the multi-threaded runtime, with IO and
//!   time enabled. They are registered with the runtime in which they were created.
//! * **Fork.** Use and drop them only in the process that created them. A child that executes a
//!   program is not affected.
//!
//! # Blocking calls
//!
//! Semaphores, locks, System V objects and futexes have no descriptor. Nothing in the kernel can
//! wake an event loop for them, so each call that waits costs a thread. Use
//! [`spawn_blocking`](tokio::task::spawn_blocking) with a `_timeout` call in a loop, which ends soon
//! after the task has lost its interest:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use ipcraft::ErrorKind;
//! use ipcraft::semaphore::posix::Semaphore;
//!
//! /// Waits for the semaphore. A dropped future may have taken one.
//! async fn wait(semaphore: Arc<Semaphore>) -> ipcraft::Result<()> {
//!     let interest = Arc::new(());
//!     let is_awaited = Arc::downgrade(&interest);
//!     let waiting = tokio::task::spawn_blocking(move || loop {
//!         match semaphore.wait_timeout(Duration::from_millis(100)) {
//!             Err(error) if error.kind() == ErrorKind::TimedOut && is_awaited.strong_count() > 0 => {}
//!             result => return result,
//!         }
//!     });
//!     waiting.await.expect("the thread does not panic")
//! }
//! # let _ = wait;
//! ```
//!
//! # Locks
//!
//! A lock of [`ipcraft::sync`] belongs to a *thread*. Its guards are not `Send`, so the compiler
//! refuses a task of the multi-threaded runtime that holds one across an `.await`:
//!
//! ```compile_fail
//! async fn hold(mutex: &ipcraft::sync::Mutex<u64>) {
//!     let guard = mutex.lock().unwrap();
//!     tokio::task::yield_now().await;
//!     drop(guard);
//! }
//! fn is_send<T: Send>(_: T) {}
//! fn check(mutex: &ipcraft::sync::Mutex<u64>) {
//!     is_send(hold(mutex));
//! }
//! ```
//!
//! It accepts one that gives the guard back before:
//!
//! ```
//! async fn change(mutex: &ipcraft::sync::Mutex<u64>) {
//!     *mutex.lock().unwrap() += 1;
//!     tokio::task::yield_now().await;
//! }
//! fn is_send<T: Send>(_: T) {}
//! fn check(mutex: &ipcraft::sync::Mutex<u64>) {
//!     is_send(change(mutex));
//! }
//! # let _ = check;
//! ```
//!
//! On a current-thread runtime the compiler does not help: another task that locks the same mutex
//! gets [`Deadlock`](ipcraft::ErrorKind::Deadlock), since the thread already has it.

#![deny(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod channel;
mod endpoint;
pub mod event;
pub mod fifo;
mod io;
mod pause;
pub mod pipe;
pub mod process;
pub mod queue;
pub mod signal;
pub mod socket;
mod source;
mod stream_io;
mod wakes;

/// The recipes, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/async.md")]
struct AsyncPage;

pub use endpoint::Endpoint;
pub use io::Async;
pub use source::{IntoAsync, Source};
