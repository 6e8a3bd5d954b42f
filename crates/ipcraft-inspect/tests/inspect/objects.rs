//! Each kind of object, and each way to hold it.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;

use ipcraft::channel::spsc;
use ipcraft::semaphore::sysv::SemaphoreSet;
use ipcraft::shm::sysv::Segment;
use ipcraft::socket::{Ancillary, seqpacket};
use ipcraft::sysv::Key;
use ipcraft_inspect::{Identity, Kind, ObjectName, Reason, State, held_by, list};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;

use super::{SharedFile, assert_becomes, find, holders, holding, is_listed, object, state};

#[serial_test]
fn shared_memory_held_by_descriptor_is_live_until_the_holder_is_killed() {
    let file = SharedFile::new("insp-fd");
    assert_eq!(file.state(), State::Dead);
    let child = holding(|| Box::new(file.open()));
    assert_eq!(file.state(), State::Live);
    let holder = &object(&file.name()).holders[0];
    assert_eq!((holder.process.pid, holder.descriptors, holder.mappings), (child.id().into(), 1, 0));
    child.kill();
    assert_becomes(&file.name(), State::Dead);
}

#[serial_test]
fn shared_memory_mapped_and_closed_is_live() {
    let file = SharedFile::new("insp-map");
    let posix = file.name().posix_name().unwrap().to_owned();
    let child = holding(|| {
        let options = ipcraft::shm::posix::Options::new().any_mode();
        Box::new(options.open(&posix).unwrap().map().unwrap())
    });
    let holder = &object(&file.name()).holders[0];
    assert_eq!((holder.process.pid, holder.descriptors, holder.mappings), (child.id().into(), 0, 1));
    child.kill();
    assert_becomes(&file.name(), State::Dead);
}

#[serial_test]
fn shared_memory_whose_only_descriptor_is_in_transit_is_live() {
    let file = SharedFile::new("insp-transit");
    let (sender, receiver) = seqpacket::pair().unwrap();
    let held = file.open();
    sender.send_descriptors(b"x", &[held.as_fd()]).unwrap();
    drop(held);
    let found = object(&file.name());
    assert_eq!((found.state, found.holders.len()), (State::Live, 0), "no process has it");
    drop((sender, receiver));
    assert_becomes(&file.name(), State::Dead);
}

#[serial_test]
fn shared_memory_held_by_a_thread_whose_process_lost_its_first_thread_is_live() {
    let file = SharedFile::new("insp-thread");
    let child = Peer::start(|| {
        let held = file.open();
        std::thread::spawn(move || {
            let _held = held;
            std::thread::sleep(std::time::Duration::from_secs(60));
        });
        // Ends this thread alone: the process becomes a zombie with a thread.
        // SAFETY: because the system call ends the calling thread, which owns nothing that others
        // use.
        unsafe { nix::libc::syscall(nix::libc::SYS_exit, 0) };
    });
    let is_zombie = || ipcraft::process::state(child.id()).is_ok_and(|state| state.letter() == 'Z');
    while !is_zombie() {
        std::thread::yield_now();
    }
    assert_eq!((file.state(), holders(&file.name())), (State::Live, vec![child.id().into()]));
    child.kill();
    assert_becomes(&file.name(), State::Dead);
}

#[serial_test]
fn channel_is_listed_by_its_kind_and_dead_after_its_handle() {
    let posix = format!("/{}", ipcraft::name::unique("insp-channel"));
    let channel = spsc::Options::<u64>::new().remove_on_drop(true).create_new(&posix).unwrap();
    let name: ObjectName = format!("chan:{posix}").parse().unwrap();
    let found = object(&name);
    assert_eq!((found.kind, found.contents, found.state), (Kind::Channel, Some("spsc"), State::Live));
    assert!(is_listed(Kind::Channel, &name) && !is_listed(Kind::SharedMemory, &name));
    let mut sender = channel.sender().unwrap();
    sender.send(7).unwrap();
    let found = object(&name);
    let details = found.channel.unwrap();
    let (endpoint, queued) = (&details.endpoints[0], found.queued.unwrap());
    assert_eq!((endpoint.role.as_str(), endpoint.pid), ("sender", Some(std::process::id())));
    assert_eq!((details.endpoints.len(), details.directions[0].sent), (1, 1));
    assert_eq!((queued.count, queued.capacity), (1, Some(1024)));
    drop(sender);
    let as_memory: ObjectName = format!("shm:{posix}").parse().unwrap();
    assert_eq!(state(&as_memory), State::Live, "also by its other name");
    drop(channel);
    assert!(find(&name).is_err());
}

