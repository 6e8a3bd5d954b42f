//! Batches of records: order, boundaries, truncation and the end, each reported per record.

use std::io::IoSliceMut;
use std::thread;
use std::time::Duration;

use ipcraft::socket::{Batch, MAX_BATCH, Records, datagram, seqpacket};
use ipcraft::{ErrorKind, Result};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

/// Receives into `COUNT` buffers of 16 bytes and copies the records out.
fn receive<const COUNT: usize>(
    call: impl FnOnce(&mut [IoSliceMut<'_>]) -> Result<Batch>,
) -> Result<(Vec<Result<Vec<u8>>>, bool)> {
    let mut memory = [[0; 16]; COUNT];
    let mut buffers = memory.each_mut().map(|buffer| IoSliceMut::new(buffer));
    let batch = call(&mut buffers)?;
    let records: Vec<_> = batch.records(&buffers).map(|record| record.map(<[u8]>::to_vec)).collect();
    assert_eq!((records.len(), records.is_empty()), (batch.len(), batch.is_empty()));
    Ok((records, batch.is_end_of_stream()))
}

fn whole(records: Vec<Result<Vec<u8>>>) -> Vec<Vec<u8>> {
    records.into_iter().map(|record| record.expect("not truncated")).collect()
}

fn assert_keeps_order_and_boundaries<S: Records>(left: &S, right: &S) {
    assert_eq!(kind(receive::<4>(|buffers| right.try_recv_many(buffers))), ErrorKind::Empty);
    assert_eq!(kind(receive::<4>(|buffers| right.recv_many_timeout(buffers, SHORT))), ErrorKind::TimedOut);
    assert_eq!(left.send_many(&[b"one", b"", b"three"]).unwrap(), 3);
    assert_eq!(left.try_send_many(&[b"four"]).unwrap(), 1);
    assert_eq!(left.send_many_timeout(&[b"five"], LONG).unwrap(), 1);
    let (records, ended) = receive::<2>(|buffers| right.recv_many(buffers)).unwrap();
    assert_eq!((whole(records), ended), (vec![b"one".to_vec(), b"".to_vec()], false));
    let (records, ended) = receive::<8>(|buffers| right.recv_many_timeout(buffers, LONG)).unwrap();
    assert_eq!((whole(records), ended), (vec![b"three".to_vec(), b"four".to_vec(), b"five".to_vec()], false));
}

#[test]
fn recv_many_keeps_order_and_boundaries() {
    let (left, right) = datagram::pair().unwrap();
    assert_keeps_order_and_boundaries(&left, &right);
    let (left, right) = seqpacket::pair().unwrap();
    assert_keeps_order_and_boundaries(&left, &right);
}

fn assert_truncation_is_reported_per_record<S: Records>(left: &S, right: &S) {
    left.send_many(&[b"one", &[0; 100], b"three"]).unwrap();
    let (records, _) = receive::<4>(|buffers| right.recv_many(buffers)).unwrap();
    let [first, second, third] = &records[..] else { panic!("three records") };
    assert_eq!((first.as_ref().unwrap(), third.as_ref().unwrap()), (&b"one".to_vec(), &b"three".to_vec()));
    let error = second.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.limit().unwrap().requested(), Some(100));
    assert_eq!(error.transferred(), Some(16));
}

#[test]
fn recv_many_with_truncated_record_returns_the_others() {
    let (left, right) = datagram::pair().unwrap();
    assert_truncation_is_reported_per_record(&left, &right);
    let (left, right) = seqpacket::pair().unwrap();
    assert_truncation_is_reported_per_record(&left, &right);
}

#[test]
fn recv_many_returns_the_end_after_an_empty_last_record() {
    let (left, right) = seqpacket::pair().unwrap();
    left.send_many(&[b"last", b""]).unwrap();
    drop(left);
    let (records, ended) = receive::<8>(|buffers| right.recv_many(buffers)).unwrap();
    assert_eq!((whole(records), ended), (vec![b"last".to_vec(), b"".to_vec()], true));
    let (records, ended) = receive::<8>(|buffers| right.recv_many(buffers)).unwrap();
    assert_eq!((records.len(), ended), (0, true));
    let (left, right) = seqpacket::pair().unwrap();
    drop(right);
    assert_eq!(kind(left.send_many(&[b"x"])), ErrorKind::Disconnected);
}

#[test]
fn recv_many_blocks_for_the_first_record_only() {
    let (left, right) = seqpacket::pair().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(SHORT);
            left.send(b"one").unwrap();
        });
        let (records, ended) = receive::<8>(|buffers| right.recv_many(buffers)).unwrap();
        assert_eq!((whole(records), ended), (vec![b"one".to_vec()], false));
    });
}

#[test]
fn send_many_above_max_batch_sends_the_first_batch() {
    let (left, right) = seqpacket::pair().unwrap();
    let records = [&b"x"[..]; MAX_BATCH + 10];
    assert_eq!(left.send_many(&records).unwrap(), MAX_BATCH);
    assert_eq!(left.send_many(&records[MAX_BATCH..]).unwrap(), 10);
    let (first, _) = receive::<{ MAX_BATCH + 10 }>(|buffers| right.recv_many(buffers)).unwrap();
    let (second, _) = receive::<{ MAX_BATCH + 10 }>(|buffers| right.recv_many(buffers)).unwrap();
    assert_eq!((first.len(), second.len()), (MAX_BATCH, 10));
    assert_eq!(left.send_many(&[]).unwrap(), 0);
}

#[test]
fn try_send_many_to_full_queue_sends_a_part_then_returns_full() {
    let (left, right) = datagram::pair().unwrap();
    let record: &[u8] = &[0; 1000];
    let records = [record; MAX_BATCH];
    let mut sent = 0;
    while let Ok(count) = left.try_send_many(&records) {
        sent += count;
    }
    assert_eq!(kind(left.send_many_timeout(&records, SHORT)), ErrorKind::TimedOut);
    let mut buffer = [0; 1000];
    assert_eq!(std::iter::from_fn(|| right.try_recv(&mut buffer).ok()).count(), sent);
}

#[test]
fn send_many_returns_too_large_for_the_first_record_only() {
    let (left, _right) = seqpacket::pair().unwrap();
    let large = vec![0; 1 << 20];
    assert_eq!(left.send_many(&[b"fits", &large]).unwrap(), 1);
    let error = left.send_many(&[&large]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(error.limit().unwrap().requested(), Some((1 << 20) + 32));
}
