//! The kinds with messages of a fixed type: one sender and receiver, a work queue, and broadcasts.

use std::marker::PhantomData;
use std::os::fd::OwnedFd;

use ipcraft::channel::broadcast::Overflow;
use ipcraft::channel::{Reactor, Registration, WaitStrategy, broadcast, mpmc, spsc};
use ipcraft::{Error, Result};

use super::{ChannelKind, Config, Held, Numbered, Queries, RecvWay, SendWay, endpoints, queries};
use crate::subject::Form;

/// The subscribers that a broadcast has room for.
const SUBSCRIBERS: usize = 4;

/// Implements [`ChannelKind`] for a kind whose endpoints have the functions of `spsc`.
macro_rules! typed_kind {
    (
        $(#[$doc:meta])*
        $kind:ident, $name:literal, $module:ident,
        $sender:ident = $make_sender:ident, $receiver:ident = $make_receiver:ident,
        $configure:expr,
        in_place: $in_place:expr, drain: $drain:expr,
        constants: { $($constants:item)* }
        recvs: [$($recv:expr),*]
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $kind<M>(PhantomData<M>);

        impl<M: Numbered + 'static> $kind<M> {
            fn options(config: Config) -> $module::Options<M> {
                let Config { capacity, initial_position } = config;
                $configure($module::Options::new().capacity(capacity).initial_position(initial_position))
            }

            fn send(sender: &mut $module::$sender<M>, messages: &[M], form: Form) -> Result<()> {
                for message in messages {
                    let message = message.clone();
                    match form {
                        Form::Wait => sender.send(message),
                        Form::Try => sender.try_send(message),
                        Form::Within(timeout) => sender.send_timeout(message, timeout),
                    }?;
                }
                Ok(())
            }

            fn send_all(sender: &mut $module::$sender<M>, messages: &[M], form: Form) -> Result<()> {
                match form {
                    Form::Wait => sender.send_all(messages),
                    Form::Try => sender.try_send_all(messages),
                    Form::Within(timeout) => sender.send_all_timeout(messages, timeout),
                }?;
                Ok(())
            }

            fn loan(sender: &mut $module::$sender<M>, form: Form) -> Result<$module::Loan<'_, M>> {
                match form {
                    Form::Wait => sender.loan(),
                    Form::Try => sender.try_loan(),
                    Form::Within(timeout) => sender.loan_timeout(timeout),
                }
            }

            /// Writes the first half, and then the rest.
            fn loan_write(sender: &mut $module::$sender<M>, messages: &[M], form: Form) -> Result<()> {
                let mut loan = Self::loan(sender, form)?;
                messages[0].with_bytes(|bytes| {
                    let middle = bytes.len() / 2;
                    loan.write_at(0, &bytes[..middle])?;
                    loan.write_at(middle, &bytes[middle..])
                })?;
                loan.commit();
                Ok(())
            }

            fn loan_set(sender: &mut $module::$sender<M>, messages: &[M], form: Form) -> Result<()> {
                let mut loan = Self::loan(sender, form)?;
                loan.set(&messages[0]);
                loan.commit();
                Ok(())
            }

            fn loan_drop(sender: &mut $module::$sender<M>, messages: &[M], form: Form) -> Result<()> {
                Self::loan(sender, form)?.set(&messages[0]);
                Ok(())
            }

            fn recv(
                receiver: &mut $module::$receiver<M>,
                form: Form,
                each: &mut dyn FnMut(M),
            ) -> Result<()> {
                each(match form {
                    Form::Wait => receiver.recv(),
                    Form::Try => receiver.try_recv(),
                    Form::Within(timeout) => receiver.recv_timeout(timeout),
                }?);
                Ok(())
            }

            fn recv_in_place(
                receiver: &mut $module::$receiver<M>,
                form: Form,
                each: &mut dyn FnMut(M),
            ) -> Result<()> {
                let message = match form {
                    Form::Wait => receiver.recv_in_place(),
                    Form::Try => receiver.try_recv_in_place(),
                    Form::Within(timeout) => receiver.recv_in_place_timeout(timeout),
                }?;
                message.read_at(message.len() - 1, &mut [0])?;
                each(message.get()?);
                Ok(())
            }

            fn drain(
                receiver: &mut $module::$receiver<M>,
                _form: Form,
                each: &mut dyn FnMut(M),
            ) -> Result<()> {
                for message in receiver.drain() {
                    each(message.map_err(Error::from)?);
                }
                Ok(())
            }
        }

        impl<M: Numbered + 'static> ChannelKind for $kind<M> {
            const NAME: &'static str = $name;
            const SENDER: &'static str =
                concat!("channel::", stringify!($module), "::", stringify!($sender));
            const RECEIVER: &'static str =
                concat!("channel::", stringify!($module), "::", stringify!($receiver));
            $($constants)*

            type Message = M;

            endpoints!(
                $module::Channel<M>,
                $module::$sender<M> = $make_sender,
                $module::$receiver<M> = $make_receiver
            );

            fn register_sender(sender: &Self::Sender, reactor: &Reactor) -> Result<Option<Registration>> {
        sender.register(reactor).map(Some)
    }

    fn set_sender_strategy(sender: &mut Self::Sender, strategy: WaitStrategy) {
                sender.set_wait_strategy(strategy);
            }

            fn query_sender(sender: &Self::Sender) -> Queries {
                queries!(sender, len: Some(sender.len()), is_empty: Some(sender.is_empty()), is_full: Some(sender.is_full()), strategy: Some(sender.wait_strategy()))
            }

            fn query_receiver(receiver: &Self::Receiver) -> Queries {
                queries!(receiver, len: Some(receiver.len()), is_empty: Some(receiver.is_empty()), is_full: Some(receiver.is_full()), strategy: Some(receiver.wait_strategy()))
            }

            const SENDS: &'static [SendWay<Self>] = &[
                SendWay { name: "send", function: "send", batch: 1, commits: true, send: Self::send },
                SendWay { name: "send_all", function: "send_all", batch: 3, commits: true, send: Self::send_all },
                SendWay { name: "loan_write", function: "loan", batch: 1, commits: true, send: Self::loan_write },
                SendWay { name: "loan_set", function: "loan", batch: 1, commits: true, send: Self::loan_set },
                SendWay { name: "loan_drop", function: "loan", batch: 1, commits: false, send: Self::loan_drop },
            ];

            const RECVS: &'static [RecvWay<Self>] = &[
                RecvWay {
                    name: "recv",
                    function: "recv",
                    takes_all: false,
                    held: Held::Lost,
                    recv: Self::recv,
                },
                RecvWay {
                    name: "recv_in_place",
                    function: "recv_in_place",
                    takes_all: false,
                    held: $in_place,
                    recv: Self::recv_in_place,
                },
                RecvWay { name: "drain", function: "", takes_all: true, held: $drain, recv: Self::drain },
                $($recv),*
            ];
        }
    };
}

