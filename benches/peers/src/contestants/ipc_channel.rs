//! ipc-channel: typed channels that serialise, connected through its one-shot server.

use ipc_channel::ipc::{self, IpcOneShotServer, IpcReceiver, IpcSender};
use ipcraft_bench::Role;

use crate::message::{Result, check, words};
use crate::stage::Stage;
use crate::work::{Put, Take};

/// One word: serde knows arrays of given lengths, and none whose length is a parameter.
type Message = [u64; 1];

/// Round trips over two channels. The client connects to the server's one-shot server and sends it both ends that it needs.
pub(crate) fn round_trips(stage: &mut Stage) -> Result<()> {
    let (sender, receiver) = connected(stage)?;
    stage.round_trips(sender, receiver)
}

type Ends = (IpcSender<Message>, IpcReceiver<Message>);

fn connected(stage: &mut Stage) -> Result<Ends> {
    match stage.role() {
        Role::Server => {
            let (server, name) = IpcOneShotServer::<Ends>::new()?;
            stage.meet(&name)?;
            let (_once, (sender, receiver)) = server.accept()?;
            Ok((sender, receiver))
        }
        Role::Client => {
            let name = stage.meet("")?;
            let (there, at_server) = ipc::channel()?;
            let (back, at_client) = ipc::channel()?;
            IpcSender::<Ends>::connect(name)?.send((back, at_server))?;
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
pub(crate) fn set_up(stage: &mut Stage) -> Result<()> {
    stage.makes(|_, number| {
        let (server, name) = IpcOneShotServer::<Message>::new()?;
        let sender = IpcSender::<Message>::connect(name)?;
        sender.send(words(number))?;
        let (receiver, message) = server.accept()?;
        check(&message, number)?;
        Ok((sender, receiver))
    })
}
