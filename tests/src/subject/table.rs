//! The table of mechanisms.

use std::path::Path;

use ipcraft::ErrorKind;
use ipcraft::fifo::Fifo;
use ipcraft::pipe;
use ipcraft::socket::{datagram, seqpacket, stream};

use super::{Ends, LongRecord, Subject, queues};

/// Every mechanism, and again backwards where the two directions are not made alike.
pub static SUBJECTS: &[Subject] = &[
    Subject { name: "pipe", connect: pipe, ..STREAM },
    Subject { name: "pipe_duplex", connect: duplex, ..STREAM },
    Subject { name: "pipe_duplex_back", connect: duplex_back, ..STREAM },
    Subject { name: "fifo", connect: fifo, ..STREAM },
    Subject { name: "socketpair_stream", connect: socketpair_stream, ..STREAM },
    Subject { name: "socketpair_datagram", connect: socketpair_datagram, ..DATAGRAMS },
    Subject { name: "socketpair_seqpacket", connect: socketpair_seqpacket, ..RECORDS },
    Subject { name: "unix_stream", connect: unix_stream, ..STREAM },
    Subject { name: "unix_stream_back", connect: unix_stream_back, ..STREAM },
    Subject { name: "unix_datagram", connect: unix_datagram, ..DATAGRAMS },
    Subject { name: "unix_seqpacket", connect: unix_seqpacket, ..RECORDS },
    Subject { name: "unix_seqpacket_back", connect: unix_seqpacket_back, ..RECORDS },
    Subject { name: "posix_queue", connect: queues::posix, long_record: LongRecord::Impossible, ..QUEUE },
    Subject { name: "sysv_queue", connect: queues::sysv, ..QUEUE },
];

/// What the byte streams have in common.
const STREAM: Subject = Subject {
    name: "",
    records: false,
    ends: true,
    gone: Some(ErrorKind::Disconnected),
    long_record: LongRecord::Cut,
    connect: pipe,
};
/// Records over a connection.
const RECORDS: Subject = Subject { records: true, ..STREAM };
/// Records without a connection, so that a receiver does not notice that no sender is left.
const DATAGRAMS: Subject = Subject { ends: false, ..RECORDS };
/// Records that wait in the kernel, whichever processes exist.
const QUEUE: Subject = Subject { gone: None, long_record: LongRecord::Stays, ..DATAGRAMS };

fn pipe(_: &Path) -> Ends {
    let (reader, writer) = pipe::pipe().unwrap();
    Ends::new(writer, reader)
}

fn duplex(_: &Path) -> Ends {
    let (left, right) = pipe::duplex().unwrap();
    Ends::new(left, right)
}

fn duplex_back(_: &Path) -> Ends {
    let (left, right) = pipe::duplex().unwrap();
    Ends::new(right, left)
}

fn fifo(directory: &Path) -> Ends {
    let fifo = Fifo::create_new(directory.join("fifo")).unwrap();
    let reader = fifo.try_open_read().unwrap();
    Ends::new(fifo.try_open_write().unwrap(), reader)
}

fn socketpair_stream(_: &Path) -> Ends {
    let (left, right) = stream::pair().unwrap();
    Ends::new(left, right)
}

fn socketpair_datagram(_: &Path) -> Ends {
    let (left, right) = datagram::pair().unwrap();
    Ends::new(left, right)
}

fn socketpair_seqpacket(_: &Path) -> Ends {
    let (left, right) = seqpacket::pair().unwrap();
    Ends::new(left, right)
}

fn unix_stream(directory: &Path) -> Ends {
    let (client, server) = stream_ends(directory);
    Ends::new(client, server)
}

fn unix_stream_back(directory: &Path) -> Ends {
    let (client, server) = stream_ends(directory);
    Ends::new(server, client)
}

fn stream_ends(directory: &Path) -> (stream::Stream, stream::Stream) {
    let path = directory.join("stream");
    let listener = stream::Listener::bind(path.as_path()).unwrap();
    (stream::Stream::connect(path).unwrap(), listener.accept().unwrap())
}

fn unix_datagram(directory: &Path) -> Ends {
    let path = directory.join("datagram");
    let receiver = datagram::Socket::bind(path.as_path()).unwrap();
    let sender = datagram::Socket::unbound().unwrap();
    sender.connect(path).unwrap();
    Ends::new(sender, receiver)
}

fn unix_seqpacket(directory: &Path) -> Ends {
    let (client, server) = seqpacket_ends(directory);
    Ends::new(client, server)
}

fn unix_seqpacket_back(directory: &Path) -> Ends {
    let (client, server) = seqpacket_ends(directory);
    Ends::new(server, client)
}

fn seqpacket_ends(directory: &Path) -> (seqpacket::Connection, seqpacket::Connection) {
    let path = directory.join("seqpacket");
    let listener = seqpacket::Listener::bind(path.as_path()).unwrap();
    (seqpacket::Connection::connect(path).unwrap(), listener.accept().unwrap())
}
