//! The death of a peer while the other side is blocked: receiving from an empty channel, or sending
//! into a full one. Each competitor blocks as in the other scenarios.

use std::io::{PipeReader, PipeWriter};
use std::os::unix::net::UnixStream;

use ipcraft::channel::WaitStrategy;
use ipcraft::channel::spsc::{Options, Receiver, Sender};
use ipcraft_bench::Role;

use super::{SLOTS, interprocess, ipc_channel, pipe, read_once, unix_stream, write_once};
use crate::competitor::Side;
use crate::harness::Harness;
use crate::message::{Result, Words, failure};
use crate::work::{Put, Take};

/// The wait strategies, as parameters of functions.
pub(crate) const SPIN: u8 = 0;
pub(crate) const BLOCK: u8 = 1;
pub(crate) const ADAPTIVE: u8 = 2;

fn strategy(number: u8) -> WaitStrategy {
    match number {
        SPIN => WaitStrategy::Spin,
        BLOCK => WaitStrategy::Block,
        _ => WaitStrategy::Adaptive,
    }
}

type Ours = Side<Sender<Words<1>>, Receiver<Words<1>>>;

fn ours(harness: &mut Harness, waiting: u8) -> Result<Ours> {
    let sender = |harness: &mut Harness| {
        let options = Options::<Words<1>>::new().capacity(SLOTS);
        let mut sender = options.create_new(harness.scratch().name("stream"))?.sender()?;
        sender.set_wait_strategy(strategy(waiting));
        Ok(sender)
    };
    let receiver = |harness: &mut Harness| {
        let mut receiver = Receiver::open(harness.scratch().name("stream"))?;
        receiver.set_wait_strategy(strategy(waiting));
        Ok(receiver)
    };
    harness.connect(sender, receiver)
}

/// ipcraft: the sender is killed.
pub(crate) fn ours_receiving<const WAITING: u8>(harness: &mut Harness) -> Result<()> {
    let side = ours(harness, WAITING)?;
    harness.receiver_outlives(side, |receiver| receiver.take().map(drop))
}

/// ipcraft: the receiver is killed.
pub(crate) fn ours_sending<const WAITING: u8>(harness: &mut Harness) -> Result<()> {
    let side = ours(harness, WAITING)?;
    harness.sender_outlives(side, |sender| sender.put(&[0]))
}

/// A pipe: the writer is killed.
pub(crate) fn pipe_receiving(harness: &mut Harness) -> Result<()> {
    let side = one_pipe(harness)?;
    harness.receiver_outlives(side, |reader| read_once(reader))
}

/// A pipe: the reader is killed.
pub(crate) fn pipe_sending(harness: &mut Harness) -> Result<()> {
    let side = one_pipe(harness)?;
    harness.sender_outlives(side, |writer| write_once(writer))
}

/// Keeps one of the two pipes. The side that reads from the other one closes it.
fn one_pipe(harness: &mut Harness) -> Result<Side<PipeWriter, PipeReader>> {
    let (reader, writer) = pipe::one_way(harness)?;
    Ok(match harness.role() {
        Role::Client => Side::Sender(writer.ok_or("no writer")?),
        Role::Server => Side::Receiver(reader.ok_or("no reader")?),
    })
}

/// A Unix stream socket: the sender is killed.
pub(crate) fn unix_receiving(harness: &mut Harness) -> Result<()> {
    let side = same(harness.role(), unix_stream::connected(harness)?);
    harness.receiver_outlives(side, |stream: &mut UnixStream| read_once(stream))
}

/// A Unix stream socket: the receiver is killed.
pub(crate) fn unix_sending(harness: &mut Harness) -> Result<()> {
    let side = same(harness.role(), unix_stream::connected(harness)?);
    harness.sender_outlives(side, |stream: &mut UnixStream| write_once(stream))
}

/// interprocess: the sender is killed.
pub(crate) fn interprocess_receiving(harness: &mut Harness) -> Result<()> {
    let side = same(harness.role(), interprocess::connected(harness)?);
    harness.receiver_outlives(side, |stream| read_once(stream))
}

/// interprocess: the receiver is killed.
pub(crate) fn interprocess_sending(harness: &mut Harness) -> Result<()> {
    let side = same(harness.role(), interprocess::connected(harness)?);
    harness.sender_outlives(side, |stream| write_once(stream))
}

fn same<S>(role: Role, stream: S) -> Side<S, S> {
    match role {
        Role::Client => Side::Sender(stream),
        Role::Server => Side::Receiver(stream),
    }
}

/// ipc-channel: the sender is killed.
pub(crate) fn ipc_channel_receiving(harness: &mut Harness) -> Result<()> {
    let (sender, receiver) = ipc_channel::connected(harness)?;
    match harness.role() {
        Role::Client => harness.be_killed((sender, receiver)),
        Role::Server => harness.outlive(|| receiver.recv().map(drop).map_err(failure)),
    }
}

/// ipc-channel: the receiver is killed.
pub(crate) fn ipc_channel_sending(harness: &mut Harness) -> Result<()> {
    let (sender, receiver) = ipc_channel::connected(harness)?;
    match harness.role() {
        Role::Client => harness.outlive(|| sender.send([0]).map_err(failure)),
        Role::Server => harness.be_killed((sender, receiver)),
    }
}
