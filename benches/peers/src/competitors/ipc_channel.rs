//! ipc-channel: typed channels that serialise, connected through its one-shot server.

use ipc_channel::ipc::{self, IpcOneShotServer, IpcReceiver, IpcSender};
use ipcraft_bench::Role;

use crate::harness::Harness;
use crate::message::{Result, check, words};
use crate::work::{Put, Take};

/// One word: serde supports arrays of fixed lengths, but not those with a generic length.
type Message = [u64; 1];

/// Round trips over two channels. The client connects to the server's one-shot server and sends it
/// the two endpoints that the server needs.
pub(crate) fn round_trips(harness: &mut Harness) -> Result<()> {
    let (sender, receiver) = connected(harness)?;
    harness.round_trips(sender, receiver)
}

pub(super) type Endpoints = (IpcSender<Message>, IpcReceiver<Message>);

pub(super) fn connected(harness: &mut Harness) -> Result<Endpoints> {
    match harness.role() {
        Role::Server => {
            let (server, name) = IpcOneShotServer::<Endpoints>::new()?;
            harness.exchange(&name)?;
            let (_once, (sender, receiver)) = server.accept()?;
            Ok((sender, receiver))
        }
        Role::Client => {
            let name = harness.exchange("")?;
            let (there, at_server) = ipc::channel()?;
            let (back, at_client) = ipc::channel()?;
            IpcSender::<Endpoints>::connect(name)?.send((back, at_server))?;
            Ok((there, at_client))
        }
    }
}

impl Put<1> for IpcSender<Message> {
    #[inline]
    fn put(&mut self, message: &Message) -> Result<()> {
        Ok(self.send(*message)?)
    }
}

impl Take<1> for IpcReceiver<Message> {
    #[inline]
    fn take(&mut self) -> Result<Message> {
        Ok(self.recv()?)
    }
}

/// A one-shot server, a connection to it, and its first message.
pub(crate) fn set_up(harness: &mut Harness) -> Result<()> {
    harness.repeat_setup(|_, number| {
        let (server, name) = IpcOneShotServer::<Message>::new()?;
        let sender = IpcSender::<Message>::connect(name)?;
        sender.send(words(number))?;
        let (receiver, message) = server.accept()?;
        check(&message, number)?;
        Ok((sender, receiver))
    })
}
