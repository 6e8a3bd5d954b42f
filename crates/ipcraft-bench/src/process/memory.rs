//! How much the kernel may hold for a connection, derived from the descriptors that it added.
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
pub(super) struct Descriptors(BTreeSet<RawFd>);

impl Descriptors {
    /// Lists the open descriptors. The listing contains its own descriptor, which is closed by
    /// then.
    pub(super) fn now() -> io::Result<Descriptors> {
        let listed = listed()?;
        Ok(Descriptors(listed.into_iter().filter(|&number| duplicate(number).is_some()).collect()))
    }

    /// Returns the capacity of the pipes, sockets and memory files opened since `before`. Each
    /// object counts once. `None` if there is no such object.
    pub(super) fn capacity_added_since(&self, before: &Descriptors) -> Option<u64> {
        let added = self.0.iter().filter(|number| !before.0.contains(number));
        let objects: BTreeMap<Identity, u64> = added.filter_map(|&number| object(number)).collect();
        (!objects.is_empty()).then(|| objects.into_values().sum())
    }
}

fn listed() -> io::Result<Vec<RawFd>> {
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    fs::read_dir("/proc/self/fd")?.filter_map(|entry| entry.map(number).transpose()).collect()
}

/// Device and inode, which two endpoints or two copies of one object share.
type Identity = (u64, u64);

/// Returns a descriptor's object and capacity. `None` if it is closed or holds no data.
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

/// Returns whether a file is in memory. Message queues and others also appear as regular files.
fn is_in_memory(descriptor: &OwnedFd) -> bool {
    fstatfs(descriptor).is_ok_and(|fs| [TMPFS_MAGIC, HUGETLBFS_MAGIC].contains(&fs.filesystem_type()))
}

/// Duplicates a descriptor, so that it stays open while it is examined.
fn duplicate(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: because fcntl(2) with F_DUPFD_CLOEXEC takes integers and refuses a number that is not
    // open.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) };
    // SAFETY: because fcntl(2) succeeded, so the copy is new and has no other owner.
    (copy >= 0).then(|| unsafe { OwnedFd::from_raw_fd(copy) })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::alone::alone;
    use crate::baseline::{pipes, sockets};
    use crate::catalog;
    use crate::mechanism::Implementation;
    use crate::process::build;

    fn added_by<T>(make: impl FnOnce() -> T) -> (T, Option<u64>) {
        let before = Descriptors::now().unwrap();
        let made = make();
        let capacity = Descriptors::now().unwrap().capacity_added_since(&before);
        (made, capacity)
    }

    fn of_mechanism(id: &str, implementation: Implementation) -> u64 {
        let connect = catalog::find(id).unwrap().connect(implementation).unwrap();
        added_by(|| build(connect).unwrap()).1.unwrap()
    }

    #[test]
    fn capacity_of_two_pipes_is_twice_that_of_one() {
        let _alone = alone();
        let ((_reader, writer), one) = added_by(|| pipes::pipe().unwrap());
        let capacity = fcntl(&writer, FcntlArg::F_GETPIPE_SZ).unwrap() as u64;
        assert_eq!(one, Some(capacity));
        for implementation in [Implementation::Ipcraft, Implementation::Baseline] {
            assert_eq!(of_mechanism("pipe", implementation), 2 * capacity);
            assert_eq!(of_mechanism("fifo", implementation), 2 * capacity);
        }
    }

    #[test]
    fn capacity_of_socket_is_both_buffers() {
        let _alone = alone();
        let ((one, other), both) = added_by(|| sockets::pair(libc::SOCK_STREAM).unwrap());
        let expected = [one, other].into_iter().map(|socket| {
            getsockopt(&socket, sockopt::SndBuf).unwrap() + getsockopt(&socket, sockopt::RcvBuf).unwrap()
        });
        assert_eq!(both, Some(expected.sum::<usize>() as u64));
    }

    #[test]
    fn capacity_counts_memory_file_once() {
        let _alone = alone();
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
    fn capacity_ignores_other_files() {
        let _alone = alone();
        assert_eq!(added_by(|| fs::File::open("/proc/self/stat").unwrap()).1, None);
        assert_eq!(added_by(|| ()).1, None);
    }
}
