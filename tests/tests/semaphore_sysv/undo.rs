//! Undo at the end of a process.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{Operation, SemaphoreSet};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::unistd::pause;

use super::{kind_of, set};

const TAKE: [Operation; 1] = [Operation::subtract(0, 1).undo()];
/// Signals the progress of a child to the test.
const REPORT: [Operation; 1] = [Operation::add(1, 1)];
const AWAIT_REPORT: [Operation; 1] = [Operation::subtract(1, 1)];

/// A child that has taken a unit and sleeps.
fn holder(set: &SemaphoreSet) -> Peer {
    let peer = Peer::start(|| {
        set.apply(&TAKE).unwrap();
        set.apply(&REPORT).unwrap();
        pause();
    });
    set.apply_timeout(&AWAIT_REPORT, LONG_TIMEOUT).unwrap();
    peer
}

#[serial_test]
fn undo_returns_the_unit_of_a_killed_process() {
    let set = set(&[1, 0]);
    let holder = holder(&set);
    assert_eq!(set.value(0).unwrap(), 0);
    let waiter = Peer::start(|| set.apply(&TAKE).unwrap());
    waiter.wait_asleep();
    holder.kill();
    waiter.join();
    assert_eq!(set.value(0).unwrap(), 1, "the exited waiter's unit is returned too");
}

#[serial_test]
fn undo_survives_exec() {
    let set = set(&[1, 0]);
    let (reader, writer) = std::io::pipe().unwrap();
    let peer = Peer::start(|| {
        set.apply(&TAKE).unwrap();
        set.apply(&REPORT).unwrap();
        // The program runs until the test closes the writer.
        panic!("{}", Command::new("cat").stdin(reader.try_clone().unwrap()).exec());
    });
    set.apply_timeout(&AWAIT_REPORT, LONG_TIMEOUT).unwrap();
    while !runs_cat(&peer) {
        thread::yield_now();
    }
    assert_eq!(set.value(0).unwrap(), 0, "exec keeps the unit taken");
    drop(writer);
    peer.join();
    assert_eq!(set.value(0).unwrap(), 1);
}

fn runs_cat(peer: &Peer) -> bool {
    std::fs::read_to_string(format!("/proc/{}/comm", peer.pid())).unwrap().trim() == "cat"
}

#[serial_test]
fn undo_happens_at_exit_of_the_process_not_the_thread() {
    let set = set(&[1, 0]);
    let peer = Peer::start(|| {
        thread::scope(|scope| scope.spawn(|| set.apply(&TAKE).unwrap()).join().unwrap());
        assert_eq!(set.value(0).unwrap(), 0, "the end of the thread returns nothing");
    });
    peer.join();
    assert_eq!(set.value(0).unwrap(), 1);
}

#[serial_test]
fn undo_is_not_inherited_by_a_forked_child() {
    let set = set(&[1, 0]);
    let peer = Peer::start(|| {
        set.apply(&TAKE).unwrap();
        Peer::start(|| {}).join();
        assert_eq!(set.value(0).unwrap(), 0, "the exit of the child returns nothing");
    });
    peer.join();
    assert_eq!(set.value(0).unwrap(), 1);
}

#[serial_test]
fn setting_values_discards_undo() {
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

#[serial_test]
fn undo_below_zero_stops_at_zero() {
    let set = set(&[0, 0]);
    let peer = Peer::start(|| set.apply(&[Operation::add(0, 5).undo()]).unwrap());
    peer.join();
    assert_eq!(set.value(0).unwrap(), 0, "the addition is reverted");
    let peer = Peer::start(|| {
        set.apply(&[Operation::add(0, 5).undo()]).unwrap();
        set.apply(&[Operation::subtract(0, 3)]).unwrap();
    });
    peer.join();
    assert_eq!(set.value(0).unwrap(), 0, "the value does not become negative");
}

#[serial_test]
fn undo_above_its_range_overflows() {
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
