//! Tests of `latest`.

#![allow(unsafe_code)]

use crate::ErrorKind;
use crate::channel::latest::*;
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

const STARTS: [u64; 6] = [0, 1, u32::MAX as u64 - 5, (1 << 62) - 5, u64::MAX / 2 - 5, u64::MAX - 5];

#[test]
fn the_newest_value_is_there_with_its_version() {
    for start in STARTS {
        let channel = Options::<u64>::new().initial_position(start).anonymous().unwrap();
        let (mut writer, mut reader) = (channel.writer().unwrap(), channel.reader().unwrap());
        assert_eq!(reader.load().unwrap_err().kind(), ErrorKind::Empty);
        assert_eq!(reader.load_in_place().unwrap_err().kind(), ErrorKind::Empty);
        assert_eq!(reader.try_changed().unwrap_err().kind(), ErrorKind::Empty);
        assert_eq!(writer.version(), 0);
        for version in 1..20 {
            writer.store(version * 3);
            assert_eq!(writer.version(), version);
            let (loaded, again) = (reader.load().unwrap(), reader.load().unwrap());
            assert_eq!((loaded.value, loaded.version), (version * 3, version));
            assert_eq!(loaded, again);
            assert_eq!(reader.load_in_place().unwrap().get().unwrap(), version * 3);
            assert_eq!(reader.version(), version);
        }
    }
}

#[test]
fn changed_returns_each_change_once() {
    let (mut writer, mut reader) = channel::<u64>().unwrap();
    let mut other = writer.reader().unwrap();
    writer.store(1);
    writer.store(2);
    assert_eq!(reader.changed().unwrap(), Snapshot { value: 2, version: 2 });
    assert_eq!(reader.try_changed().unwrap_err().kind(), ErrorKind::Empty);
    let late = reader.changed_timeout(Duration::from_millis(2)).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::TimedOut);
    assert_eq!(other.load().unwrap().version, 2);
    assert_eq!(other.try_changed().unwrap_err().kind(), ErrorKind::Empty);
    writer.store(3);
    drop(writer);
    assert_eq!(other.iter().map(|seen| seen.unwrap().value).collect::<Vec<_>>(), [3]);
    assert_eq!(reader.try_changed().unwrap().value, 3);
    assert_eq!(reader.changed().unwrap_err().kind(), ErrorKind::Disconnected);
    assert_eq!(reader.try_changed().unwrap_err().kind(), ErrorKind::Disconnected);
    assert_eq!(reader.load().unwrap(), Snapshot { value: 3, version: 3 });
}

#[test]
fn what_is_overwritten_while_it_is_read_in_place_is_an_error() {
    let (mut writer, mut reader) = channel::<u64>().unwrap();
    writer.store(1);
    let view = reader.load_in_place().unwrap();
    for value in 2..5 {
        writer.store(value);
        assert_eq!((view.get().unwrap(), view.version(), view.len()), (1, 1, 8));
    }
    let mut loan = writer.loan();
    loan.set(&5);
    for error in [view.get().map(drop), view.check(), view.read_at(0, &mut [0; 8])] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Lagged);
    }
    assert_eq!(reader.load().unwrap().value, 4);
    loan.commit();
    assert_eq!(reader.load().unwrap().value, 5);
    drop(writer.loan());
    assert_eq!(reader.load().unwrap(), Snapshot { value: 5, version: 5 });
}

#[test]
fn writer_after_a_writer_continues_the_versions() {
    for start in STARTS {
        let channel = Options::<u64>::new().initial_position(start).anonymous().unwrap();
        let mut reader = channel.reader().unwrap();
        for version in 1..12 {
            let mut writer = channel.writer().unwrap();
            assert_eq!(channel.writer().unwrap_err().kind(), ErrorKind::InUse);
            writer.store(version);
            assert_eq!(reader.changed().unwrap(), Snapshot { value: version, version });
            // The state that a writer leaves that dies during a store.
            writer.loan().set(&99);
        }
    }
}

