//! Memfds: size, seals and received descriptors.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use ipcraft::shm::HugePages;
use ipcraft::shm::memfd::{Memfd, Options, Seals};
use ipcraft::{ErrorKind, pipe};
use nix::fcntl::{FallocateFlags, FcntlArg, FdFlag, OFlag, fallocate, fcntl, open};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::Mode;

use crate::{kind, page};

fn file(memory: &Memfd) -> File {
    File::from(memory.as_fd().try_clone_to_owned().unwrap())
}

fn errno<T: std::fmt::Debug>(result: std::io::Result<T>) -> Option<i32> {
    result.unwrap_err().raw_os_error()
}

#[test]
fn memfd_has_exact_size_and_is_sealed_at_creation() {
    for size in [1, page() - 1, page(), page() + 1] {
        let memory = Memfd::create("test", size).unwrap();
        assert_eq!((memory.size(), memory.map().unwrap().len()), (size, size));
        assert!(memory.seals().unwrap().contains(Seals::REQUIRED));
        assert_eq!(errno(file(&memory).set_len(size as u64 + 1)), Some(libc::EPERM));
        assert_eq!(errno(file(&memory).set_len(0)), Some(libc::EPERM));
        assert_eq!(kind(memory.seal(Seals::WRITE)), ErrorKind::PermissionDenied);
    }
}

#[test]
fn memfd_create_with_impossible_size_fails() {
    assert_eq!(kind(Memfd::create("test", 0)), ErrorKind::Invalid);
    for size in [usize::MAX, isize::MAX as usize, 1 << 62] {
        assert_eq!(kind(Memfd::create("test", size)), ErrorKind::LimitReached);
    }
}

#[test]
fn memfd_is_close_on_exec_and_not_executable() {
    let memory = Memfd::create("test", 1).unwrap();
    let flags = fcntl(memory.as_fd(), FcntlArg::F_GETFD).unwrap();
    assert!(FdFlag::from_bits_truncate(flags).contains(FdFlag::FD_CLOEXEC));
    // Kernels before 6.3 do not know the seal, and give the memory the mode of a program.
    if memory.seals().unwrap().contains(Seals::EXECUTE) {
        let mut mode = file(&memory).metadata().unwrap().permissions();
        assert_eq!(mode.mode() & 0o111, 0);
        mode.set_mode(0o755);
        assert_eq!(errno(file(&memory).set_permissions(mode)), Some(libc::EPERM));
    }
}

#[test]
fn memfd_name_above_249_bytes_is_rejected() {
    Memfd::create(&"n".repeat(249), 1).unwrap();
    Memfd::create("", 1).unwrap();
    assert_eq!(kind(Memfd::create(&"n".repeat(250), 1)), ErrorKind::InvalidName);
    assert_eq!(kind(Memfd::create("a\0b", 1)), ErrorKind::InvalidName);
}

#[test]
fn seal_adds_seals_until_seal_is_set() {
    let memory = Options::new().unsealed().create("test", 100).unwrap();
    assert_eq!(memory.seals().unwrap().without(Seals::EXECUTE), Seals::SHRINK | Seals::GROW);
    let mapping = memory.map().unwrap();
    mapping.write_at(0, b"fixed").unwrap();
    let error = memory.seal(Seals::WRITE).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::InUse, Some(libc::EBUSY)));
    drop(mapping);
    let other = memory.try_clone().unwrap();
    other.seal(Seals::WRITE | Seals::SEAL).unwrap();
    assert!(memory.seals().unwrap().contains(Seals::WRITE), "seals belong to the memory");
    assert_eq!(kind(memory.map()), ErrorKind::PermissionDenied);
    assert_eq!(kind(memory.seal(Seals::FUTURE_WRITE)), ErrorKind::PermissionDenied);
}

#[test]
fn future_write_seal_keeps_existing_writable_mappings() {
    let memory = Options::new().unsealed().create("test", 100).unwrap();
    let writer = memory.map().unwrap();
    memory.seal(Seals::FUTURE_WRITE | Seals::SEAL).unwrap();
    assert_eq!(kind(memory.map()), ErrorKind::PermissionDenied);
    let reader = memory.map_read_only().unwrap();
    writer.write_at(0, b"news").unwrap();
    let mut text = [0; 4];
    reader.read_at(0, &mut text).unwrap();
    assert_eq!(&text, b"news");
}

#[test]
fn try_from_descriptor_without_a_required_seal_fails() {
    let cases = [
        (Seals::GROW | Seals::SEAL, "F_SEAL_SHRINK"),
        (Seals::SHRINK | Seals::SEAL, "F_SEAL_GROW"),
        (Seals::SHRINK | Seals::GROW, "F_SEAL_SEAL"),
    ];
    for (seals, missing) in cases {
        let fd = foreign(100);
        add_seals(&fd, seals);
        let error = Memfd::try_from(fd).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongType);
        assert!(error.to_string().contains(missing), "{error}");
    }
    let fd = foreign(100);
    add_seals(&fd, Seals::REQUIRED);
    assert_eq!(Memfd::try_from(fd).unwrap().size(), 100);
}

