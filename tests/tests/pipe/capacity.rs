//! How much a pipe holds, and the limits on that.

use std::fs;

use ipcraft::pipe::{Options, Reader, Writer};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{self, Outcome};
use libtest_mimic::Trial;
use nix::unistd::{Uid, geteuid, setresuid};

use crate::ends;

const PAGE: usize = 4096;
const MAX_SIZE: &str = "/proc/sys/fs/pipe-max-size";
const SOFT_QUOTA: &str = "/proc/sys/fs/pipe-user-pages-soft";

pub(crate) fn is_rounded_up_and_seen_at_both_ends() {
    let (reader, writer) = ends();
    for (asked, given) in [(1, PAGE), (PAGE, PAGE), (PAGE + 1, 2 * PAGE), (3 * PAGE, 4 * PAGE)] {
        assert_eq!(writer.set_capacity(asked).unwrap(), given);
        assert_eq!((reader.capacity().unwrap(), writer.capacity().unwrap()), (given, given));
        assert_eq!(reader.set_capacity(asked).unwrap(), given);
    }
    let (reader, _writer) = Options::new().capacity(PAGE + 1).create().unwrap();
    assert_eq!(reader.capacity().unwrap(), 2 * PAGE);
}

pub(crate) fn below_contents_is_in_use() {
    let (reader, writer) = ends();
    writer.write(&[0; 2 * PAGE]).unwrap();
    for error in [writer.set_capacity(PAGE).unwrap_err(), reader.set_capacity(PAGE).unwrap_err()] {
        assert_eq!((error.kind(), error.errno()), (ErrorKind::InUse, Some(libc::EBUSY)), "{error}");
    }
    reader.read(&mut [0; PAGE]).unwrap();
    assert_eq!(writer.set_capacity(PAGE).unwrap(), PAGE, "once drained");
}

pub(crate) fn above_the_limit_is_refused_by_name() {
    let max = sysctl(MAX_SIZE);
    let asked = max as usize + 1;
    match ends().1.set_capacity(asked) {
        Ok(given) => assert!(is_privileged() && given >= asked, "{given}"),
        Err(error) => is_refused(&error, MAX_SIZE, max, Some(asked as u64)),
    }
    if let Err(error) = Options::new().capacity(asked).create() {
        is_refused(&error, MAX_SIZE, max, Some(asked as u64));
    }
}

pub(crate) fn beyond_what_the_call_can_say_is_refused_too() {
    let (_reader, writer) = ends();
    for asked in [i32::MAX as usize, i32::MAX as usize + 1, usize::MAX] {
        let error = writer.set_capacity(asked).unwrap_err();
        let kinds = [ErrorKind::LimitReached, ErrorKind::Invalid];
        assert!(kinds.contains(&error.kind()), "{asked}: {error}");
    }
}

/// A user with many large pipes gets small ones from then on, which still work.
pub(crate) fn over_the_users_quota() -> Trial {
    suite::skippable("capacity::over_the_users_quota", || {
        if !geteuid().is_root() {
            return Outcome::Skipped(
                "it would take the pipes of this user's other programs; root can become nobody".into(),
            );
        }
        Peer::start(|| {
            // A user id that no program has: the quota is the user's, so nobody else feels this.
            let stranger = Uid::from_raw(1_900_000_000 + std::process::id() % 1000);
            setresuid(stranger, stranger, stranger).unwrap();
            exhaust_quota();
        })
        .join();
        Outcome::Passed
    })
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
        assert!(large.len() <= pipes_allowed, "the quota ends it");
    };
    is_refused(&error, SOFT_QUOTA, sysctl(SOFT_QUOTA), None);
    fill_up(&mut large);

    let (reader, writer) = ends();
    assert!(reader.capacity().unwrap() <= 2 * PAGE, "{}", reader.capacity().unwrap());
    works(&reader, &writer);
}

/// Takes what is left of the quota, for which the pipes above were too large.
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

fn is_refused(error: &Error, name: &str, value: u64, requested: Option<u64>) {
    assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::EPERM)), "{error}");
    let limit = error.limit().expect("which limit");
    assert_eq!((limit.name(), limit.value(), limit.requested()), (name, value, requested));
}

fn sysctl(path: &str) -> u64 {
    fs::read_to_string(path).unwrap().trim().parse().unwrap()
}

/// Whether this process has CAP_SYS_RESOURCE, which lifts the limit.
fn is_privileged() -> bool {
    const CAP_SYS_RESOURCE: u32 = 24;
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(effective.trim(), 16).unwrap() >> CAP_SYS_RESOURCE & 1 == 1
}
