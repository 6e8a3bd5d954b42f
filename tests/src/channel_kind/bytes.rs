//! One sender and one receiver of records, which may have any length.

use std::io::IoSlice;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;

use ipcraft::channel::spsc::bytes::{Channel, Loan, Options, Receiver, Sender};
use ipcraft::channel::{Payload, Reactor, Registration, WaitStrategy};
use ipcraft::{Error, Result};

use super::{ChannelKind, Config, Extra, Held, Numbered, Queries, RecvWay, SendWay, endpoints, queries};
use crate::subject::Form;

/// What a record takes besides its bytes, at most.
const RECORD_OVERHEAD: usize = 64;

/// Records that hold the bytes of a message.
#[derive(Debug)]
pub struct Bytes<M>(PhantomData<M>);

impl<M: Numbered + 'static> Bytes<M> {
    fn options(config: Config) -> Options {
        let capacity = config.capacity * (size_of::<M>() + RECORD_OVERHEAD);
        Options::new().capacity(capacity).initial_position(config.initial_position)
    }

    fn send(sender: &mut Sender, messages: &[M], form: Form) -> Result<()> {
        messages.iter().try_for_each(|message| message.with_bytes(|record| send(sender, record, form)))
    }

    fn send_vectored(sender: &mut Sender, messages: &[M], form: Form) -> Result<()> {
        messages[0].with_bytes(|record| {
            let (head, tail) = record.split_at(record.len() / 3);
            let parts = [IoSlice::new(head), IoSlice::new(tail)];
            match form {
                Form::Wait => sender.send_vectored(&parts),
                Form::Try => sender.try_send_vectored(&parts),
                Form::Within(timeout) => sender.send_vectored_timeout(&parts, timeout),
            }
        })
    }

    fn send_all(sender: &mut Sender, messages: &[M], form: Form) -> Result<()> {
        let records: Vec<Vec<u8>> =
            messages.iter().map(|message| message.with_bytes(<[u8]>::to_vec)).collect();
        match form {
            Form::Wait => sender.send_all(&records),
            Form::Try => sender.try_send_all(&records),
            Form::Within(timeout) => sender.send_all_timeout(&records, timeout),
        }?;
        Ok(())
    }

    /// Writes the first half, and then the rest.
    fn loan_write(sender: &mut Sender, messages: &[M], form: Form) -> Result<()> {
        messages[0].with_bytes(|record| {
            let middle = record.len() / 2;
            let mut loan = loan(sender, record.len(), form)?;
            loan.write_at(0, &record[..middle])?;
            loan.write_at(middle, &record[middle..])?;
            loan.commit();
            Ok(())
        })
    }

    /// Asks for more room than the record needs.
    fn loan_commit_len(sender: &mut Sender, messages: &[M], form: Form) -> Result<()> {
        messages[0].with_bytes(|record| {
            let mut loan = loan(sender, 2 * record.len(), form)?;
            loan.fill(0xff);
            loan.write_at(0, record)?;
            loan.commit_len(record.len())
        })
    }

    fn loan_drop(sender: &mut Sender, messages: &[M], form: Form) -> Result<()> {
        messages[0].with_bytes(|record| loan(sender, record.len(), form)?.write_at(0, record))
    }

    fn recv(receiver: &mut Receiver, form: Form, each: &mut dyn FnMut(M)) -> Result<()> {
        let mut record = Vec::new();
        match form {
            Form::Wait => receiver.recv(&mut record),
            Form::Try => receiver.try_recv(&mut record),
            Form::Within(timeout) => receiver.recv_timeout(&mut record, timeout),
        }?;
        each(whole(&record));
        Ok(())
    }

    fn recv_into(receiver: &mut Receiver, form: Form, each: &mut dyn FnMut(M)) -> Result<()> {
        let mut buffer = vec![0; size_of::<M>()];
        let length = match form {
            Form::Wait => receiver.recv_into(&mut buffer),
            Form::Try => receiver.try_recv_into(&mut buffer),
            Form::Within(timeout) => receiver.recv_into_timeout(&mut buffer, timeout),
        }?;
        each(whole(&buffer[..length]));
        Ok(())
    }

    fn recv_in_place(receiver: &mut Receiver, form: Form, each: &mut dyn FnMut(M)) -> Result<()> {
        let record = match form {
            Form::Wait => receiver.recv_in_place(),
            Form::Try => receiver.try_recv_in_place(),
            Form::Within(timeout) => receiver.recv_in_place_timeout(timeout),
        }?;
        each(whole(&read(&record)?));
        Ok(())
    }

    fn drain(receiver: &mut Receiver, _form: Form, each: &mut dyn FnMut(M)) -> Result<()> {
        let mut result = Ok(());
        receiver.for_each_available(|record| match read(record) {
            Ok(record) => each(whole(&record)),
            Err(error) => result = Err(error),
        })?;
        result
    }
}