#[test]
fn an_end_moves_by_its_descriptor() {
    let (writer, mut reader) = channel::<u64>().unwrap();
    let mut writer = Writer::<u64>::from_fd(writer.into_fd().unwrap()).unwrap();
    writer.store(7);
    assert_eq!(reader.load().unwrap().value, 7);
    let mut reader = Reader::<u64>::from_fd(reader.into_fd().unwrap()).unwrap();
    assert_eq!(reader.load().unwrap().value, 7);
    let fd = reader.into_fd().unwrap();
    assert_eq!(Writer::<u64>::from_fd(fd).unwrap_err().kind(), ErrorKind::WrongType);
}

#[test]
fn no_value_is_torn_and_the_last_one_is_seen() {
    const LAST: u64 = 50_000;
    let channel = Options::<[u64; 40]>::new().initial_position(u64::MAX - 99).anonymous().unwrap();
    let mut writer = channel.writer().unwrap();
    thread::scope(|scope| {
        for _ in 0..3 {
            let mut reader = channel.reader().unwrap();
            scope.spawn(move || {
                let mut last = 0;
                while last < LAST {
                    let seen = reader.changed().unwrap();
                    assert!(seen.version > last);
                    assert!(seen.value.iter().all(|word| *word == seen.version), "{seen:?}");
                    last = seen.version;
                }
            });
        }
        (1..=LAST).for_each(|version| writer.store([version; 40]));
    });
}

#[test]
fn load_from_random_memory_returns() {
    use crate::channel::shared::header::HEADER_LEN;
    for seed in 1..300u64 {
        let channel = Channel::<u64>::anonymous().unwrap();
        let (mut writer, mut reader) = (channel.writer().unwrap(), channel.reader().unwrap());
        (0..3).for_each(|i| writer.store(i));
        let fd = channel.as_fd().try_clone_to_owned().unwrap();
        let memory = crate::shm::memfd::Memfd::try_from(fd).unwrap().map().unwrap();
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let bytes = (0..memory.len()).map(|_| {
            random = random.rotate_left(5) ^ random.wrapping_mul(0x2545_F491_4F6C_DD1D);
            if seed % 3 == 0 { seed as u8 } else { (random >> 56) as u8 }
        });
        let bytes: Vec<u8> = bytes.collect();
        let from = if seed % 2 == 0 { 0 } else { HEADER_LEN };
        memory.write_at(from, &bytes[from..]).unwrap();
        for i in 0..9 {
            let _ = reader.load();
            let _ = reader.load_in_place().map(|view| view.get().map(drop));
            let _ = reader.changed_timeout(Duration::from_micros(10));
            writer.store(i);
        }
        drop((writer, reader));
        if let (Ok(mut writer), Ok(mut reader)) = (channel.writer(), channel.reader()) {
            writer.store(1);
            let _ = reader.try_changed();
        }
    }
}

/// A peer that moves the position back does not make the reader wait for a change.
#[test]
fn load_after_the_position_was_moved_back_returns_corrupted() {
    use std::sync::atomic::Ordering::Relaxed;

    let channel = Channel::<u64>::anonymous().unwrap();
    let (mut writer, mut reader) = (channel.writer().unwrap(), channel.reader().unwrap());
    (0..10).for_each(|value| writer.store(value));
    assert_eq!(reader.load().unwrap().value, 9);
    // SAFETY: because the region is kept by `channel`.
    let control = unsafe { channel.region.control(0).as_ref() };
    control.senders.position.store(5, Relaxed);
    assert_eq!(reader.load().unwrap_err().kind(), ErrorKind::Corrupted);
    assert_eq!(reader.try_changed().unwrap_err().kind(), ErrorKind::Corrupted);
    assert_eq!(reader.changed().unwrap_err().kind(), ErrorKind::Corrupted);
}
