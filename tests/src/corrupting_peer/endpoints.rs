//! Both endpoints of a channel of any kind.

use std::os::fd::{AsFd, OwnedFd};

use ipcraft::channel::{Observer, WaitStrategy, untyped};

use super::{Clock, Target};
use crate::channel_kind::{ChannelKind, Config, Numbered};
use crate::subject::Form;

/// The messages that a channel has room for: few, so that positions wrap soon.
const CAPACITY: usize = 8;

/// The messages of the longest batch.
const MAX_BATCH: usize = 3;

struct Endpoints<K: ChannelKind> {
    channel: K::Channel,
    sender: Option<K::Sender>,
    receiver: Option<K::Receiver>,
    observer: Option<Observer>,
}

pub(super) fn make<K: ChannelKind>() -> Box<dyn Target> {
    let channel = K::anonymous(Config::new(CAPACITY)).expect("a channel");
    Box::new(Endpoints::<K> { channel, sender: None, receiver: None, observer: None })
}

impl<K: ChannelKind> Target for Endpoints<K> {
    fn descriptor(&self) -> OwnedFd {
        self.channel.as_fd().try_clone_to_owned().expect("a descriptor")
    }

    fn operate(&mut self, choice: u8, clock: &mut Clock) {
        match choice % 4 {
            0 => self.replace_an_endpoint(choice / 4, clock),
            1 | 2 => self.send(choice / 4, clock),
            _ => self.receive(choice / 4, clock),
        }
    }
}

impl<K: ChannelKind> Endpoints<K> {
    fn replace_an_endpoint(&mut self, choice: u8, clock: &mut Clock) {
        match choice % 6 {
            0 => {
                drop(self.sender.take());
                self.sender = clock.call("sender", || K::sender(&self.channel));
            }
            1 => {
                drop(self.receiver.take());
                self.receiver = clock.call("receiver", || K::receiver(&self.channel));
            }
            2 => {
                let fd = self.descriptor();
                if let Some(channel) = clock.call("from_received", || K::from_received(fd)) {
                    self.channel = channel;
                }
            }
            3 => {
                let sender = self.sender.take();
                self.sender = sender.and_then(|sender| clock.call("pass_sender", || K::pass_sender(sender)));
            }
            4 => {
                let receiver = self.receiver.take();
                self.receiver =
                    receiver.and_then(|receiver| clock.call("pass_receiver", || K::pass_receiver(receiver)));
            }
            _ if (choice / 6).is_multiple_of(2) => self.observe(choice / 12, clock),
            _ => self.choose_strategy(choice / 12),
        }
    }

    /// Observes the channel, through the observer of an earlier call if there is one.
    fn observe(&mut self, choice: u8, clock: &mut Clock) {
        if self.observer.is_none() || choice.is_multiple_of(2) {
            let fd = self.descriptor();
            self.observer = clock.call("observe", || Observer::from_fd(fd));
        }
        let Some(observer) = &self.observer else { return };
        clock.call("stats", || observer.stats());
        clock.call("endpoints", || observer.endpoints());
        if let Some(messages) = clock.call("messages", || observer.messages(MAX_BATCH)) {
            assert!(messages.len() <= 2 * MAX_BATCH);
        }
        self.exchange_bytes(choice, clock);
    }

    /// Sends and receives through endpoints that know the type only at run time.
    fn exchange_bytes(&mut self, choice: u8, clock: &mut Clock) {
        let fd = self.descriptor();
        let Some(channel) = clock.call("untyped", || untyped::Channel::from_received(fd)) else { return };
        let (bytes, mut buffer) = (vec![choice; channel.message_len().min(1 << 20)], Vec::new());
        if let Some(mut sender) = clock.call("untyped sender", || channel.sender()) {
            clock.call("untyped send", || sender.try_send(&bytes));
        }
        if let Some(mut receiver) = clock.call("untyped receiver", || channel.receiver()) {
            clock.call("untyped recv", || receiver.try_recv(&mut buffer));
        }
    }

    fn choose_strategy(&mut self, choice: u8) {
        let strategies = [WaitStrategy::Adaptive, WaitStrategy::Block, WaitStrategy::Spin];
        let strategy = strategies[usize::from(choice) % strategies.len()];
        if let Some(sender) = &mut self.sender {
            K::set_sender_strategy(sender, strategy);
        }
        if let Some(receiver) = &mut self.receiver {
            K::set_receiver_strategy(receiver, strategy);
        }
    }

    /// Sends in one of the ways, or calls one of the sender's further operations.
    fn send(&mut self, choice: u8, clock: &mut Clock) {
        let Some(sender) = &mut self.sender else {
            self.sender = clock.call("sender", || K::sender(&self.channel));
            return;
        };
        let form = form(choice, clock);
        let index = usize::from(choice / 2) % (K::SENDS.len() + K::SENDER_EXTRAS.len());
        match K::SENDS.get(index) {
            Some(way) => {
                let messages: [K::Message; MAX_BATCH] =
                    std::array::from_fn(|_| K::Message::numbered(choice.into()));
                clock.call(way.name, || (way.send)(sender, &messages[..way.batch], form));
            }
            None => {
                let extra = K::SENDER_EXTRAS[index - K::SENDS.len()];
                clock.call("further operation of the sender", || extra(sender, choice, form));
            }
        }
    }

    /// Receives in one of the ways, or calls one of the receiver's further operations.
    fn receive(&mut self, choice: u8, clock: &mut Clock) {
        let Some(receiver) = &mut self.receiver else {
            self.receiver = clock.call("receiver", || K::receiver(&self.channel));
            return;
        };
        let form = form(choice, clock);
        let index = usize::from(choice / 2) % (K::RECVS.len() + K::RECEIVER_EXTRAS.len());
        match K::RECVS.get(index) {
            Some(way) => drop(clock.call(way.name, || (way.recv)(receiver, form, &mut drop))),
            None => {
                let extra = K::RECEIVER_EXTRAS[index - K::RECVS.len()];
                clock.call("further operation of the receiver", || extra(receiver, choice, form));
            }
        }
    }
}

fn form(choice: u8, clock: &Clock) -> Form {
    if choice.is_multiple_of(2) { Form::Try } else { Form::Within(clock.timeout) }
}
