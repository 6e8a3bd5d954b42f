//! Sockets beyond plain sending and receiving: connections, addresses, batches, and what travels
//! beside the bytes.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use ipcraft::socket::datagram::{self, Socket};
use ipcraft::socket::seqpacket::{self, Connection};
use ipcraft::socket::stream::{self, Stream};
use ipcraft::socket::{Address, Ancillary, Incoming, Options, Outgoing, Records};
use ipcraft::{Result, pipe};
use ipcraft_tests::subject::{Ends, Form, Receiver, Sender};

use crate::exchange::{CHUNK, Route};

pub(crate) const ROUTES: &[Route] = &[
    Route {
        name: "stream_connections",
        sends: &["socket::stream::Stream::connect"],
        receives: &["socket::stream::Listener::accept"],
        connect: &|directory| {
            let path = directory.join("socket");
            let listener = Options::new().backlog(0).listen_stream(path.as_path()).unwrap();
            Ends::new(StreamClient(path.into()), StreamServer(listener))
        },
    },
    Route {
        name: "seqpacket_connections",
        sends: &["socket::seqpacket::Connection::connect"],
        receives: &["socket::seqpacket::Listener::accept"],
        connect: &|directory| {
            let path = directory.join("socket");
            let listener = Options::new().backlog(0).listen_seqpacket(path.as_path()).unwrap();
            Ends::new(SeqpacketClient(path.into()), SeqpacketServer(listener))
        },
    },
    Route {
        name: "datagram_addresses",
        sends: &["socket::datagram::Socket::send_to"],
        receives: &["socket::datagram::Socket::recv_from"],
        connect: &|directory| {
            let (sender, receiver, address) = addressed(directory);
            Ends::new(Addressed(sender, address), From(receiver))
        },
    },
    Route {
        name: "datagram_messages_to_addresses",
        sends: &["socket::Ancillary::send_message"],
        receives: &["socket::Ancillary::recv_message"],
        connect: &|directory| {
            let (sender, receiver, address) = addressed(directory);
            Ends::new(Messages(sender, Some(address)), Messages(receiver, None))
        },
    },
    Route {
        name: "stream_messages",
        sends: &["socket::Ancillary::send_message"],
        receives: &["socket::Ancillary::recv_message"],
        connect: &|_| {
            let (left, right) = stream::pair().unwrap();
            Ends::new(Messages(left, None), Messages(right, None))
        },
    },
    Route {
        name: "datagram_batches",
        sends: &["socket::Records::send_many"],
        receives: &["socket::Records::recv_many"],
        connect: &|_| {
            let (left, right) = datagram::pair().unwrap();
            Ends::new(Batches(left), Batches(right))
        },
    },
    Route {
        name: "seqpacket_batches",
        sends: &["socket::Records::send_many"],
        receives: &["socket::Records::recv_many"],
        connect: &|_| {
            let (left, right) = seqpacket::pair().unwrap();
            Ends::new(Batches(left), Batches(right))
        },
    },
    Route {
        name: "stream_descriptors",
        sends: DESCRIPTORS.0,
        receives: DESCRIPTORS.1,
        connect: &|_| {
            let (left, right) = stream::pair().unwrap();
            Ends::new(Descriptors(left), Descriptors(right))
        },
    },
    Route {
        name: "datagram_descriptors",
        sends: DESCRIPTORS.0,
        receives: DESCRIPTORS.1,
        connect: &|_| {
            let (left, right) = datagram::pair().unwrap();
            Ends::new(Descriptors(left), Descriptors(right))
        },
    },
    Route {
        name: "seqpacket_descriptors",
        sends: DESCRIPTORS.0,
        receives: DESCRIPTORS.1,
        connect: &|_| {
            let (left, right) = seqpacket::pair().unwrap();
            Ends::new(Descriptors(left), Descriptors(right))
        },
    },
];

const DESCRIPTORS: (&[&str], &[&str]) =
    (&["socket::Ancillary::send_descriptors"], &["socket::Ancillary::recv_descriptors"]);

fn addressed(directory: &Path) -> (Socket, Socket, Address) {
    let address = Address::from(directory.join("socket"));
    (Socket::unbound().unwrap(), Socket::bind(&address).unwrap(), address)
}

/// Makes a connection for each message.
struct StreamClient(Address);

