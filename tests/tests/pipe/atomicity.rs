//! Writes of at most `PIPE_BUF` bytes stay whole, between however many processes.

use ipcraft::ErrorKind;
use ipcraft::pipe::{PIPE_BUF, Reader, Writer};
use ipcraft_tests::peer::Peer;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::WaitStatus;

use crate::{ends, kind_of};

/// How many processes share an end.
const PEERS: u8 = 3;

pub(crate) fn short_writes_go_whole_or_not_at_all() {
    let (reader, writer) = ends();
    let capacity = writer.set_capacity(4 * PIPE_BUF).unwrap();
    // All but one byte: the last page has room for that one only.
    assert_eq!(writer.try_write(&vec![1; capacity - 1]).unwrap(), capacity - 1);
    assert_eq!(kind_of(writer.try_write(&[2; PIPE_BUF])), ErrorKind::Full);
    assert_eq!(reader.available().unwrap(), capacity - 1, "not a byte of it went in");
    assert_eq!(writer.try_write(&[2]).unwrap(), 1);
}

pub(crate) fn long_writes_go_in_part() {
    let (_reader, writer) = ends();
    let capacity = writer.set_capacity(4 * PIPE_BUF).unwrap();
    assert_eq!(writer.try_write(&vec![1; capacity - PIPE_BUF]).unwrap(), capacity - PIPE_BUF);
    assert_eq!(writer.try_write(&[2; 2 * PIPE_BUF]).unwrap(), PIPE_BUF);
}

pub(crate) fn many_readers_get_disjoint_whole_chunks() {
    const CHUNKS: u8 = 200;
    let ((reader, writer), (report_reader, report_writer)) = (ends(), ends());
    let mut writer = Some(writer);
    let peers: Vec<Peer> = (0..PEERS)
        .map(|_| {
            Peer::start(|| {
                writer.take();
                read_chunks(&reader, |number| assert_eq!(report_writer.write(&[number]).unwrap(), 1));
            })
        })
        .collect();
    for number in 0..CHUNKS {
        assert_eq!(writer.as_ref().unwrap().write(&[number; PIPE_BUF]).unwrap(), PIPE_BUF);
    }
    drop((writer, report_writer));
    peers.into_iter().for_each(Peer::join);

    let mut seen = vec![0; 2 * usize::from(CHUNKS)];
    let count = report_reader.read(&mut seen).unwrap();
    seen.truncate(count);
    seen.sort_unstable();
    assert_eq!(seen, (0..CHUNKS).collect::<Vec<u8>>(), "each chunk went to one reader");
}

pub(crate) fn many_writers_do_not_mix() {
    const CHUNKS: usize = 100;
    let (reader, writer) = ends();
    let peers: Vec<Peer> =
        (0..PEERS).map(|number| Peer::start(|| write_chunks(&writer, number, CHUNKS))).collect();
    drop(writer);
    let mut counts = [0; PEERS as usize];
    read_chunks(&reader, |number| counts[usize::from(number)] += 1);
    assert_eq!(counts, [CHUNKS; PEERS as usize]);
    peers.into_iter().for_each(Peer::join);
}

fn write_chunks(writer: &Writer, number: u8, chunks: usize) {
    for _ in 0..chunks {
        assert_eq!(writer.write(&[number; PIPE_BUF]).unwrap(), PIPE_BUF);
    }
}

/// Reads chunks to the end of the stream and asserts that each is all of one number.
fn read_chunks(reader: &Reader, mut each: impl FnMut(u8)) {
    let mut chunk = [0; PIPE_BUF];
    loop {
        match reader.read(&mut chunk).unwrap() {
            0 => return,
            count => assert_eq!(count, PIPE_BUF, "a whole chunk"),
        }
        assert!(chunk.iter().all(|&byte| byte == chunk[0]), "of one writer's bytes");
        each(chunk[0]);
    }
}

pub(crate) fn the_end_wakes_every_reader() {
    let (reader, writer) = ends();
    let mut writer = Some(writer);
    let waiting: Vec<Peer> = (0..PEERS)
        .map(|_| {
            Peer::start(|| {
                writer.take();
                assert_eq!(reader.read(&mut [0; 16]).unwrap(), 0);
            })
        })
        .collect();
    waiting.iter().for_each(Peer::wait_asleep);
    drop(writer);
    waiting.into_iter().for_each(Peer::join);
}

pub(crate) fn a_blocked_writer_can_be_killed() {
    let (_reader, writer) = ends();
    let mut peer = Peer::start(|| while writer.write(&[0; PIPE_BUF]).is_ok() {});
    peer.wait_asleep();
    kill(peer.pid(), Signal::SIGKILL).unwrap();
    assert_eq!(peer.wait().unwrap(), WaitStatus::Signaled(peer.pid(), Signal::SIGKILL, false));
}
