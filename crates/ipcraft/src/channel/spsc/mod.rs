//! One sender, one receiver.
//!
//! ```
//! use ipcraft::channel::spsc;
//!
//! let (mut sender, mut receiver) = spsc::channel::<u64>(1024)?;
//! sender.send(7)?;
//! sender.send_all(&[8, 9])?;
//! assert_eq!(receiver.recv()?, 7);
//! let rest: Vec<u64> = receiver.drain().collect::<ipcraft::Result<_>>()?;
//! assert_eq!(rest, [8, 9]);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! The fastest of the channels. Messages are of one type, which the channel knows and both sides check; for records of
//! different lengths there is [`bytes`].
//!
//! # What can be relied on
//!
//! Besides the [contract](super#contract) of all channels:
//!
//! * A message whose [`send`](Sender::send) has returned is received once, or is still in the channel. A batch is sent
//!   from its first message on: those that [`send_all`](Sender::send_all) found room for at once appear together.
//! * A message is received when [`recv`](Receiver::recv) has made room of it, which is the last thing that it does: if the
//!   process is killed before, the next receiver gets the message. What is held by [`recv_in_place`](Receiver::recv_in_place),
//!   or was taken by a [`drain`](Receiver::drain) that has not ended, is not received yet.
//! * A message that is lent with [`loan`](Sender::loan) is sent by [`commit`](Loan::commit), and by nothing else.
//!
//! # What it costs
//!
//! A message takes its size of memory, rounded up to 8 bytes, and above 128 bytes to whole lines of 64. While nobody sleeps,
//! to send or to receive is about two dozen instructions and no system call. A small message (up to 48 bytes) to a receiver
//! who waits for it is carried by one cache line. Batches ([`send_all`](Sender::send_all),
//! [`recv_many`](Receiver::recv_many), [`drain`](Receiver::drain)) cost a fraction of single messages.

pub mod bytes;
mod loan;
#[cfg(all(test, not(loom)))]
mod memory;
#[cfg(all(test, loom))]
mod model;
mod receiver;
pub(super) mod ring;
mod sender;

pub use loan::{Loan, Received};
pub use receiver::{Drain, Iter, Receiver};
pub use sender::Sender;

pub(super) use sender::nothing_else;

use std::marker::PhantomData;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use super::Message;
use super::dense::Dense;
use super::end::Seating;
use super::kind::{Kind, Sealed};
use super::region::{Region, Shape};
use super::seat::Seat;
use crate::error::Result;
use crate::shm::SharedLayout;

/// The kind of channel that has one sender and one receiver.
#[derive(Debug)]
pub struct Spsc<T>(PhantomData<fn(T) -> T>);

/// A channel whose ends can be taken.
pub type Channel<T> = super::Channel<Spsc<T>>;

/// How to make a channel, and what one that is opened has to be like.
pub type Options<T> = super::Options<Spsc<T>>;

/// Makes a channel without a name and takes both of its ends, one of which is then given away:
/// [`Sender::into_fd`], [`Receiver::into_fd`].
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel<T: Message>(capacity: usize) -> Result<(Sender<T>, Receiver<T>)> {
    let channel = Options::<T>::new().capacity(capacity).anonymous()?;
    Ok((channel.sender()?, channel.receiver()?))
}

const SEATING: Seating = Seating { senders: 0..1, receivers: 1..2 };

impl<T: Message> Sealed for Spsc<T> {}

#[allow(private_interfaces, reason = "what a kind is made of is nobody else's business")]
impl<T: Message> Kind for Spsc<T> {
    const NUMBER: u64 = 1;
    const LAYOUT: SharedLayout = T::LAYOUT;
    const SIZE: usize = size_of::<T::Wire>();

    fn room(shape: Shape) -> Option<usize> {
        Dense::<T::Wire>::room(shape.capacity)
    }
}

impl<T: Message> Channel<T> {
    /// Takes the sending end, and goes on where the last sender ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if somebody has it, in whatever process;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the positions in the channel contradict each other.
    pub fn sender(&self) -> Result<Sender<T>> {
        Sender::new(&self.region, Seat::take(self.as_fd(), SEATING.senders)?)
    }

    /// Takes the receiving end, and goes on where the last receiver ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if somebody has it, in whatever process.
    pub fn receiver(&self) -> Result<Receiver<T>> {
        Receiver::new(&self.region, Seat::take(self.as_fd(), SEATING.receivers)?)
    }
}

