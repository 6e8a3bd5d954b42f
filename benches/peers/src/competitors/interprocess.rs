//! interprocess: its local sockets, which on Linux are Unix stream sockets. The name is in the
//! abstract namespace, as in its example.

use interprocess::local_socket::prelude::*;
use interprocess::local_socket::{GenericNamespaced, Listener, ListenerOptions, Name, Stream};
use ipcraft_bench::Role;

use super::Bytes;
use crate::harness::Harness;
use crate::message::{Result, Words, check, words};
use crate::scratch::Scratch;
use crate::work::{Put, Take};

/// Round trips over one connection.
pub(crate) fn round_trips<const N: usize>(harness: &mut Harness) -> Result<()> {
    let stream = connected(harness)?;
    harness.round_trips::<N>(Bytes(&stream), Bytes(&stream))
}

pub(super) fn connected(harness: &mut Harness) -> Result<Stream> {
    match harness.role() {
        Role::Server => {
            let listener = listener(harness.scratch(), "socket")?;
            harness.exchange("listening")?;
            Ok(listener.accept()?)
        }
        Role::Client => {
            harness.exchange("")?;
            Ok(Stream::connect(name(harness.scratch(), "socket")?)?)
        }
    }
}

fn listener(scratch: &Scratch, what: &str) -> Result<Listener> {
    Ok(ListenerOptions::new().name(name(scratch, what)?).create_sync()?)
}

fn name(scratch: &Scratch, what: &str) -> Result<Name<'static>> {
    Ok(format!("{}{what}.sock", scratch.prefix()).to_ns_name::<GenericNamespaced>()?)
}

/// A listener, a connection to it, and one message.
pub(crate) fn set_up(harness: &mut Harness) -> Result<()> {
    harness.repeat_setup(|scratch, number| {
        let listener = listener(scratch, "set-up")?;
        let client = Stream::connect(name(scratch, "set-up")?)?;
        let server = listener.accept()?;
        let message: Words<1> = words(number);
        Bytes(&client).put(&message)?;
        check::<1>(&Bytes(&server).take()?, number)?;
        Ok((listener, client, server))
    })
}