#[serial_test]
fn semaphore_is_held_by_its_mapping() {
    let posix = format!("/{}", ipcraft::name::unique("insp-sem"));
    let semaphore =
        ipcraft::semaphore::posix::Options::new().remove_on_drop(true).create_new(&posix, 1).unwrap();
    let name: ObjectName = format!("sem:{posix}").parse().unwrap();
    assert_eq!(holders(&name), [std::process::id()]);
    assert!(is_listed(Kind::Semaphore, &name));
    drop(semaphore);
    assert!(!is_listed(Kind::Semaphore, &name));
}

#[serial_test]
fn queue_is_live_while_open_and_dead_with_its_messages_afterwards() {
    let posix = format!("/{}", ipcraft::name::unique("insp-mq"));
    let queue = ipcraft::queue::posix::Options::new().capacity(4).create_new(&posix).unwrap();
    queue.send(b"message", 1).unwrap();
    let name: ObjectName = format!("mq:{posix}").parse().unwrap();
    let found = object(&name);
    assert_eq!((found.state, holders(&name)), (State::Live, vec![std::process::id()]));
    let queued = found.queued.unwrap();
    assert_eq!((queued.count, queued.capacity), (1, Some(4)));
    drop(queue);
    assert_becomes(&name, State::Dead);
    assert_eq!(ipcraft_inspect::remove(&name).unwrap(), Ok(()));
    assert!(find(&name).is_err());
}

#[serial_test]
fn segment_is_dead_only_without_attachment_and_without_its_maker() {
    let segment = Segment::create_new(Key::PRIVATE, 4096).unwrap();
    let name: ObjectName = format!("sysv-shm:#{}", segment.id()).parse().unwrap();
    assert_eq!(state(&name), State::Unknown(Reason::UserRuns), "this process may attach it");
    let mapping = segment.attach().unwrap();
    assert_eq!((state(&name), holders(&name)), (State::Live, vec![std::process::id()]));
    drop(mapping);
    assert_eq!(state(&name), State::Unknown(Reason::UserRuns));
    segment.remove().unwrap();
    assert!(find(&name).is_err());

    let (ids, read) = (std::env::temp_dir().join(ipcraft::name::unique("insp-id")), std::fs::read_to_string);
    Peer::start(|| {
        let segment = Segment::create_new(Key::PRIVATE, 4096).unwrap();
        std::fs::write(&ids, segment.id().to_string()).unwrap();
    })
    .join();
    let name: ObjectName = format!("sysv-shm:#{}", read(&ids).unwrap()).parse().unwrap();
    std::fs::remove_file(&ids).unwrap();
    assert_eq!(state(&name), State::Dead, "its maker is gone");
    let found = object(&name);
    assert!(found.maker.unwrap().process.is_none());
    assert_eq!(ipcraft_inspect::remove(&name).unwrap(), Ok(()));
}

#[serial_test]
fn system_v_queue_and_set_are_never_dead_and_are_removed_by_name_only() {
    let queue = ipcraft::queue::sysv::Queue::create_new(Key::PRIVATE).unwrap();
    let set = SemaphoreSet::create_new(Key::PRIVATE, &[1]).unwrap();
    let queue_name: ObjectName = format!("sysv-mq:#{}", queue.id()).parse().unwrap();
    let set_name: ObjectName = format!("sysv-sem:#{}", set.id()).parse().unwrap();
    assert_eq!(state(&queue_name), State::Unknown(Reason::Unattached));
    queue.send(1, b"x").unwrap();
    set.set_value(0, 5).unwrap();
    for name in [&queue_name, &set_name] {
        assert_eq!(state(name), State::Unknown(Reason::UserRuns), "{name}");
        assert!(ipcraft_inspect::remove(name).unwrap().is_err(), "{name}");
    }
    assert_eq!(object(&set_name).queued.unwrap().count, 5);
    queue.remove().unwrap();
    set.remove().unwrap();
}

