//! Unix stream sockets of the standard library, at a path, with the kernel's default buffers.

use std::os::unix::net::{UnixListener, UnixStream};

use ipcraft_bench::Role;

use super::{Bytes, Pages};
use crate::harness::Harness;
use crate::message::{Result, Words, check, words};
use crate::scratch::RemoveOnDrop;
use crate::work::{OneByOne, Put, Take};

/// Round trips over one connection.
pub(crate) fn round_trips<const N: usize>(harness: &mut Harness) -> Result<()> {
    let stream = connected(harness)?;
    harness.round_trips::<N>(Bytes(&stream), Bytes(&stream))
}

/// A stream, message by message.
pub(crate) fn stream<const N: usize>(harness: &mut Harness) -> Result<()> {
    let stream = connected(harness)?;
    match harness.role() {
        Role::Client => harness.send(OneByOne::<_, N>(Bytes(stream))),
        Role::Server => harness.recv(OneByOne::<_, N>(Bytes(stream))),
    }
}

/// A stream of large messages.
pub(crate) fn large<const SIZE: usize>(harness: &mut Harness) -> Result<()> {
    let stream = connected(harness)?;
    match harness.role() {
        Role::Client => harness.send(Pages::new(stream, SIZE)),
        Role::Server => harness.recv(Pages::new(stream, SIZE)),
    }
}

pub(super) fn connected(harness: &mut Harness) -> Result<UnixStream> {
    let path = harness.scratch().path("socket");
    match harness.role() {
        Role::Server => {
            let listener = UnixListener::bind(path)?;
            harness.exchange("listening")?;
            Ok(listener.accept()?.0)
        }
        Role::Client => {
            harness.exchange("")?;
            Ok(UnixStream::connect(path)?)
        }
    }
}

/// A listener, a connection to it, and one message.
pub(crate) fn set_up(harness: &mut Harness) -> Result<()> {
    harness.repeat_setup(|scratch, number| {
        let path = scratch.path("socket");
        let listener = UnixListener::bind(&path)?;
        let (client, server) = (UnixStream::connect(&path)?, listener.accept()?.0);
        let message: Words<1> = words(number);
        Bytes(&client).put(&message)?;
        check::<1>(&Bytes(&server).take()?, number)?;
        Ok((listener, client, server, RemoveOnDrop(path)))
    })
}
