//! Messages for everybody.

use std::os::fd::OwnedFd;

use ipcraft::channel::WaitStrategy;
use ipcraft::channel::broadcast::{Channel, Options, Overflow, Publisher, Subscriber};

use super::{CAPACITY, Clock, PLENTY, Payload, Target, duplicate};

struct Ends<T: Payload> {
    channel: Channel<T>,
    sender: Option<Publisher<T>>,
    receiver: Option<Subscriber<T>>,
}

/// Where a slow subscriber holds the publisher back.
pub(super) fn hold_back<T: Payload>() -> Box<dyn Target> {
    make::<T>(Overflow::Block)
}

/// Where a slow subscriber misses messages.
pub(super) fn overwrite<T: Payload>() -> Box<dyn Target> {
    make::<T>(Overflow::Overwrite)
}

fn make<T: Payload>(overflow: Overflow) -> Box<dyn Target> {
    let options = Options::<T>::new().capacity(CAPACITY).overflow(overflow);
    let channel = options.anonymous().expect("a channel");
    Box::new(Ends { channel, sender: None, receiver: None })
}

impl<T: Payload> Target for Ends<T> {
    fn descriptor(&self) -> OwnedFd {
        duplicate(&self.channel)
    }

    fn operate(&mut self, choice: u8, clock: &mut Clock) {
        match choice % 4 {
            0 => self.come_and_go(choice / 4, clock),
            1 | 2 => self.send(choice / 4, clock),
            _ => self.receive(choice / 4, clock),
        }
    }
}

impl<T: Payload> Ends<T> {
    fn come_and_go(&mut self, choice: u8, clock: &mut Clock) {
        match choice % 6 {
            0 => {
                drop(self.sender.take());
                self.sender = clock.call("publisher", |_| self.channel.publisher());
            }
            1 => {
                drop(self.receiver.take());
                self.receiver = clock.call("subscriber", |_| self.channel.subscriber());
            }
            2 => self.attach(clock),
            3 => {
                let fd = self.sender.take().and_then(|end| clock.call("into_fd", |_| end.into_fd()));
                self.sender = fd.and_then(|fd| clock.call("from_fd", |_| Publisher::from_fd(fd)));
            }
            4 => {
                let fd = self.receiver.take().and_then(|end| clock.call("into_fd", |_| end.into_fd()));
                self.receiver = fd.and_then(|fd| clock.call("from_fd", |_| Subscriber::from_fd(fd)));
            }
            _ => self.wait_otherwise(choice / 6),
        }
    }

    /// Another process would have the channel by its descriptor.
    fn attach(&mut self, clock: &mut Clock) {
        let fd = self.descriptor();
        if let Some(channel) = clock.call("from_received", |_| Channel::from_received(fd)) {
            self.channel = channel;
        }
    }

    fn wait_otherwise(&mut self, choice: u8) {
        let waiting =
            [WaitStrategy::Adaptive, WaitStrategy::Block, WaitStrategy::Spin][usize::from(choice % 3)];
        if let Some(sender) = &mut self.sender {
            sender.set_wait_strategy(waiting);
        }
        if let Some(receiver) = &mut self.receiver {
            receiver.set_wait_strategy(waiting);
        }
    }

    fn send(&mut self, choice: u8, clock: &mut Clock) {
        let Some(sender) = &mut self.sender else {
            self.sender = clock.call("publisher", |_| self.channel.publisher());
            return;
        };
        let message = T::some;
        let few: [T; 3] = std::array::from_fn(|_| message());
        match choice % 6 {
            0 => drop(clock.call("send_timeout", |timeout| sender.send_timeout(message(), timeout))),
            1 => drop(clock.call("try_send", |_| sender.try_send(message()))),
            2 => drop(clock.call("send_all_timeout", |timeout| sender.send_all_timeout(&few, timeout))),
            3 => drop(clock.call("try_send_all", |_| sender.try_send_all(&few))),
            4 => drop(clock.call("loan_timeout", |timeout| {
                let mut place = sender.loan_timeout(timeout)?;
                place.set(&message());
                place.write_at(0, &[1])?;
                place.commit();
                Ok::<(), ipcraft::Error>(())
            })),
            _ => drop(clock.call("try_loan", |_| sender.try_loan().map(drop))),
        }
    }

    fn receive(&mut self, choice: u8, clock: &mut Clock) {
        let Some(receiver) = &mut self.receiver else {
            self.receiver = clock.call("subscriber", |_| self.channel.subscriber());
            return;
        };
        match choice % 5 {
            0 => drop(clock.call("recv_timeout", |timeout| receiver.recv_timeout(timeout))),
            1 => drop(clock.call("try_recv", |_| receiver.try_recv())),
            2 => drop(clock.call("recv_in_place_timeout", |timeout| {
                let message = receiver.recv_in_place_timeout(timeout)?;
                let mut byte = [0];
                message.read_at(0, &mut byte)?;
                message.get()
            })),
            3 => drop(clock.call("try_recv_in_place", |_| receiver.try_recv_in_place().map(drop))),
            _ => drop(clock.call("drain", |_| receiver.drain().take(PLENTY).collect::<Result<Vec<T>, _>>())),
        }
    }
}
