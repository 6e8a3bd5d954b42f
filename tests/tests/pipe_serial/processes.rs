//! A pipe whose ends are shared by several processes.

use ipcraft::pipe::{PIPE_BUF, Reader, Writer};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::WaitStatus;

use crate::ends;

/// The number of processes that share an end.
const PEERS: u8 = 3;

#[serial_test]
fn read_by_many_processes_returns_whole_chunks() {
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

#[serial_test]
fn write_by_many_processes_never_interleaves() {
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

/// Reads chunks to the end of the stream and asserts that each consists of one number.
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

#[serial_test]
fn drop_of_last_writer_wakes_every_reader() {
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

#[serial_test]
fn sigkill_ends_a_blocked_writer() {
    let (_reader, writer) = ends();
    let mut peer = Peer::start(|| while writer.write(&[0; PIPE_BUF]).is_ok() {});
    peer.wait_asleep();
    kill(peer.pid(), Signal::SIGKILL).unwrap();
    assert_eq!(peer.wait().unwrap(), WaitStatus::Signaled(peer.pid(), Signal::SIGKILL, false));
}

#[serial_test]
fn splice_static_reaches_another_process() {
    const LENGTH: usize = 3 * PIPE_BUF + 5;
    static BYTES: [u8; LENGTH] = [7; LENGTH];
    let (reader, writer) = ends();
    let mut writer = Some(writer);
    let peer = Peer::start(|| {
        writer.take();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut &reader, &mut bytes).unwrap();
        assert!(bytes == [7; 3 * LENGTH]);
    });
    let writer = writer.expect("only the child takes it");
    assert_eq!(writer.splice_static(&BYTES).unwrap(), LENGTH);
    assert_eq!(writer.splice_static_timeout(&BYTES, LONG_TIMEOUT).unwrap(), LENGTH);
    assert_eq!(writer.try_splice_static(&BYTES).unwrap(), LENGTH);
    drop(writer);
    peer.join();
}
