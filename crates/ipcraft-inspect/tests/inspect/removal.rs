//! Removal never takes an object that a process holds.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft_inspect::{Kind, Refusal, State, list, remove, remove_dead};
use ipcraft_tests::suite::serial_test;

use super::{LONG, SharedFile, holding, is_full};

#[serial_test]
fn remove_of_a_held_object_names_the_holder_and_keeps_it() {
    let file = SharedFile::new("insp-rm-held");
    let child = holding(|| Box::new(file.open()));
    let Err(Refusal::Held(holders)) = remove(&file.name()).unwrap() else { panic!("removed") };
    assert_eq!(holders[0].process.pid, u32::from(child.id()));
    assert!(file.path.exists());
    child.kill();
    super::assert_becomes(&file.name(), State::Dead);
    assert_eq!(remove(&file.name()).unwrap(), Ok(()));
    assert!(!file.path.exists());
}

#[serial_test]
fn remove_dead_of_an_object_that_was_opened_since_keeps_it() {
    let file = SharedFile::new("insp-rm-reused");
    let listed = super::object(&file.name());
    assert_eq!(listed.state, State::Dead);
    let held = file.open();
    assert!(matches!(remove_dead(&listed).unwrap(), Err(Refusal::Held(_))));
    assert!(file.path.exists());
    drop(held);
    assert_eq!(remove_dead(&listed).unwrap(), Ok(()));
}

/// Opens one of the names, or makes it, and has it for a moment. Its name must stay that long.
fn use_one(path: &Path, random: u64) -> bool {
    let opened = fs::File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = opened.expect("open during removal");
    let own = file.metadata().unwrap().ino();
    let is_there = || fs::metadata(path).is_ok_and(|found| found.ino() == own);
    let until = Instant::now() + Duration::from_micros(random % 3000);
    loop {
        if !is_there() {
            return false;
        }
        if Instant::now() >= until {
            return true;
        }
        std::thread::yield_now();
    }
}

#[serial_test(timeout = LONG)]
fn remove_dead_during_churn_never_removes_an_object_that_a_process_holds() {
    let prefix = ipcraft::name::unique("insp-rm-churn");
    let paths: Vec<PathBuf> = (0..6).map(|n| Path::new("/dev/shm").join(format!("{prefix}-{n}"))).collect();
    let (stop, failures, uses) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let rounds = if is_full() { 10_000 } else { 200 };
    let mut removed = 0;
    std::thread::scope(|scope| {
        // Threads hold objects exactly as processes do: by open file descriptions.
        for seed in 1..=2_u64 {
            let (paths, stop, failures, uses) = (&paths, &stop, &failures, &uses);
            scope.spawn(move || {
                let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                while !stop.load(SeqCst) {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    if !use_one(&paths[(random % 6) as usize], random >> 8) {
                        failures.fetch_add(1, SeqCst);
                    }
                    uses.fetch_add(1, SeqCst);
                    sleep(Duration::from_micros(random >> 20 & 0xfff));
                }
            });
        }
        let mut tried = 0;
        while tried < rounds && failures.load(SeqCst) == 0 {
            let listing = list(&[Kind::SharedMemory]).unwrap();
            let ours = listing.objects.iter().filter(|object| {
                object.state == State::Dead && object.name.to_string().starts_with(&format!("shm:/{prefix}"))
            });
            for object in ours {
                removed += u32::from(remove_dead(object).unwrap().is_ok());
                tried += 1;
            }
        }
        stop.store(true, SeqCst);
    });
    for path in &paths {
        let _ = fs::remove_file(path);
    }
    println!("{removed} of {rounds} rounds removed the object; it was used {} times", uses.load(SeqCst));
    assert_eq!(failures.load(SeqCst), 0, "an object was removed while it was held");
    assert!(removed > 0);
    let left = fs::read_dir("/dev/shm").unwrap().flatten();
    let aside = left.filter(|entry| entry.file_name().to_string_lossy().starts_with(".ipcraft-rm-"));
    for entry in aside {
        println!("left aside: {:?}", entry.file_name());
    }
}