#[test]
fn try_from_other_descriptor_or_empty_memfd_fails() {
    let (reader, _writer) = pipe::pipe().unwrap();
    let error = Memfd::try_from(OwnedFd::from(reader)).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::WrongType, Some(libc::EINVAL)));
    assert_eq!(
        kind(Memfd::try_from(OwnedFd::from(File::open("/proc/self/exe").unwrap()))),
        ErrorKind::WrongType
    );
    let fd = foreign(0);
    add_seals(&fd, Seals::REQUIRED);
    assert_eq!(kind(Memfd::try_from(fd)), ErrorKind::WrongType);
}

fn foreign(size: i64) -> OwnedFd {
    let fd = memfd_create("foreign", MFdFlags::MFD_ALLOW_SEALING | MFdFlags::MFD_CLOEXEC).unwrap();
    nix::unistd::ftruncate(&fd, size).unwrap();
    fd
}

/// The numbers are those of linux/fcntl.h.
fn add_seals(fd: &OwnedFd, seals: Seals) {
    let numbers = [(Seals::SEAL, 1), (Seals::SHRINK, 2), (Seals::GROW, 4)];
    let bits = numbers.iter().filter(|(seal, _)| seals.contains(*seal)).map(|(_, bit)| bit).sum();
    fcntl(fd, FcntlArg::F_ADD_SEALS(nix::fcntl::SealFlag::from_bits_retain(bits))).unwrap();
}

#[test]
fn read_only_descriptor_cannot_be_mapped_for_writing() {
    let memory = Memfd::create("test", 10).unwrap();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&memory.as_fd()));
    let again = open(path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).unwrap();
    let received = Memfd::try_from(again).unwrap();
    assert_eq!(kind(received.map()), ErrorKind::PermissionDenied);
    received.map_read_only().unwrap();
}

#[test]
fn punched_hole_reads_as_zero() {
    let memory = Memfd::create("test", 2 * page()).unwrap();
    let mapping = memory.map().unwrap();
    mapping.write_at(0, &[1; 100]).unwrap();
    let mode = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    fallocate(memory.as_fd(), mode, 0, page() as i64).unwrap();
    let mut bytes = [1; 100];
    mapping.read_at(0, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 100]);
}

#[test]
fn huge_page_memfd_is_whole_pages_or_an_error() {
    match Options::new().huge_pages(HugePages::DEFAULT).create("test", 1) {
        Ok(memory) => {
            assert!(memory.size() >= 64 << 10, "{}", memory.size());
            memory.map().unwrap().write_at(memory.size() - 1, b"x").unwrap();
        }
        Err(error) => {
            let kinds = [ErrorKind::LimitReached, ErrorKind::Unsupported];
            assert!(kinds.contains(&error.kind()), "{error}");
        }
    }
}

#[test]
fn huge_pages_of_unsupported_size_fail() {
    for (pages, kib) in [(HugePages::SIZE_64K, 64), (HugePages::SIZE_32M, 32 << 10)] {
        if !std::path::Path::new(&format!("/sys/kernel/mm/hugepages/hugepages-{kib}kB")).exists() {
            let error = Options::new().huge_pages(pages).create("test", 1).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
    }
}

#[test]
fn memfd_that_is_sparse_takes_memory_when_reserved() {
    const SIZE: usize = 1 << 40;
    let memory = Options::new().sparse(true).create("test", SIZE).unwrap();
    let bytes = || file(&memory).metadata().unwrap().blocks() * 512;
    assert_eq!((memory.size(), bytes()), (SIZE, 0));
    assert!(memory.seals().unwrap().contains(Seals::REQUIRED));
    memory.reserve(SIZE - 16_384, 16_384).unwrap();
    assert_eq!(bytes(), 16_384);
    memory.map().unwrap().write_at(SIZE - 1, b"x").unwrap();
    for (offset, length) in [(SIZE, 1), (0, 0), (SIZE - 1, 2), (usize::MAX, 2)] {
        assert_eq!(kind(memory.reserve(offset, length)), ErrorKind::Invalid);
    }
    for error in [memory.reserve(0, SIZE).unwrap_err(), memory.map().unwrap().populate().unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::LimitReached, "{error}");
    }
    assert_eq!(bytes(), 16_384);
}

#[test]
fn memfd_with_exact_mode_has_it_and_decimal_modes_are_refused() {
    let memory = Options::new().exact_mode(0o640).create("test", 1).unwrap();
    assert_eq!(file(&memory).metadata().unwrap().permissions().mode() & 0o777, 0o640);
    let error = Options::new().exact_mode(666).create("test", 1).unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::Invalid, Some("test")), "{error}");
}
