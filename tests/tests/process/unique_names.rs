//! Unique names of processes that have the same id, in two pid namespaces.
use ipcraft::name;
use ipcraft::pipe::{self, Writer};
use ipcraft_tests::namespace::with_own_pids;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use nix::unistd::{Pid, getpid};

#[serial_test]
fn unique_names_in_two_pid_namespaces_differ() -> Outcome {
    let mut names = Vec::new();
    for _ in 0..2 {
        let (reader, writer) = pipe::pipe().unwrap();
        if let Outcome::Skipped(reason) = with_own_pids(|| Peer::start(|| write_name(&writer)).join()) {
            return Outcome::Skipped(reason);
        }
        let mut name = [0; 64];
        let length = reader.read(&mut name).unwrap();
        names.push(String::from_utf8(name[..length].to_vec()).unwrap());
    }
    // Both processes inherited the same count.
    assert!(names.iter().all(|name| name.starts_with("x-1-")), "{names:?}");
    assert_ne!(names[0], names[1]);
    Outcome::Passed
}

/// The first process of a namespace has the id 1.
fn write_name(writer: &Writer) {
    assert_eq!(getpid(), Pid::from_raw(1));
    writer.write(name::unique("x").as_bytes()).unwrap();
}
