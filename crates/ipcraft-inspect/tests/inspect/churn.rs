//! Objects that are always held, by holders that change all the time, are never `DEAD`.

use std::fs::File;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use ipcraft::shm::posix::Options;
use ipcraft::socket::{Ancillary, seqpacket};
use ipcraft_inspect::{Kind, State, list};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;

use super::{LONG, SharedFile, is_full};

/// Objects of each kind of holder.
const OBJECTS: usize = 12;

/// A pipe whose end of file stops all holders, also when this process is killed.
struct Stop {
    reader: ipcraft::pipe::Reader,
}

impl Stop {
    fn is_set(&self) -> bool {
        !matches!(self.reader.try_read(&mut [0]), Err(error) if error.kind() == ipcraft::ErrorKind::Empty)
    }
}

/// Passes the descriptors on to a forked child, again and again: no process has them for long.
///
/// This process adopts the children and reaps them.
fn fork_on(files: &[SharedFile], stop: &Stop) {
    nix::sys::prctl::set_child_subreaper(true).expect("adopting grandchildren");
    // SAFETY: because the child of this process, which has one thread, may do anything.
    if unsafe { nix::unistd::fork() }.expect("fork").is_parent() {
        while nix::sys::wait::wait().is_ok() {}
        return;
    }
    let held: Vec<File> = files.iter().map(SharedFile::open).collect();
    while !stop.is_set() {
        std::thread::sleep(Duration::from_micros(300));
        // SAFETY: because the child of this process, which has one thread, may do anything.
        if unsafe { nix::unistd::fork() }
            .is_ok_and(|forked| matches!(forked, nix::unistd::ForkResult::Parent { .. }))
        {
            break;
        }
    }
    assert_eq!(held.len(), files.len());
    // SAFETY: because _exit(2) ends the process without running what its parent registered.
    unsafe { nix::libc::_exit(0) }
}

/// Has the descriptors in transit most of the time.
fn pass_on(mut held: Vec<File>, stop: &Stop) {
    while !stop.is_set() {
        let (sender, receiver) = seqpacket::pair().unwrap();
        let descriptors: Vec<_> = held.iter().map(AsFd::as_fd).collect();
        sender.send_descriptors(b"x", &descriptors).unwrap();
        held.clear();
        std::thread::sleep(Duration::from_micros(500));
        let (_, received) = receiver.recv_descriptors(&mut [0; 8], OBJECTS).unwrap().unwrap();
        held = received.into_iter().map(File::from).collect();
    }
}

/// Maps the objects again before it unmaps them, and has no descriptor.
fn map_on(names: &[std::ffi::OsString], stop: &Stop) {
    let map = |name| Options::new().any_mode().open(name).unwrap().map().unwrap();
    let mut mappings: Vec<_> = names.iter().map(map).collect();
    while !stop.is_set() {
        mappings = names.iter().map(map).collect();
        std::thread::sleep(Duration::from_micros(300));
    }
    drop(mappings);
}

/// Makes and removes objects with the same prefix.
fn come_and_go(prefix: &str, stop: &Stop) {
    while !stop.is_set() {
        let made: Vec<_> = (0..8).map(|_| SharedFile::new(prefix)).collect();
        std::thread::sleep(Duration::from_micros(200));
        drop(made);
    }
}

#[serial_test(timeout = LONG)]
fn list_during_churn_never_reports_a_held_object_as_dead() {
    let files: Vec<SharedFile> = (0..3 * OBJECTS).map(|_| SharedFile::new("insp-held")).collect();
    let (forked, rest) = files.split_at(OBJECTS);
    let (passed, mapped) = rest.split_at(OBJECTS);
    let (reader, writer) = ipcraft::pipe::pipe().unwrap();
    let stop = Stop { reader };
    let open = |files: &[SharedFile]| files.iter().map(SharedFile::open).collect::<Vec<_>>();
    let end = std::os::fd::AsRawFd::as_raw_fd(&writer.as_fd());
    let start = |role: &dyn Fn()| {
        Peer::start(|| {
            // The copy of the writing end would keep the pipe open.
            nix::unistd::close(end).expect("an open descriptor");
            role();
        })
    };
    let mapped: Vec<_> = mapped.iter().map(|file| file.name().posix_name().unwrap().to_owned()).collect();
    let holders = [
        start(&|| fork_on(forked, &stop)),
        start(&|| pass_on(open(passed), &stop)),
        start(&|| map_on(&mapped, &stop)),
        start(&|| come_and_go("insp-brief", &stop)),
    ];
    let names: Vec<_> = files.iter().map(SharedFile::name).collect();
    // Each holder has its objects by now.
    let started = Instant::now();
    while !names.iter().all(|name| super::state(name) == State::Live) {
        assert!(started.elapsed() < Duration::from_secs(30), "the holders do not start");
    }
    let wanted = if is_full() { 100_000 } else { 3_000 };
    let (mut verdicts, mut listings, started) = (0, 0_u32, Instant::now());
    while verdicts < wanted {
        let listing = list(&[Kind::SharedMemory]).expect("a listing during churn");
        let held = listing.objects.iter().filter(|object| names.contains(&object.name));
        for object in held {
            assert_eq!(object.state, State::Live, "{} after {verdicts} verdicts", object.name);
            verdicts += 1;
        }
        listings += 1;
    }
    println!(
        "{verdicts} verdicts in {listings} listings, {:.1} s: none wrong",
        started.elapsed().as_secs_f64()
    );
    drop(writer);
    for holder in holders {
        holder.join();
    }
}
