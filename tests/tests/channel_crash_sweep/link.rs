//! What the scenarios need to know of a kind of channel.

use std::time::Duration;

use ipcraft::{Error, ErrorKind, Result};
use ipcraft_tests::survivors::HANG_TIMEOUT;

use crate::ledger::{Ledger, Note, Who};

/// What a channel is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) capacity: usize,
    /// The first position.
    pub(crate) start: u64,
}

pub(crate) const NARROW: Shape = Shape { capacity: 8, start: 0 };
pub(crate) const WIDE: Shape = Shape { capacity: 256, start: 0 };

/// First positions after which few messages make 32 bits, 63 or 64 wrap.
pub(crate) const NEAR_32: u64 = u32::MAX as u64;
pub(crate) const NEAR_63: u64 = i64::MAX as u64;
pub(crate) const NEAR_64: u64 = u64::MAX;

/// A kind of channel with messages of one size.
pub(crate) trait Link: 'static {
    type Channel;
    type Sender;
    type Receiver;

    /// Whether a receiver gets what is sent after it came, and nothing from before.
    const COMES_LATE: bool = false;

    /// A channel, without a name if none is given.
    fn create(shape: Shape, name: Option<&str>) -> Result<Self::Channel>;

    fn open(name: &str) -> Result<Self::Channel>;

    fn sender(channel: &Self::Channel) -> Result<Self::Sender>;

    fn receiver(channel: &Self::Channel) -> Result<Self::Receiver>;

    fn send(sender: &mut Self::Sender, note: Note, timeout: Duration) -> Result<()>;

    /// What was received: `None` if nobody sent it.
    fn receive(receiver: &mut Self::Receiver, timeout: Duration) -> Result<Option<Note>>;
}

/// How many messages those who are left exchange, to see that they can.
pub(crate) const FEW: u64 = 3;

/// How often a message is sent and received, one at a time, so that the ends adapt to it.
const HABIT: usize = 20;

/// What came of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Yes,
    /// The other side is gone.
    Gone,
    /// Not in time.
    Late,
}

/// A survivor sends a message.
pub(crate) fn tell<L: Link>(sender: &mut L::Sender, ledger: &Ledger, timeout: Duration) -> Said {
    let note = ledger.begin(Who::Survivor);
    match L::send(sender, note, timeout) {
        Ok(()) => {
            ledger.sent(Who::Survivor, 1);
            Said::Yes
        }
        Err(error) => {
            ledger.take_back(note);
            why_not(&error)
        }
    }
}

/// A message is received, by whomever.
pub(crate) fn hear<L: Link>(receiver: &mut L::Receiver, ledger: &Ledger, timeout: Duration) -> Said {
    match L::receive(receiver, timeout) {
        Ok(note) => {
            ledger.hear(note);
            Said::Yes
        }
        Err(error) => why_not(&error),
    }
}

fn why_not(error: &Error) -> Said {
    match error.kind() {
        ErrorKind::Disconnected => Said::Gone,
        ErrorKind::TimedOut => Said::Late,
        _ => panic!("{error}"),
    }
}

/// Receives everything that is there, and says why not more.
pub(crate) fn hear_all<L: Link>(receiver: &mut L::Receiver, ledger: &Ledger) -> Said {
    loop {
        match hear::<L>(receiver, ledger, Duration::ZERO) {
            Said::Yes => {}
            why => return why,
        }
    }
}

/// Whether two ends that nobody else has can exchange messages, and find what is in the channel before.
pub(crate) fn converse<L: Link>(sender: &mut L::Sender, receiver: &mut L::Receiver, ledger: &Ledger) -> bool {
    hear_all::<L>(receiver, ledger);
    (0..FEW).all(|_| {
        tell::<L>(sender, ledger, HANG_TIMEOUT) == Said::Yes
            && hear::<L>(receiver, ledger, HANG_TIMEOUT) == Said::Yes
    })
}

/// Has the ends of a new channel see single messages only, of which no account is kept.
pub(crate) fn adapt<L: Link>(channel: &L::Channel) {
    let (mut sender, mut receiver) = (L::sender(channel).unwrap(), L::receiver(channel).unwrap());
    for _ in 0..HABIT {
        L::send(&mut sender, Note { who: Who::Survivor, number: 0 }, HANG_TIMEOUT).unwrap();
        L::receive(&mut receiver, HANG_TIMEOUT).unwrap();
    }
}