typed_kind! {
    /// One sender and one receiver.
    Spsc, "spsc", spsc, Sender = sender, Receiver = receiver,
    |options| options,
    in_place: Held::Redelivered, drain: Held::Redelivered,
    constants: { const DELIVERS_INLINE: bool = true; }
    recvs: [RecvWay {
        name: "recv_many",
        function: "recv_many",
        takes_all: true,
        held: Held::BatchLost,
        recv: recv_many,
    }]
}

typed_kind! {
    /// A work queue: each message for one of several receivers.
    Mpmc, "mpmc", mpmc, Sender = sender, Receiver = receiver,
    |options| options,
    in_place: Held::Redelivered, drain: Held::Lost,
    constants: { const REORDERS: bool = true; }
    recvs: []
}

typed_kind! {
    /// Each message for every subscriber; a full channel blocks the publisher.
    Broadcast, "broadcast", broadcast, Publisher = publisher, Subscriber = subscriber,
    |options: broadcast::Options<M>| options.subscribers(SUBSCRIBERS),
    in_place: Held::Lost, drain: Held::Lost,
    constants: { const JOINS_LATE: bool = true; }
    recvs: []
}

typed_kind! {
    /// Each message for every subscriber; a full channel overwrites what a slow subscriber has not
    /// received.
    OverwritingBroadcast, "overwriting_broadcast", broadcast, Publisher = publisher, Subscriber = subscriber,
    |options: broadcast::Options<M>| options.subscribers(SUBSCRIBERS).overflow(Overflow::Overwrite),
    in_place: Held::Lost, drain: Held::Lost,
    constants: {
        const JOINS_LATE: bool = true;
        const BLOCKS_WHEN_FULL: bool = false;
    }
    recvs: []
}

fn recv_many<M: Numbered>(
    receiver: &mut spsc::Receiver<M>,
    form: Form,
    each: &mut dyn FnMut(M),
) -> Result<()> {
    let mut messages: [M; 3] = std::array::from_fn(|_| M::numbered(0));
    let count = match form {
        Form::Wait => receiver.recv_many(&mut messages),
        Form::Try => receiver.try_recv_many(&mut messages),
        Form::Within(timeout) => receiver.recv_many_timeout(&mut messages, timeout),
    }?;
    messages[..count].iter().cloned().for_each(each);
    Ok(())
}
