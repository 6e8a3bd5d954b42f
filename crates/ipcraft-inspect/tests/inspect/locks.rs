//! Which thread waits for which, and cycles.

use std::fs::File;
use std::time::{Duration, Instant};

use ipcraft::process::PidFd;
use ipcraft::semaphore::sysv::{Operation, SemaphoreSet};
use ipcraft::shm::Shared;
use ipcraft::sync::Mutex;
use ipcraft::sysv::Key;
use ipcraft_inspect::{Owner, Resource, Wait, Waits, waits};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};

/// The waits once they match; `None` if they do not within a time.
fn wait_for(matches: impl Fn(&Waits) -> bool) -> Option<Waits> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        let found = waits().unwrap();
        if matches(&found) {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// Why the system calls of other processes cannot be read; `None` if they can.
fn hidden() -> Option<Outcome> {
    let child = super::holding(|| Box::new(()));
    let readable = std::fs::read(format!("/proc/{}/syscall", child.id())).is_ok();
    child.kill();
    (!readable).then(|| Outcome::Skipped("needs /proc/PID/syscall of own children".into()))
}

fn of(waits: &[Wait], child: &Peer) -> Option<Wait> {
    waits.iter().find(|wait| wait.waiter.process.pid == u32::from(child.id())).cloned()
}

fn is_owned_by(wait: &Wait, owner: &Peer) -> bool {
    let pid = match &wait.owner {
        Some(Owner::Thread(thread)) => thread.process.pid,
        Some(Owner::Process(process)) => process.pid,
        _ => 0,
    };
    pid == u32::from(owner.id())
}

#[serial_test]
fn two_mutexes_locked_in_opposite_order_are_a_cycle() -> Outcome {
    if let Some(skipped) = hidden() {
        return skipped;
    }
    let names = [(); 2].map(|()| format!("/{}", ipcraft::name::unique("insp-lock")));
    let options = ipcraft::shm::posix::Options::new().remove_on_drop(true);
    let [first, second] = names
        .each_ref()
        .map(|name| Shared::<Mutex<u64>>::create_new_with(&options, name, |mutex| mutex.init(0)).unwrap());
    let (ready, go) = (ipcraft::event::EventFd::new(0).unwrap(), ipcraft::event::EventFd::new(0).unwrap());
    let lock_both = |held: &Shared<Mutex<u64>>, wanted: &Shared<Mutex<u64>>| {
        let guard = held.lock().unwrap();
        ready.add(1).unwrap();
        go.take().unwrap();
        go.add(1).unwrap();
        let _never = wanted.lock();
        drop(guard);
    };
    let one = Peer::start(|| lock_both(&first, &second));
    let other = Peer::start(|| lock_both(&second, &first));
    let mut came = 0;
    while came < 2 {
        came += ready.take().unwrap();
    }
    assert!(waits().unwrap().cycles.is_empty());
    go.add(1).unwrap();
    let found = wait_for(|found| found.cycles.iter().any(|cycle| of(cycle, &one).is_some()));
    let found = found.expect("the cycle is found");
    let cycle = found.cycles.iter().find(|cycle| of(cycle, &one).is_some()).unwrap();
    assert_eq!(cycle.len(), 2, "{cycle:?}");
    let (first_wait, second_wait) = (of(cycle, &one).unwrap(), of(cycle, &other).unwrap());
    assert!(is_owned_by(&first_wait, &other) && is_owned_by(&second_wait, &one));
    let Resource::Lock { object: Some(object), .. } = &first_wait.resource else { panic!("{first_wait:?}") };
    assert_eq!(object.posix_name().unwrap(), names[1].as_str());
    one.kill();
    assert!(wait_for(|found| found.cycles.is_empty()).is_some());
    other.kill();
    Outcome::Passed
}

#[serial_test]
fn wait_for_a_system_v_semaphore_names_the_last_process_that_changed_it() -> Outcome {
    if let Some(skipped) = hidden() {
        return skipped;
    }
    let set = SemaphoreSet::create_new(Key::PRIVATE, &[1, 1]).unwrap();
    let owner = super::holding(|| {
        set.apply(&[Operation::subtract(1, 1)]).unwrap();
        Box::new(())
    });
    let waiter = Peer::start(|| drop(set.apply(&[Operation::subtract(1, 1)])));
    let found = wait_for(|found| of(&found.waits, &waiter).is_some()).expect("the wait is found");
    let wait = of(&found.waits, &waiter).unwrap();
    assert!(is_owned_by(&wait, &owner), "{wait:?}");
    let Resource::Semaphore { index, .. } = wait.resource else { panic!("{wait:?}") };
    assert_eq!(index, 1);
    assert!(found.cycles.is_empty());
    waiter.kill();
    owner.kill();
    set.remove().unwrap();
    Outcome::Passed
}

#[serial_test]
fn wait_for_a_file_lock_names_its_owner() {
    use nix::fcntl::{FcntlArg, fcntl};
    let file = tempfile::NamedTempFile::new().unwrap();
    // SAFETY: because zero bytes are a request for the whole file.
    let mut request: nix::libc::flock = unsafe { std::mem::zeroed() };
    request.l_type = nix::libc::F_WRLCK as i16;
    let lock = |wait: bool| {
        let own = File::options().write(true).open(file.path()).unwrap();
        let command = if wait { FcntlArg::F_SETLKW(&request) } else { FcntlArg::F_SETLK(&request) };
        fcntl(&own, command).unwrap();
        own
    };
    let owner = super::holding(|| Box::new(lock(false)));
    let waiter = Peer::start(|| drop(lock(true)));
    let found = wait_for(|found| of(&found.waits, &waiter).is_some()).expect("the wait is found");
    let wait = of(&found.waits, &waiter).unwrap();
    assert!(is_owned_by(&wait, &owner), "{wait:?}");
    assert!(matches!(wait.resource, Resource::File { .. }));
    waiter.kill();
    owner.kill();
}

#[serial_test]
fn waits_of_this_process_alone_are_none() {
    let own = PidFd::current().unwrap().pid().unwrap();
    let found = waits().unwrap();
    assert!(found.waits.iter().all(|wait| wait.waiter.process.pid != u32::from(own)));
}
