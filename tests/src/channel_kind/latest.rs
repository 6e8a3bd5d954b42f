//! The newest value.

use std::marker::PhantomData;
use std::os::fd::OwnedFd;

use ipcraft::Result;
use ipcraft::channel::latest::{Channel, Options, Reader, Writer};
use ipcraft::channel::{Reactor, Registration, WaitStrategy};

use super::{ChannelKind, Config, Extra, Held, Numbered, Queries, RecvWay, SendWay, endpoints, queries};
use crate::subject::Form;

/// A value that its writer replaces, and readers of the newest one.
#[derive(Debug)]
pub struct Latest<M>(PhantomData<M>);

impl<M: Numbered + 'static> Latest<M> {
    fn options(config: Config) -> Options<M> {
        Options::new().capacity(config.capacity).initial_position(config.initial_position)
    }

    fn store(writer: &mut Writer<M>, messages: &[M], _form: Form) -> Result<()> {
        messages.iter().for_each(|message| writer.store(message.clone()));
        Ok(())
    }

    /// Writes the first half, and then the rest.
    fn loan_write(writer: &mut Writer<M>, messages: &[M], _form: Form) -> Result<()> {
        let mut loan = writer.loan();
        messages[0].with_bytes(|bytes| {
            let middle = bytes.len() / 2;
            loan.write_at(0, &bytes[..middle])?;
            loan.write_at(middle, &bytes[middle..])
        })?;
        loan.commit();
        Ok(())
    }

    fn loan_set(writer: &mut Writer<M>, messages: &[M], _form: Form) -> Result<()> {
        let mut loan = writer.loan();
        loan.set(&messages[0]);
        loan.commit();
        Ok(())
    }

    fn loan_drop(writer: &mut Writer<M>, messages: &[M], _form: Form) -> Result<()> {
        writer.loan().set(&messages[0]);
        Ok(())
    }

    fn changed(reader: &mut Reader<M>, form: Form, each: &mut dyn FnMut(M)) -> Result<()> {
        let snapshot = match form {
            Form::Wait => reader.changed(),
            Form::Try => reader.try_changed(),
            Form::Within(timeout) => reader.changed_timeout(timeout),
        }?;
        each(snapshot.value);
        Ok(())
    }

    fn load(reader: &mut Reader<M>, _choice: u8, _form: Form) -> Result<()> {
        reader.load().map(drop)
    }

    fn load_in_place(reader: &mut Reader<M>, _choice: u8, _form: Form) -> Result<()> {
        let value = reader.load_in_place()?;
        value.read_at(0, &mut [0])?;
        value.get().map(drop)
    }
}

impl<M: Numbered + 'static> ChannelKind for Latest<M> {
    const NAME: &'static str = "latest";
    const SENDER: &'static str = "channel::latest::Writer";
    const RECEIVER: &'static str = "channel::latest::Reader";
    const BLOCKS_WHEN_FULL: bool = false;
    const DELIVERS_ALL: bool = false;

    type Message = M;

    endpoints!(Channel<M>, Writer<M> = writer, Reader<M> = reader);

    fn query_sender(sender: &Self::Sender) -> Queries {
        queries!(sender, len: None, is_empty: None, is_full: None, strategy: None)
    }

    fn query_receiver(receiver: &Self::Receiver) -> Queries {
        queries!(receiver, len: None, is_empty: None, is_full: None, strategy: Some(receiver.wait_strategy()))
    }

    const SENDS: &'static [SendWay<Self>] = &[
        SendWay { name: "store", function: "", batch: 1, commits: true, send: Self::store },
        SendWay { name: "loan_write", function: "", batch: 1, commits: true, send: Self::loan_write },
        SendWay { name: "loan_set", function: "", batch: 1, commits: true, send: Self::loan_set },
        SendWay { name: "loan_drop", function: "", batch: 1, commits: false, send: Self::loan_drop },
    ];

    const RECVS: &'static [RecvWay<Self>] = &[RecvWay {
        name: "changed",
        function: "changed",
        takes_all: false,
        held: Held::Lost,
        recv: Self::changed,
    }];

    const RECEIVER_EXTRAS: &'static [Extra<Reader<M>>] = &[Self::load, Self::load_in_place];
}
