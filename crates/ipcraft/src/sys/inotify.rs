//! inotify(7): events of an inode, as numbers.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

use super::{readv, retry};

/// Length of an event without a name: `struct inotify_event`.
const EVENT_LEN: usize = 16;

/// One event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// The watch; -1 if events were lost.
    pub(crate) watch: i32,
    /// What happened: `IN_` bits.
    pub(crate) mask: u32,
}

/// An instance, which is one of few that a user may have (`fs.inotify.max_user_instances`).
#[derive(Debug)]
pub(crate) struct Inotify(OwnedFd);

impl Inotify {
    /// inotify_init1(2): a close-on-exec instance whose reads do not block.
    pub(crate) fn new() -> nix::Result<Inotify> {
        // SAFETY: because inotify_init1(2) takes no pointer.
        let fd = Errno::result(unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) })?;
        // SAFETY: because the kernel just returned this descriptor, which has no other owner.
        Ok(Inotify(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// inotify_add_watch(2) on the file that the path leads to. The events are added to those of an
    /// existing watch of the same inode, whose number is returned.
    pub(crate) fn watch(&self, path: &str, events: u32) -> nix::Result<i32> {
        let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
        let events = events | libc::IN_MASK_ADD;
        // SAFETY: because the path ends with a zero byte and lives until the call returns.
        Errno::result(unsafe { libc::inotify_add_watch(self.0.as_raw_fd(), path.as_ptr(), events) })
    }

    /// inotify_rm_watch(2). The watch may be gone already.
    pub(crate) fn unwatch(&self, watch: i32) {
        // SAFETY: because inotify_rm_watch(2) takes no pointer.
        unsafe { libc::inotify_rm_watch(self.0.as_raw_fd(), watch) };
    }

    /// read(2): calls `take` for each event that has happened.
    pub(crate) fn for_each_event(&self, mut take: impl FnMut(Event)) -> nix::Result<()> {
        let mut buffer = [0; 64 * EVENT_LEN];
        loop {
            let read = match retry(|| readv::read(self.0.as_fd(), &mut buffer)) {
                Err(Errno::EAGAIN) => return Ok(()),
                read => read?,
            };
            events(&buffer[..read]).for_each(&mut take);
            // Less than the buffer holds was everything.
            if read <= buffer.len() - EVENT_LEN {
                return Ok(());
            }
        }
    }
}

impl AsFd for Inotify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The events in what was read. A file has no names below it, but one is skipped.
fn events(mut bytes: &[u8]) -> impl Iterator<Item = Event> {
    std::iter::from_fn(move || {
        let (event, rest) = bytes.split_at_checked(EVENT_LEN)?;
        let word = |at: usize| Some(u32::from_ne_bytes(event[at..at + 4].try_into().ok()?));
        bytes = rest.get(word(12)? as usize..).unwrap_or_default();
        Some(Event { watch: word(0)?.cast_signed(), mask: word(4)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(watch: i32, mask: u32, name: &[u8]) -> Vec<u8> {
        let words = [watch.cast_unsigned(), mask, 0, name.len() as u32];
        words.iter().flat_map(|word| word.to_ne_bytes()).chain(name.iter().copied()).collect()
    }

    #[test]
    fn events_of_several_watches_are_parsed_and_names_skipped() {
        let bytes = [raw(1, 2, b""), raw(-1, libc::IN_Q_OVERFLOW, b"name\0\0\0\0"), raw(3, 8, b"")].concat();
        let found: Vec<_> = events(&bytes).map(|event| (event.watch, event.mask)).collect();
        assert_eq!(found, [(1, 2), (-1, libc::IN_Q_OVERFLOW), (3, 8)]);
        assert_eq!(events(&bytes[..bytes.len() - 1]).count(), 2);
    }

    #[test]
    fn for_each_event_reports_reads_and_closes_of_a_watched_file() {
        use std::io::Read;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"text").unwrap();
        let inotify = Inotify::new().unwrap();
        let watch = inotify.watch(file.path().to_str().unwrap(), libc::IN_ACCESS).unwrap();
        let mut seen = Vec::new();
        inotify.for_each_event(|event| seen.push(event.mask)).unwrap();
        assert_eq!(seen, []);
        file.read_exact(&mut [0; 2]).unwrap();
        assert_eq!(inotify.watch(file.path().to_str().unwrap(), libc::IN_CLOSE_WRITE).unwrap(), watch);
        drop(std::fs::File::options().write(true).open(file.path()).unwrap());
        inotify.for_each_event(|event| seen.push(event.mask)).unwrap();
        assert_eq!(seen, [libc::IN_ACCESS, libc::IN_CLOSE_WRITE]);
        inotify.unwatch(watch);
    }
}
