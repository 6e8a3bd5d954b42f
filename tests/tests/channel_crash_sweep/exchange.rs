//! Messages that survivors exchange, through any kind of channel.

use std::time::Duration;

use ipcraft::{Error, ErrorKind};
use ipcraft_tests::channel_kind::{ChannelKind, Config, Numbered};
use ipcraft_tests::subject::Form;
use ipcraft_tests::survivors::HANG_TIMEOUT;

use crate::delivery_log::{DeliveryLog, Role, entry, message};

pub(crate) const NARROW: Config = Config::new(8);
pub(crate) const WIDE: Config = Config::new(256);

/// First positions after which few messages make 32, 63 or 64 bits wrap.
pub(crate) const NEAR_32: u64 = u32::MAX as u64;
pub(crate) const NEAR_63: u64 = i64::MAX as u64;
pub(crate) const NEAR_64: u64 = u64::MAX;

/// The messages that survivors exchange, to see that they can.
pub(crate) const FEW: u64 = 3;

/// The messages that are sent and received one at a time, so that the endpoints adapt to it.
const ADAPTING_MESSAGES: usize = 20;

/// The result of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Yes,
    /// The other side is gone.
    Disconnected,
    TimedOut,
}

/// A survivor sends a message.
pub(crate) fn send<K: ChannelKind>(sender: &mut K::Sender, log: &DeliveryLog, timeout: Duration) -> Said {
    let entry = log.begin(Role::Survivor);
    match (K::SENDS[0].send)(sender, &[message(entry)], Form::Within(timeout)) {
        Ok(()) => {
            log.add_sent(Role::Survivor, 1);
            Said::Yes
        }
        Err(error) => {
            log.take_back(entry);
            reason(&error)
        }
    }
}

/// Receives a message.
pub(crate) fn recv<K: ChannelKind>(receiver: &mut K::Receiver, log: &DeliveryLog, timeout: Duration) -> Said {
    let received =
        (K::RECVS[0].recv)(receiver, Form::Within(timeout), &mut |message| log.add_received(entry(&message)));
    received.map_or_else(|error| reason(&error), |()| Said::Yes)
}

pub(crate) fn reason(error: &Error) -> Said {
    match error.kind() {
        ErrorKind::Disconnected => Said::Disconnected,
        ErrorKind::TimedOut => Said::TimedOut,
        _ => panic!("{error}"),
    }
}

/// Receives everything that there is, and returns the reason for which it is all.
pub(crate) fn recv_all<K: ChannelKind>(receiver: &mut K::Receiver, log: &DeliveryLog) -> Said {
    loop {
        match recv::<K>(receiver, log, Duration::ZERO) {
            Said::Yes => {}
            reason => return reason,
        }
    }
}

/// Whether two endpoints of this process can exchange messages, once the receiver has received what
/// was there before.
pub(crate) fn exchange<K: ChannelKind>(
    sender: &mut K::Sender,
    receiver: &mut K::Receiver,
    log: &DeliveryLog,
) -> bool {
    recv_all::<K>(receiver, log);
    (0..FEW).all(|_| {
        send::<K>(sender, log, HANG_TIMEOUT) == Said::Yes
            && recv::<K>(receiver, log, HANG_TIMEOUT) == Said::Yes
    })
}

/// Lets the endpoints of a new channel see single messages only, which the log does not include.
pub(crate) fn adapt<K: ChannelKind>(channel: &K::Channel) {
    let (mut sender, mut receiver) = (K::sender(channel).unwrap(), K::receiver(channel).unwrap());
    let form = Form::Within(HANG_TIMEOUT);
    for _ in 0..ADAPTING_MESSAGES {
        (K::SENDS[0].send)(&mut sender, &[Numbered::numbered(0)], form).unwrap();
        (K::RECVS[0].recv)(&mut receiver, form, &mut drop).unwrap();
    }
}
