//! Unix stream sockets at a path, by the standard library, with buffers as the kernel makes them.

use std::os::unix::net::{UnixListener, UnixStream};

use ipcraft_bench::Role;

use super::{Bytes, Pages};
use crate::message::{Result, Words, check, words};
use crate::scratch::Removed;
use crate::stage::Stage;
use crate::work::{OneByOne, Put, Take};

/// Round trips over one connection.
pub(crate) fn round_trips<const N: usize>(stage: &mut Stage) -> Result<()> {
    let stream = connected(stage)?;
    stage.round_trips::<N>(Bytes(&stream), Bytes(&stream))
}

/// A stream, message by message.
pub(crate) fn stream<const N: usize>(stage: &mut Stage) -> Result<()> {
    let stream = connected(stage)?;
    match stage.role() {
        Role::Client => stage.send(OneByOne::<_, N>(Bytes(stream))),
        Role::Server => stage.receive(OneByOne::<_, N>(Bytes(stream))),
    }
}

/// A stream of large messages.
pub(crate) fn large<const SIZE: usize>(stage: &mut Stage) -> Result<()> {
    let stream = connected(stage)?;
    match stage.role() {
        Role::Client => stage.send(Pages::new(stream, SIZE)),
        Role::Server => stage.receive(Pages::new(stream, SIZE)),
    }
}

fn connected(stage: &mut Stage) -> Result<UnixStream> {
    let path = stage.scratch().path("socket");
    match stage.role() {
        Role::Server => {
            let listener = UnixListener::bind(path)?;
            stage.meet("listening")?;
            Ok(listener.accept()?.0)
        }
        Role::Client => {
            stage.meet("")?;
            Ok(UnixStream::connect(path)?)
        }
    }
}

/// A listener, a connection to it, and one message.
pub(crate) fn set_up(stage: &mut Stage) -> Result<()> {
    stage.makes(|scratch, number| {
        let path = scratch.path("socket");
        let listener = UnixListener::bind(&path)?;
        let (client, server) = (UnixStream::connect(&path)?, listener.accept()?.0);
        let message: Words<1> = words(number);
        Bytes(&client).put(&message)?;
        check::<1>(&Bytes(&server).take()?, number)?;
        Ok((listener, client, server, Removed(path)))
    })
}
