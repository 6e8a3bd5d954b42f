//! The mechanisms that all tests know, with the operations that carry their messages.

use ipcraft_tests::subject::SUBJECTS;

use crate::exchange::Route;

/// Mechanism, what it sends by, what it receives by.
const OPERATIONS: &[(&str, &str, &str)] = &[
    ("pipe", PIPE.0, PIPE.1),
    ("pipe_duplex", PIPE.0, PIPE.1),
    ("pipe_duplex_back", PIPE.0, PIPE.1),
    ("fifo", "fifo::Writer::write", "fifo::Reader::read"),
    ("socketpair_stream", STREAM.0, STREAM.1),
    ("socketpair_datagram", DATAGRAM.0, DATAGRAM.1),
    ("socketpair_seqpacket", SEQPACKET.0, SEQPACKET.1),
    ("unix_stream", STREAM.0, STREAM.1),
    ("unix_stream_back", STREAM.0, STREAM.1),
    ("unix_datagram", DATAGRAM.0, DATAGRAM.1),
    ("unix_seqpacket", SEQPACKET.0, SEQPACKET.1),
    ("unix_seqpacket_back", SEQPACKET.0, SEQPACKET.1),
    ("posix_queue", "queue::posix::Queue::send", "queue::posix::Queue::recv"),
    ("sysv_queue", "queue::sysv::Queue::send", "queue::sysv::Queue::recv"),
];

const PIPE: (&str, &str) = ("pipe::Writer::write", "pipe::Reader::read");
const STREAM: (&str, &str) = ("socket::stream::Stream::write", "socket::stream::Stream::read");
const DATAGRAM: (&str, &str) = ("socket::datagram::Socket::send", "socket::datagram::Socket::recv");
const SEQPACKET: (&str, &str) =
    ("socket::seqpacket::Connection::send", "socket::seqpacket::Connection::recv");

pub(crate) fn routes() -> impl Iterator<Item = Route> {
    SUBJECTS.iter().map(|subject| {
        let known = OPERATIONS.iter().find(|(name, ..)| *name == subject.name);
        let (name, sends, receives) = known.unwrap_or_else(|| panic!("what does {} wait in?", subject.name));
        Route {
            name,
            sends: std::slice::from_ref(sends),
            receives: std::slice::from_ref(receives),
            connect: &subject.connect,
        }
    })
}