fn send(sender: &mut Sender, record: &[u8], form: Form) -> Result<()> {
    match form {
        Form::Wait => sender.send(record),
        Form::Try => sender.try_send(record),
        Form::Within(timeout) => sender.send_timeout(record, timeout),
    }
}

fn loan(sender: &mut Sender, length: usize, form: Form) -> Result<Loan<'_>> {
    match form {
        Form::Wait => sender.loan(length),
        Form::Try => sender.try_loan(length),
        Form::Within(timeout) => sender.loan_timeout(length, timeout),
    }
}

fn read(record: &Payload<'_>) -> Result<Vec<u8>> {
    let mut bytes = vec![0; record.len()];
    record.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// The message that a record holds, or else one that no process sent.
fn whole<M: Numbered>(record: &[u8]) -> M {
    M::from_bytes(record).unwrap_or_else(|| M::numbered(u64::MAX))
}

/// Records of other lengths, among them one that is too long.
fn send_any_length(sender: &mut Sender, choice: u8, form: Form) -> Result<()> {
    let record = vec![choice; usize::from(choice) * 5];
    match choice % 3 {
        0 => send(sender, &record, form),
        1 => sender.try_send_all(&[&record[..], b"", b"tail"]).map_err(Error::from),
        _ => {
            let mut loan = loan(sender, record.len(), form)?;
            loan.write_at(0, &record)?;
            loan.commit_len(record.len() / 2)
        }
    }
}

/// A buffer that is shorter than most records.
fn recv_into_short_buffer(receiver: &mut Receiver, _choice: u8, _form: Form) -> Result<()> {
    receiver.try_recv_into(&mut [0; 16]).map(drop)
}

impl<M: Numbered + 'static> ChannelKind for Bytes<M> {
    const NAME: &'static str = "bytes";
    const SENDER: &'static str = "channel::spsc::bytes::Sender";
    const RECEIVER: &'static str = "channel::spsc::bytes::Receiver";

    const SWEEP_STRIDE: u64 = 3;

    type Message = M;

    endpoints!(Channel, Sender = sender, Receiver = receiver);

    fn register_sender(sender: &Self::Sender, reactor: &Reactor) -> Result<Option<Registration>> {
        sender.register(reactor).map(Some)
    }

    fn set_sender_strategy(sender: &mut Self::Sender, strategy: WaitStrategy) {
        sender.set_wait_strategy(strategy);
    }

    fn query_sender(sender: &Self::Sender) -> Queries {
        queries!(sender, len: Some(sender.len()), is_empty: Some(sender.is_empty()), is_full: None, strategy: Some(sender.wait_strategy()))
    }

    fn query_receiver(receiver: &Self::Receiver) -> Queries {
        queries!(receiver, len: Some(receiver.len()), is_empty: Some(receiver.is_empty()), is_full: None, strategy: Some(receiver.wait_strategy()))
    }

    const SENDS: &'static [SendWay<Self>] = &[
        SendWay { name: "send", function: "send", batch: 1, commits: true, send: Self::send },
        SendWay {
            name: "send_vectored",
            function: "send_vectored",
            batch: 1,
            commits: true,
            send: Self::send_vectored,
        },
        SendWay { name: "send_all", function: "send_all", batch: 3, commits: true, send: Self::send_all },
        SendWay { name: "loan_write", function: "loan", batch: 1, commits: true, send: Self::loan_write },
        SendWay {
            name: "loan_commit_len",
            function: "loan",
            batch: 1,
            commits: true,
            send: Self::loan_commit_len,
        },
        SendWay { name: "loan_drop", function: "loan", batch: 1, commits: false, send: Self::loan_drop },
    ];

    const RECVS: &'static [RecvWay<Self>] = &[
        RecvWay { name: "recv", function: "recv", takes_all: false, held: Held::Lost, recv: Self::recv },
        RecvWay {
            name: "recv_into",
            function: "recv_into",
            takes_all: false,
            held: Held::Lost,
            recv: Self::recv_into,
        },
        RecvWay {
            name: "recv_in_place",
            function: "recv_in_place",
            takes_all: false,
            held: Held::Redelivered,
            recv: Self::recv_in_place,
        },
        RecvWay { name: "drain", function: "", takes_all: true, held: Held::Redelivered, recv: Self::drain },
    ];

    const SENDER_EXTRAS: &'static [Extra<Sender>] = &[send_any_length];
    const RECEIVER_EXTRAS: &'static [Extra<Receiver>] = &[recv_into_short_buffer];
}
