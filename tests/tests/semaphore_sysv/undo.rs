use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{Operation, SemaphoreSet};
use ipcraft_tests::peer::Peer;
use nix::unistd::pause;

use super::{LONG, kind_of, set};

const TAKE: [Operation; 1] = [Operation::subtract(0, 1).undo()];
/// Tells the test how far a child is.
const REPORT: [Operation; 1] = [Operation::add(1, 1)];
const HEAR: [Operation; 1] = [Operation::subtract(1, 1)];

/// A child that took a unit and then sleeps.
fn holder(set: &SemaphoreSet) -> Peer {
    let peer = Peer::start(|| {
        set.apply(&TAKE).unwrap();
        set.apply(&REPORT).unwrap();
        pause();
    });
    set.apply_timeout(&HEAR, LONG).unwrap();
    peer
}

pub(super) fn gives_back_what_a_killed_process_took() {
    let set = set(&[1, 0]);
    let holder = holder(&set);
    assert_eq!(set.value(0).unwrap(), 0);
    let waiter = Peer::start(|| set.apply(&TAKE).unwrap());
    waiter.wait_asleep();
    holder.kill();
    waiter.join();
    assert_eq!(set.value(0).unwrap(), 1, "and so did the waiter's, which has ended");
}

pub(super) fn survives_exec() {
    let set = set(&[1, 0]);
    let (reader, writer) = std::io::pipe().unwrap();
    let peer = Peer::start(|| {
        set.apply(&TAKE).unwrap();
        set.apply(&REPORT).unwrap();
        // It runs until the test closes the other end.
        panic!("{}", Command::new("cat").stdin(reader.try_clone().unwrap()).exec());
    });
    set.apply_timeout(&HEAR, LONG).unwrap();
    while !runs_cat(&peer) {
        thread::yield_now();
    }
    assert_eq!(set.value(0).unwrap(), 0, "another program runs and the unit is still taken");
    drop(writer);
    peer.join();
    assert_eq!(set.value(0).unwrap(), 1);
}

fn runs_cat(peer: &Peer) -> bool {
    std::fs::read_to_string(format!("/proc/{}/comm", peer.pid())).unwrap().trim() == "cat"
}

pub(super) fn is_the_processs_and_not_the_threads() {
    let set = set(&[1, 0]);
    let peer = Peer::start(|| {
        thread::scope(|scope| scope.spawn(|| set.apply(&TAKE).unwrap()).join().unwrap());
        assert_eq!(set.value(0).unwrap(), 0, "the thread has ended, the process has not");
    });
    peer.join();
    assert_eq!(set.value(0).unwrap(), 1);
}

pub(super) fn is_not_inherited_by_a_forked_child() {
    let set = set(&[1, 0]);
    let peer = Peer::start(|| {
        set.apply(&TAKE).unwrap();
        Peer::start(|| {}).join();
        assert_eq!(set.value(0).unwrap(), 0, "the child's end gave nothing back");
    });
    peer.join();
    assert_eq!(set.value(0).unwrap(), 1);
}

pub(super) fn is_forgotten_when_a_value_is_set() {
    let set = set(&[1, 0]);
    let one = holder(&set);
    set.set_value(0, 5).unwrap();
    one.kill();
    assert_eq!(set.value(0).unwrap(), 5);
    let another = holder(&set);
    set.set_values(&[9, 0]).unwrap();
    another.kill();
    assert_eq!(set.value(0).unwrap(), 9);
}

pub(super) fn stops_at_zero() {
    let set = set(&[0, 0]);
    let peer = Peer::start(|| set.apply(&[Operation::add(0, 5).undo()]).unwrap());
    peer.join();
    assert_eq!(set.value(0).unwrap(), 0, "added and taken back");
    let peer = Peer::start(|| {
        set.apply(&[Operation::add(0, 5).undo()]).unwrap();
        set.apply(&[Operation::subtract(0, 3)]).unwrap();
    });
    peer.join();
    assert_eq!(set.value(0).unwrap(), 0, "five of two cannot be taken back");
}

pub(super) fn beyond_its_range_is_refused() {
    let set = set(&[32767, 0]);
    Peer::start(|| {
        set.apply(&[Operation::subtract(0, 32767).undo()]).unwrap();
        set.apply(&[Operation::add(0, 1)]).unwrap();
        assert_eq!(kind_of(set.apply(&TAKE)), ErrorKind::Overflow);
        assert_eq!(set.value(0).unwrap(), 1);
        set.apply(&[Operation::subtract(0, 1)]).unwrap();
    })
    .join();
    assert_eq!(set.value(0).unwrap(), 32767);
}