impl Sender for StreamClient {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        let connection = match form {
            Form::Wait => Stream::connect(&self.0),
            Form::Try => Stream::try_connect(&self.0),
            Form::Within(timeout) => Stream::connect_timeout(&self.0, timeout),
        }?;
        assert_eq!(connection.write(message)?, message.len(), "there is room for it");
        Ok(message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Takes a connection for each message.
struct StreamServer(stream::Listener);

impl Receiver for StreamServer {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let connection = match form {
            Form::Wait => self.0.accept(),
            Form::Try => self.0.try_accept(),
            Form::Within(timeout) => self.0.accept_timeout(timeout),
        }?;
        let mut filled = 0;
        loop {
            match connection.read(&mut buffer[filled..])? {
                0 => return Ok(Some(filled)),
                count => filled += count,
            }
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

/// Likewise.
struct SeqpacketClient(Address);

impl Sender for SeqpacketClient {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        let connection = match form {
            Form::Wait => Connection::connect(&self.0),
            Form::Try => Connection::try_connect(&self.0),
            Form::Within(timeout) => Connection::connect_timeout(&self.0, timeout),
        }?;
        connection.send(message)?;
        Ok(message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Likewise.
struct SeqpacketServer(seqpacket::Listener);

impl Receiver for SeqpacketServer {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let connection = match form {
            Form::Wait => self.0.accept(),
            Form::Try => self.0.try_accept(),
            Form::Within(timeout) => self.0.accept_timeout(timeout),
        }?;
        let length = connection.recv(buffer)?;
        assert_eq!(connection.recv(&mut [0; 8])?, None, "one message for each connection");
        Ok(length)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

/// Sends to an address, without a connection.
struct Addressed(Socket, Address);

impl Sender for Addressed {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        match form {
            Form::Wait => self.0.send_to(message, &self.1),
            Form::Try => self.0.try_send_to(message, &self.1),
            Form::Within(timeout) => self.0.send_to_timeout(message, &self.1, timeout),
        }
        .map(|()| message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

/// Receives with the address of the sender.
struct From(Socket);

impl Receiver for From {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let (length, sender) = match form {
            Form::Wait => self.0.recv_from(buffer),
            Form::Try => self.0.try_recv_from(buffer),
            Form::Within(timeout) => self.0.recv_from_timeout(buffer, timeout),
        }?;
        assert!(sender.is_unnamed());
        Ok(Some(length))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

/// Sends messages in two parts, and receives them likewise.
struct Messages<S>(S, Option<Address>);

impl<S: Ancillary> Sender for Messages<S> {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        let (head, rest) = message.split_at(message.len() / 3);
        let parts = [IoSlice::new(head), IoSlice::new(rest)];
        let message = match &self.1 {
            Some(address) => Outgoing::new(&parts).to(address),
            None => Outgoing::new(&parts),
        };
        match form {
            Form::Wait => self.0.send_message(&message),
            Form::Try => self.0.try_send_message(&message),
            Form::Within(timeout) => self.0.send_message_timeout(&message, timeout),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

impl<S: Ancillary> Receiver for Messages<S> {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let (head, rest) = buffer.split_at_mut(buffer.len() / 2);
        let mut parts = [IoSliceMut::new(head), IoSliceMut::new(rest)];
        let mut incoming = Incoming::new();
        match form {
            Form::Wait => self.0.recv_message(&mut parts, &mut incoming),
            Form::Try => self.0.try_recv_message(&mut parts, &mut incoming),
            Form::Within(timeout) => self.0.recv_message_timeout(&mut parts, &mut incoming, timeout),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

/// Cuts each message into records, and sends and receives as many of them per call as it may.
struct Batches<S>(S);

const RECORD: usize = CHUNK / 8;

impl<S: Records> Sender for Batches<S> {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        let records: Vec<&[u8]> = message.chunks(RECORD).collect();
        match form {
            Form::Wait => self.0.send_many(&records),
            Form::Try => self.0.try_send_many(&records),
            Form::Within(timeout) => self.0.send_many_timeout(&records, timeout),
        }
        .map(|count| count * RECORD)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

impl<S: Records> Receiver for Batches<S> {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let mut buffers: Vec<_> = buffer.chunks_mut(RECORD).map(IoSliceMut::new).collect();
        let batch = match form {
            Form::Wait => self.0.recv_many(&mut buffers),
            Form::Try => self.0.try_recv_many(&mut buffers),
            Form::Within(timeout) => self.0.recv_many_timeout(&mut buffers, timeout),
        }?;
        assert!(batch.records(&buffers).all(|record| record.is_ok_and(|record| record.len() == RECORD)));
        Ok(Some(batch.len() * RECORD))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

/// Sends a descriptor beside each message: of a pipe that holds the message's first bytes.
struct Descriptors<S>(S);

const HEAD: usize = 8;

impl<S: Ancillary> Sender for Descriptors<S> {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        let (reader, writer) = pipe::pipe()?;
        writer.write(&message[..HEAD])?;
        let descriptors = [reader.as_fd()];
        match form {
            Form::Wait => self.0.send_descriptors(message, &descriptors),
            Form::Try => self.0.try_send_descriptors(message, &descriptors),
            Form::Within(timeout) => self.0.send_descriptors_timeout(message, &descriptors, timeout),
        }
        .inspect(|&taken| assert_eq!(taken, message.len(), "it is short enough to go whole"))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

impl<S: Ancillary> Receiver for Descriptors<S> {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        let received = match form {
            Form::Wait => self.0.recv_descriptors(buffer, 1),
            Form::Try => self.0.try_recv_descriptors(buffer, 1),
            Form::Within(timeout) => self.0.recv_descriptors_timeout(buffer, 1, timeout),
        }?;
        let Some((length, mut descriptors)) = received else { return Ok(None) };
        let reader = pipe::Reader::from(descriptors.pop().expect("a descriptor beside each message"));
        let mut head = [0; HEAD];
        assert_eq!(reader.read(&mut head)?, HEAD);
        assert_eq!(head, buffer[..HEAD], "the message's own descriptor");
        Ok(Some(length))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}
