//! Accesses to mappings: bounds, alignment and permission.

use ipcraft::ErrorKind;
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{Access, Advice};
use ipcraft_tests::kernel::unless_unsupported;
use std::sync::atomic::Ordering::SeqCst;

use crate::kind;

#[test]
fn read_at_and_write_at_copy_exactly_at_every_alignment() {
    let mapping = Memfd::create("test", 256).unwrap().map().unwrap();
    for offset in 0..20 {
        for length in 0..50_usize {
            mapping.write_at(0, &[0xee; 256]).unwrap();
            let bytes: Vec<u8> = (1..).take(length).collect();
            mapping.write_at(offset, &bytes).unwrap();
            let mut all = [0; 256];
            mapping.read_at(0, &mut all).unwrap();
            let mut wanted = [0xee; 256];
            wanted[offset..offset + length].copy_from_slice(&bytes);
            assert_eq!(all, wanted, "write of {length} at {offset}");
            let mut part = vec![0; length];
            mapping.read_at(offset, &mut part).unwrap();
            assert_eq!(part, bytes, "read of {length} at {offset}");
        }
    }
}

#[test]
fn access_out_of_bounds_fails_and_copies_nothing() {
    let mapping = Memfd::create("test", 10).unwrap().map().unwrap();
    assert_eq!(mapping.len(), 10);
    mapping.write_at(10, &[]).unwrap();
    for (offset, length) in [(10, 1), (0, 11), (11, 0), (usize::MAX, 1), (usize::MAX, 0), (1, 10)] {
        let error = mapping.write_at(offset, &vec![1; length]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{offset} {length}");
        assert_eq!(error.limit().unwrap().value(), 10);
        assert_eq!(kind(mapping.read_at(offset, &mut vec![0; length])), ErrorKind::Invalid);
        assert_eq!(kind(mapping.pointer(offset, length, 1)), ErrorKind::Invalid);
    }
    let mut all = [1; 10];
    mapping.read_at(0, &mut all).unwrap();
    assert_eq!(all, [0; 10]);
    assert_eq!(kind(mapping.pointer(0, usize::MAX, 1)), ErrorKind::Invalid);
}

#[test]
fn atomic_misaligned_or_out_of_bounds_is_rejected() {
    let mapping = Memfd::create("test", 16).unwrap().map().unwrap();
    mapping.atomic_u64(8).unwrap().store(0x0102_0304_0506_0708, SeqCst);
    let low = if cfg!(target_endian = "little") { 8 } else { 12 };
    assert_eq!(mapping.atomic_u32(low).unwrap().load(SeqCst), 0x0506_0708);
    assert_eq!(mapping.atomic_u8(15).unwrap().load(SeqCst), if low == 8 { 1 } else { 8 });
    assert_eq!(kind(mapping.atomic_u64(4)), ErrorKind::Invalid);
    assert_eq!(kind(mapping.atomic_u32(2)), ErrorKind::Invalid);
    assert_eq!(kind(mapping.atomic_u64(16)), ErrorKind::Invalid);
    assert_eq!(kind(mapping.atomic_u8(16)), ErrorKind::Invalid);
    assert_eq!(kind(mapping.pointer(8, 8, 16)), ErrorKind::Invalid);
    assert_eq!(kind(mapping.pointer(8, 8, 3)), ErrorKind::Invalid);
    assert_eq!(kind(mapping.pointer(8, 8, 0)), ErrorKind::Invalid);
    let at = mapping.pointer(8, 8, 8).unwrap();
    assert_eq!(at.addr().get() - mapping.pointer(0, 16, 4096).unwrap().addr().get(), 8);
}

#[test]
fn read_only_mapping_rejects_writes_and_atomics() {
    let memory = Memfd::create("test", 100).unwrap();
    let (writer, reader) = (memory.map().unwrap(), memory.map_read_only().unwrap());
    assert_eq!((writer.access(), reader.access()), (Access::ReadWrite, Access::ReadOnly));
    writer.write_at(50, b"seen").unwrap();
    let mut seen = [0; 4];
    reader.read_at(50, &mut seen).unwrap();
    assert_eq!(&seen, b"seen");
    assert_eq!(kind(reader.write_at(0, b"x")), ErrorKind::PermissionDenied);
    assert_eq!(kind(reader.atomic_u32(0)), ErrorKind::PermissionDenied);
    // Linux 5.14.
    unless_unsupported(reader.populate());
}

#[test]
fn mapping_survives_drop_of_its_descriptor() {
    let memory = Memfd::create("test", 100).unwrap();
    let mapping = memory.map().unwrap();
    drop(memory);
    mapping.write_at(0, b"alive").unwrap();
}

#[test]
fn advise_populate_and_lock_keep_contents() {
    let mapping = Memfd::create("test", 100_000).unwrap().map().unwrap();
    mapping.write_at(99_990, b"contents").unwrap();
    unless_unsupported(mapping.populate());
    for advice in [Advice::Random, Advice::Sequential, Advice::WillNeed, Advice::Normal, Advice::DontDump] {
        mapping.advise(advice).unwrap();
    }
    mapping.lock().unwrap();
    mapping.unlock().unwrap();
    let mut text = [0; 8];
    mapping.read_at(99_990, &mut text).unwrap();
    assert_eq!(&text, b"contents");
}
