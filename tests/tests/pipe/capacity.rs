//! The capacity of a pipe, and its limits.

use std::fs;

use ipcraft::pipe::Options;
use ipcraft::{Error, ErrorKind};

use crate::ends;

const PAGE: usize = 4096;
const MAX_SIZE: &str = "/proc/sys/fs/pipe-max-size";

#[test]
fn set_capacity_rounds_up_and_applies_to_both_ends() {
    let (reader, writer) = ends();
    for (asked, given) in [(1, PAGE), (PAGE, PAGE), (PAGE + 1, 2 * PAGE), (3 * PAGE, 4 * PAGE)] {
        assert_eq!(writer.set_capacity(asked).unwrap(), given);
        assert_eq!((reader.capacity().unwrap(), writer.capacity().unwrap()), (given, given));
        assert_eq!(reader.set_capacity(asked).unwrap(), given);
    }
    let (reader, _writer) = Options::new().capacity(PAGE + 1).create().unwrap();
    assert_eq!(reader.capacity().unwrap(), 2 * PAGE);
}

#[test]
fn set_capacity_below_the_contents_returns_in_use() {
    let (reader, writer) = ends();
    writer.write(&[0; 2 * PAGE]).unwrap();
    for error in [writer.set_capacity(PAGE).unwrap_err(), reader.set_capacity(PAGE).unwrap_err()] {
        assert_eq!((error.kind(), error.errno()), (ErrorKind::InUse, Some(libc::EBUSY)), "{error}");
    }
    reader.read(&mut [0; PAGE]).unwrap();
    assert_eq!(writer.set_capacity(PAGE).unwrap(), PAGE, "once drained");
}

#[test]
fn set_capacity_above_the_limit_names_it() {
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

#[test]
fn set_capacity_above_c_int_returns_limit_reached() {
    let (_reader, writer) = ends();
    for asked in [i32::MAX as usize, i32::MAX as usize + 1, usize::MAX] {
        let error = writer.set_capacity(asked).unwrap_err();
        let kinds = [ErrorKind::LimitReached, ErrorKind::Invalid];
        assert!(kinds.contains(&error.kind()), "{asked}: {error}");
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
