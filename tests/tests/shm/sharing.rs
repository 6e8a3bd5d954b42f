//! Anonymous memory in two processes.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering::SeqCst;

use ipcraft::shm::memfd::Memfd;
use ipcraft::socket::{Ancillary, seqpacket};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;

#[serial_test]
fn forked_child_shares_the_mapping() {
    let mapping = Memfd::create("test", 5000).unwrap().map().unwrap();
    Peer::start(|| {
        mapping.write_at(4090, b"across pages").unwrap();
        mapping.atomic_u32(0).unwrap().fetch_add(7, SeqCst);
    })
    .join();
    let mut text = [0; 12];
    mapping.read_at(4090, &mut text).unwrap();
    assert_eq!(&text, b"across pages");
    assert_eq!(mapping.atomic_u32(0).unwrap().load(SeqCst), 7);
}

#[serial_test]
fn memfd_sent_over_a_socket_shares_memory() {
    let (ours, theirs) = seqpacket::pair().unwrap();
    let peer = Peer::start(|| {
        let (_, mut received) = theirs.recv_descriptors(&mut [0; 8], 1).unwrap().unwrap();
        let memory = Memfd::try_from(received.remove(0)).unwrap();
        memory.map().unwrap().write_at(5000, b"from the peer").unwrap();
    });
    let memory = Memfd::create("test", 10_000).unwrap();
    ours.send_descriptors(b"memory", &[memory.as_fd()]).unwrap();
    peer.join();
    let mut text = [0; 13];
    memory.map().unwrap().read_at(5000, &mut text).unwrap();
    assert_eq!(&text, b"from the peer");
}
