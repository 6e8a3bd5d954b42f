//! File locks that processes wait for, from proc_locks(5).

use std::collections::HashMap;

use crate::identity::FileId;

/// A line of `/proc/locks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileLock {
    /// Lines with the same number belong to one lock and the requests that wait for it.
    pub(crate) number: u64,
    pub(crate) is_waiting: bool,
    /// `POSIX`, `OFDLCK`, `FLOCK`.
    pub(crate) kind: String,
    /// The process; none for locks of open file descriptions and for other pid namespaces.
    pub(crate) pid: Option<u32>,
    pub(crate) file: FileId,
    /// First byte and last byte, as printed.
    pub(crate) range: String,
}

/// Parses `1: -> POSIX ADVISORY WRITE 4711 00:1a:42 0 EOF`.
fn parse(line: &str) -> Option<FileLock> {
    let mut fields = line.split_ascii_whitespace().peekable();
    let number = fields.next()?.strip_suffix(':')?.parse().ok()?;
    let is_waiting = fields.next_if_eq(&"->").is_some();
    let kind = fields.next()?.to_owned();
    let (_advisory, _access) = (fields.next()?, fields.next()?);
    let pid = fields.next()?.parse::<i64>().ok()?;
    let mut file = fields.next()?.split(':');
    let mut device = || u32::from_str_radix(file.next()?, 16).ok();
    let (major, minor) = (device()?, device()?);
    let inode = file.next()?.parse().ok()?;
    let range = format!("{}-{}", fields.next()?, fields.next()?);
    let pid = u32::try_from(pid).ok().filter(|pid| *pid > 0);
    Some(FileLock { number, is_waiting, kind, pid, file: FileId::new(major, minor, inode), range })
}

/// Each request that waits, with the lock that it waits for.
pub(crate) fn waiting() -> Vec<(FileLock, FileLock)> {
    pairs(&std::fs::read_to_string("/proc/locks").unwrap_or_default())
}

fn pairs(text: &str) -> Vec<(FileLock, FileLock)> {
    let locks: Vec<FileLock> = text.lines().filter_map(parse).collect();
    let held: HashMap<u64, &FileLock> =
        locks.iter().filter(|lock| !lock.is_waiting).map(|lock| (lock.number, lock)).collect();
    let waiting = locks.iter().filter(|lock| lock.is_waiting);
    waiting.filter_map(|lock| Some((lock.clone(), (*held.get(&lock.number)?).clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_a_text_are_waiting_requests_with_their_locks() {
        let text = "1: POSIX  ADVISORY  WRITE 11 00:1a:42 0 EOF\n\
                    1: -> POSIX  ADVISORY  WRITE 12 00:1a:42 0 EOF\n\
                    1:  -> POSIX  ADVISORY  READ 13 00:1a:42 5 9\n\
                    2: OFDLCK ADVISORY  WRITE -1 fd:01:7 281474976710656 281474976710656\n\
                    3: FLOCK  ADVISORY  WRITE 14 fd:01:7 0 EOF\n\
                    garbage\n";
        let found = pairs(text);
        let pids: Vec<_> = found.iter().map(|(waits, held)| (waits.pid, held.pid)).collect();
        assert_eq!(pids, [(Some(12), Some(11)), (Some(13), Some(11))]);
        assert_eq!(found[1].0.range, "5-9");
        assert_eq!(found[0].1.file, FileId::new(0, 0x1a, 42));
        assert_eq!(parse("2: OFDLCK ADVISORY  WRITE -1 fd:01:7 0 0").unwrap().pid, None);
    }
}
