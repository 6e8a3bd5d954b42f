//! The limits of descriptors and of pipe memory.

use std::fs;

use ipcraft::ErrorKind;
use ipcraft::pipe::{Options, Reader, Writer, duplex, pipe};
use ipcraft_tests::leak;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Uid, geteuid, setresuid};

use crate::{ends, kind_of};

const PAGE: usize = 4096;
const MAX_SIZE: &str = "/proc/sys/fs/pipe-max-size";
const SOFT_QUOTA: &str = "/proc/sys/fs/pipe-user-pages-soft";

#[serial_test]
fn pipe_with_full_descriptor_table_names_the_limit() {
    Peer::start(|| {
        // First two descriptors are free, as many as a pipe needs; then one.
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let allowed = lowest_unused() + 2;
        setrlimit(Resource::RLIMIT_NOFILE, allowed, hard).unwrap();
        drop(ends());
        assert_eq!(kind_of(duplex()), ErrorKind::LimitReached, "a duplex needs four");
        drop(pipe().expect("the failure left none open"));

        let _one = std::fs::File::open("/dev/null").unwrap();
        for error in [pipe().unwrap_err(), Options::new().capacity(1).create().unwrap_err()] {
            assert_eq!(
                (error.kind(), error.errno()),
                (ErrorKind::LimitReached, Some(libc::EMFILE)),
                "{error}"
            );
            let limit = error.limit().expect("which limit");
            assert_eq!((limit.name(), limit.value()), ("RLIMIT_NOFILE", allowed));
        }
    })
    .join();
}

/// Fills the gaps in the descriptor table of this child, and returns the lowest unused number.
fn lowest_unused() -> u64 {
    let taken = leak::descriptors();
    let highest = taken.iter().map(|(fd, _)| u64::from(*fd)).max().unwrap_or(2);
    // The fillers stay open until the child exits.
    let gaps = (0..=highest).filter(|fd| !taken.iter().any(|(number, _)| u64::from(*number) == *fd)).count();
    (0..gaps).for_each(|_| std::mem::forget(std::fs::File::open("/dev/null").unwrap()));
    highest + 1
}

/// A user with many large pipes then gets small ones, which still work.
#[serial_test]
fn create_above_the_user_quota_returns_small_pipes() -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("it would use up the quota of this user; run it as root".into());
    }
    Peer::start(|| {
        // No program has this user id, so no other process shares the quota.
        let unused = Uid::from_raw(1_900_000_000 + std::process::id() % 1000);
        setresuid(unused, unused, unused).unwrap();
        exhaust_quota();
    })
    .join();
    Outcome::Passed
}

fn exhaust_quota() {
    let size = sysctl(MAX_SIZE) as usize;
    let pipes_allowed = sysctl(SOFT_QUOTA) as usize * PAGE / size;
    let mut large = Vec::new();
    let error = loop {
        match Options::new().capacity(size).create() {
            Ok(pipe) => large.push(pipe),
            Err(error) => break error,
        }
        assert!(large.len() <= pipes_allowed, "the quota limits the number");
    };
    assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::EPERM)), "{error}");
    let limit = error.limit().expect("the exceeded limit");
    assert_eq!((limit.name(), limit.value()), (SOFT_QUOTA, sysctl(SOFT_QUOTA)));
    fill_up(&mut large);

    let (reader, writer) = ends();
    assert!(reader.capacity().unwrap() <= 2 * PAGE, "{}", reader.capacity().unwrap());
    works(&reader, &writer);
}

/// Uses up the rest of the quota, which was too small for the pipes above.
fn fill_up(pipes: &mut Vec<(Reader, Writer)>) {
    loop {
        let (reader, writer) = ends();
        if reader.capacity().unwrap() <= 2 * PAGE {
            return;
        }
        pipes.push((reader, writer));
    }
}

fn works(reader: &Reader, writer: &Writer) {
    for round in 0..10 {
        assert_eq!(writer.write(&[round; PAGE]).unwrap(), PAGE);
        let mut buffer = [0; PAGE];
        assert_eq!(reader.read(&mut buffer).unwrap(), PAGE);
        assert_eq!(buffer, [round; PAGE]);
    }
}

fn sysctl(path: &str) -> u64 {
    fs::read_to_string(path).unwrap().trim().parse().unwrap()
}