/// The channel of an end that came by its descriptor, and its seat.
fn adopt<T: Message>(fd: OwnedFd, seats: Range<u32>) -> Result<(Arc<Region>, Seat)> {
    let region = Channel::<T>::of_end(fd.as_fd())?.region;
    Ok((region, Seat::adopt(fd, seats)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use std::time::{Duration, Instant};

    #[test]
    fn messages_arrive_in_order_and_the_end_is_seen() {
        for start in [0, u32::MAX as u64 - 5, u64::MAX - 5, u64::MAX / 2 - 5] {
            let channel = Options::<u64>::new().capacity(4).initial_position(start).anonymous().unwrap();
            let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
            assert_eq!(rx.try_recv().unwrap_err().kind(), ErrorKind::Empty);
            for i in 0..20 {
                tx.send(i).unwrap();
                tx.try_send(i + 100).unwrap();
                assert_eq!(rx.recv().unwrap(), i);
                assert_eq!(rx.try_recv().unwrap(), i + 100);
            }
            for i in 0..4 {
                tx.try_send(i).unwrap();
            }
            let full = tx.try_send(9).unwrap_err();
            assert_eq!((full.kind(), full.into_message()), (ErrorKind::Full, 9));
            let began = Instant::now();
            assert_eq!(tx.send_timeout(9, Duration::from_millis(5)).unwrap_err().kind(), ErrorKind::TimedOut);
            assert!(began.elapsed() >= Duration::from_millis(5));
            drop(tx);
            assert_eq!(rx.iter().map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2, 3]);
            assert_eq!(rx.recv().unwrap_err().kind(), ErrorKind::Disconnected);
            let mut tx = channel.sender().unwrap();
            assert_eq!(channel.sender().unwrap_err().kind(), ErrorKind::InUse);
            tx.send_all(&[5, 6, 7]).unwrap();
            assert_eq!(rx.drain().map(Result::unwrap).collect::<Vec<_>>(), [5, 6, 7]);
            drop(rx);
            for _ in 0..3 {
                assert_eq!(tx.send(1).unwrap_err().kind(), ErrorKind::Disconnected);
                assert_eq!(tx.try_send(1).unwrap_err().kind(), ErrorKind::Disconnected);
            }
            let mut rx = channel.receiver().unwrap();
            tx.send(8).unwrap();
            assert_eq!(rx.recv().unwrap(), 8);
        }
    }

    #[test]
    fn batches_of_types_with_a_form_of_their_own_are_sent_as_far_as_there_is_room() {
        let (mut tx, mut rx) = channel::<bool>(4).unwrap();
        tx.try_send_all(&[true, false, true]).unwrap();
        let full = tx.try_send_all(&[false, true]).unwrap_err();
        assert_eq!((full.kind(), full.sent()), (ErrorKind::Full, 1));
        assert_eq!(rx.drain().map(Result::unwrap).collect::<Vec<_>>(), [true, false, true, false]);
    }

    #[test]
    fn batches_of_any_length_find_out_that_nobody_receives() {
        for length in [1, 10, 64, 100, 300] {
            let channel = Options::<u64>::new().capacity(1 << 20).anonymous().unwrap();
            let (mut tx, rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
            // It leaves as one that is killed does, without a word.
            let fd = rx.into_fd().unwrap();
            tx.send(7).unwrap();
            drop(fd);
            let mut sent = 0;
            let refused = loop {
                match tx.send_all(&vec![7; length]) {
                    Ok(()) => sent += length,
                    Err(e) => break e,
                }
                assert!(sent < 1 << 19, "batches of {length}");
                std::thread::sleep(Duration::from_micros(500 * length as u64 / 64));
            };
            assert_eq!(refused.kind(), ErrorKind::Disconnected);
        }
    }

    #[test]
    fn threads_exchange() {
        for waiting in [super::super::WaitStrategy::Adaptive, super::super::WaitStrategy::Block] {
            let (mut tx, mut back) = channel::<u64>(64).unwrap();
            let (mut answers, mut rx) = channel::<u64>(64).unwrap();
            tx.set_wait_strategy(waiting);
            back.set_wait_strategy(waiting);
            answers.set_wait_strategy(waiting);
            rx.set_wait_strategy(waiting);
            let t = std::thread::spawn(move || {
                for m in &mut back {
                    answers.send(m.unwrap() + 1).unwrap();
                }
            });
            for i in 0..20000 {
                tx.send(i).unwrap();
                assert_eq!(rx.recv().unwrap(), i + 1);
            }
            drop(tx);
            t.join().unwrap();
        }
    }

    #[test]
    fn an_end_moves_by_its_descriptor() {
        let (tx, mut rx) = channel::<u32>(8).unwrap();
        let fd = tx.into_fd().unwrap();
        assert_eq!(rx.try_recv().unwrap_err().kind(), ErrorKind::Empty);
        let mut tx = Sender::<u32>::from_fd(fd).unwrap();
        tx.send(7).unwrap();
        assert_eq!(rx.recv().unwrap(), 7);
        let fd = rx.into_fd().unwrap();
        assert_eq!(Sender::<u32>::from_fd(fd).unwrap_err().kind(), ErrorKind::WrongType);
        assert_eq!(tx.send(1).unwrap_err().kind(), ErrorKind::Disconnected);
    }

    #[test]
    fn an_event_loop_hears_of_messages_room_and_the_end() {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        let (mut tx, mut rx) = channel::<u64>(2).unwrap();
        let readable = |readiness: &crate::channel::Readiness, ms: u16| {
            poll(&mut [PollFd::new(readiness.as_fd(), PollFlags::POLLIN)], PollTimeout::from(ms)).unwrap()
                == 1
        };
        let (messages, room) = (rx.readiness().unwrap(), tx.readiness().unwrap());
        messages.clear().unwrap();
        for i in 0..100 {
            assert_eq!(rx.try_recv().unwrap_err().kind(), ErrorKind::Empty);
            let sender = std::thread::spawn(move || {
                tx.send(i).unwrap();
                tx
            });
            assert!(readable(&messages, 5000));
            tx = sender.join().unwrap();
            loop {
                messages.clear().unwrap();
                if rx.try_recv().is_ok() {
                    break;
                }
                assert!(readable(&messages, 5000));
            }
        }
        tx.send(1).unwrap();
        tx.send(2).unwrap();
        room.clear().unwrap();
        assert!(tx.try_send(3).is_err());
        rx.recv().unwrap();
        assert!(readable(&room, 5000));
        rx.recv().unwrap();
        messages.clear().unwrap();
        while rx.try_recv().is_ok() {}
        drop(tx);
        assert!(readable(&messages, 1000));
        messages.clear().unwrap();
        assert_eq!(rx.try_recv().unwrap_err().kind(), ErrorKind::Disconnected);
        drop((messages, room));
    }
}
