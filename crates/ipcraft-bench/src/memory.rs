//! What the kernel may hold for a connection, told from the descriptors that building it added.
#![allow(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::socket::{getsockopt, sockopt};
use nix::sys::stat::{FileStat, SFlag, fstat};
use nix::sys::statfs::{HUGETLBFS_MAGIC, TMPFS_MAGIC, fstatfs};

/// The descriptors that this process has open at one moment.
pub(crate) struct Descriptors(BTreeSet<RawFd>);

impl Descriptors {
    /// Those open now. The one that reads the list is in the list, but closed by the time that they are looked at.
    pub(crate) fn now() -> io::Result<Descriptors> {
        let listed = listed()?;
        Ok(Descriptors(listed.into_iter().filter(|&number| duplicate(number).is_some()).collect()))
    }

    /// The capacity of the pipes, sockets and memory files among the descriptors that came after `before`, each counted
    /// once; none when there is none of them.
    pub(crate) fn capacity_added_since(&self, before: &Descriptors) -> Option<u64> {
        let added = self.0.iter().filter(|number| !before.0.contains(number));
        let objects: BTreeMap<Identity, u64> = added.filter_map(|&number| object(number)).collect();
        (!objects.is_empty()).then(|| objects.into_values().sum())
    }
}

fn listed() -> io::Result<Vec<RawFd>> {
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    fs::read_dir("/proc/self/fd")?.filter_map(|entry| entry.map(number).transpose()).collect()
}

/// Device and inode: two descriptors with the same are two ends, or two copies, of one object.
type Identity = (u64, u64);

/// The object behind a descriptor and its capacity, unless it is closed by now or of a kind that holds no data.
fn object(number: RawFd) -> Option<(Identity, u64)> {
    let descriptor = duplicate(number)?;
    let stat = fstat(&descriptor).ok()?;
    Some(((stat.st_dev, stat.st_ino), capacity(&descriptor, &stat)?))
}

fn capacity(descriptor: &OwnedFd, stat: &FileStat) -> Option<u64> {
    match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFIFO => fcntl(descriptor, FcntlArg::F_GETPIPE_SZ).ok()?.try_into().ok(),
        SFlag::S_IFSOCK => {
            let send = getsockopt(descriptor, sockopt::SndBuf).ok()?;
            let receive = getsockopt(descriptor, sockopt::RcvBuf).ok()?;
            Some((send + receive) as u64)
        }
        SFlag::S_IFREG if is_in_memory(descriptor) => stat.st_size.try_into().ok(),
        _ => None,
    }
}

/// Whether a file lives in memory: some kernel objects, message queues among them, look like regular files too.
fn is_in_memory(descriptor: &OwnedFd) -> bool {
    fstatfs(descriptor).is_ok_and(|fs| [TMPFS_MAGIC, HUGETLBFS_MAGIC].contains(&fs.filesystem_type()))
}

/// A descriptor of our own for the same object, so that nobody can close it meanwhile.
fn duplicate(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: because fcntl(2) with F_DUPFD_CLOEXEC takes integers and refuses a number that is not open.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) };
    // SAFETY: because fcntl(2) succeeded, the copy is new and nobody else has it.
    (copy >= 0).then(|| unsafe { OwnedFd::from_raw_fd(copy) })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::registry::{self, Implementation};
    use crate::supervise::build;

    fn added_by<T>(make: impl FnOnce() -> T) -> (T, Option<u64>) {
        let before = Descriptors::now().unwrap();
        let made = make();
        let capacity = Descriptors::now().unwrap().capacity_added_since(&before);
        (made, capacity)
    }

    fn of_mechanism(id: &str, who: Implementation) -> u64 {
        let connect = registry::find(id).unwrap().connect(who).unwrap();
        added_by(|| build(connect).unwrap()).1.unwrap()
    }

    #[test]
    fn two_pipes_hold_twice_what_one_does() {
        let ((_reader, writer), one) = added_by(|| crate::raw::file::pipe().unwrap());
        let capacity = fcntl(&writer, FcntlArg::F_GETPIPE_SZ).unwrap() as u64;
        assert_eq!(one, Some(capacity));
        for who in [Implementation::Ipcraft, Implementation::Raw] {
            assert_eq!(of_mechanism("pipe", who), 2 * capacity);
            assert_eq!(of_mechanism("fifo", who), 2 * capacity);
        }
    }

    #[test]
    fn every_socket_has_two_buffers() {
        let ((one, other), both) = added_by(|| crate::raw::socket::pair(libc::SOCK_STREAM).unwrap());
        let expected = [one, other].into_iter().map(|socket| {
            getsockopt(&socket, sockopt::SndBuf).unwrap() + getsockopt(&socket, sockopt::RcvBuf).unwrap()
        });
        assert_eq!(both, Some(expected.sum::<usize>() as u64));
    }

    #[test]
    fn a_file_in_memory_counts_once_however_often_it_is_open() {
        let name = c"ipcraft-bench";
        let make = || {
            let file = nix::sys::memfd::memfd_create(name, nix::sys::memfd::MFdFlags::MFD_CLOEXEC).unwrap();
            let mut file = fs::File::from(file);
            file.write_all(&[0; 5000]).unwrap();
            (file.try_clone().unwrap(), file)
        };
        assert_eq!(added_by(make).1, Some(5000));
    }

    #[test]
    fn files_elsewhere_and_nothing_at_all_are_not_counted() {
        assert_eq!(added_by(|| fs::File::open("/proc/self/stat").unwrap()).1, None);
        assert_eq!(added_by(|| ()).1, None);
    }
}