#[serial_test]
fn socket_with_a_listener_is_live_and_its_file_alone_is_not() {
    let path = std::env::temp_dir().join(ipcraft::name::unique("insp-sock"));
    let name: ObjectName = format!("sock:{}", path.display()).parse().unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    assert_eq!((state(&name), holders(&name)), (State::Live, vec![std::process::id()]));
    assert!(matches!(ipcraft_inspect::remove(&name).unwrap(), Err(ipcraft_inspect::Refusal::Held(_))));
    drop(listener);
    assert_eq!(state(&name), State::Unknown(Reason::New), "it may be about to be bound");
    std::fs::remove_file(&path).unwrap();
}

#[serial_test]
fn abstract_socket_exists_while_it_is_bound() {
    use std::os::linux::net::SocketAddrExt;
    let unique = ipcraft::name::unique("insp-abstract");
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&unique).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    let name: ObjectName = format!("sock:@{unique}").parse().unwrap();
    assert_eq!((state(&name), holders(&name)), (State::Live, vec![std::process::id()]));
    assert!(is_listed(Kind::Socket, &name));
    drop(listener);
    assert!(find(&name).is_err());
}

#[serial_test]
fn fifo_is_live_while_open_and_never_dead() {
    let path = std::env::temp_dir().join(ipcraft::name::unique("insp-fifo"));
    let fifo = ipcraft::fifo::Fifo::create_new(&path).unwrap();
    let name: ObjectName = format!("fifo:{}", path.display()).parse().unwrap();
    let reader = fifo.try_open_read().unwrap();
    drop(fifo);
    assert_eq!((state(&name), holders(&name)), (State::Live, vec![std::process::id()]));
    assert!(is_listed(Kind::Fifo, &name));
    assert!(matches!(ipcraft_inspect::remove(&name).unwrap(), Err(ipcraft_inspect::Refusal::Held(_))));
    drop(reader);
    assert_eq!(state(&name), State::Unknown(Reason::Unattached));
    assert_eq!(ipcraft_inspect::remove(&name).unwrap(), Ok(()));
    assert!(!path.exists());
}

#[serial_test]
fn held_by_lists_what_one_process_holds() {
    let file = SharedFile::new("insp-who");
    let child = holding(|| Box::new(file.open()));
    let (process, objects) = held_by(child.id()).unwrap();
    assert_eq!(process.pid, u32::from(child.id()));
    assert!(objects.iter().any(|object| object.name == file.name()), "{objects:?}");
    let id = child.id();
    child.kill();
    assert_eq!(held_by(id).unwrap_err().errno(), Some(nix::libc::ESRCH));
}

#[serial_test]
fn hostile_names_are_listed_escaped_and_found_again() {
    let file = SharedFile::new("insp-\u{1b}[2J\n\u{202e}x\\");
    let name = file.path.file_name().unwrap();
    let listed = list(&[Kind::SharedMemory]).unwrap().objects;
    let found = listed
        .iter()
        .find(|object| {
            object
                .name
                .posix_name()
                .is_some_and(|posix| posix.to_string_lossy()[1..] == *name.to_string_lossy())
        })
        .expect("listed");
    let text = found.name.to_string();
    assert!(text.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{text:?}");
    let again: ObjectName = text.parse().unwrap();
    assert_eq!(object(&again).identity, found.identity);
}

#[serial_test]
fn name_that_leads_to_another_file_is_not_proved_dead() {
    let file = SharedFile::new("insp-replaced");
    let before = object(&file.name());
    std::fs::remove_file(&file.path).unwrap();
    File::create(&file.path).unwrap();
    assert!(matches!(before.identity, Identity::File(_)));
    assert_eq!(ipcraft_inspect::remove_dead(&before).unwrap(), Err(ipcraft_inspect::Refusal::Changed));
    assert!(file.path.exists());
}
