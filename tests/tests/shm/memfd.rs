//! Memory without a name: seals, and what is taken from a peer.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;

use ipcraft::shm::HugePages;
use ipcraft::shm::memfd::{Memfd, Options, Seals};
use ipcraft::socket::{Ancillary, seqpacket};
use ipcraft::{ErrorKind, pipe};
use ipcraft_tests::peer::Peer;
use nix::fcntl::{FallocateFlags, FcntlArg, FdFlag, OFlag, fallocate, fcntl, open};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::Mode;

use super::{kind, page};

fn file(memory: &Memfd) -> File {
    File::from(memory.as_fd().try_clone_to_owned().unwrap())
}

fn errno<T: std::fmt::Debug>(result: std::io::Result<T>) -> Option<i32> {
    result.unwrap_err().raw_os_error()
}

pub(super) fn capacity_is_exact_and_sealed_from_birth() {
    for size in [1, page() - 1, page(), page() + 1] {
        let memory = Memfd::create("test", size).unwrap();
        assert_eq!((memory.size(), memory.map().unwrap().len()), (size, size));
        assert!(memory.seals().unwrap().contains(Seals::REQUIRED));
        assert_eq!(errno(file(&memory).set_len(size as u64 + 1)), Some(libc::EPERM));
        assert_eq!(errno(file(&memory).set_len(0)), Some(libc::EPERM));
        assert_eq!(kind(memory.seal(Seals::WRITE)), ErrorKind::PermissionDenied);
    }
}

pub(super) fn absurd_sizes_are_typed_errors() {
    assert_eq!(kind(Memfd::create("test", 0)), ErrorKind::Invalid);
    for size in [usize::MAX, isize::MAX as usize, 1 << 62] {
        assert_eq!(kind(Memfd::create("test", size)), ErrorKind::LimitReached);
    }
}

pub(super) fn it_is_neither_inherited_nor_executable() {
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

pub(super) fn names_have_at_most_249_bytes() {
    Memfd::create(&"n".repeat(249), 1).unwrap();
    Memfd::create("", 1).unwrap();
    assert_eq!(kind(Memfd::create(&"n".repeat(250), 1)), ErrorKind::InvalidName);
    assert_eq!(kind(Memfd::create("a\0b", 1)), ErrorKind::InvalidName);
}

pub(super) fn seals_can_be_added_until_that_is_sealed() {
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

pub(super) fn a_writer_may_keep_writing_what_others_only_read() {
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

pub(super) fn a_received_descriptor_needs_every_seal() {
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

pub(super) fn what_is_no_memfd_or_empty_is_refused() {
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

pub(super) fn a_descriptor_for_reading_cannot_be_mapped_for_writing() {
    let memory = Memfd::create("test", 10).unwrap();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&memory.as_fd()));
    let again = open(path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).unwrap();
    let received = Memfd::try_from(again).unwrap();
    assert_eq!(kind(received.map()), ErrorKind::PermissionDenied);
    received.map_read_only().unwrap();
}

pub(super) fn a_hole_reads_zero_and_is_no_fault() {
    let memory = Memfd::create("test", 2 * page()).unwrap();
    let mapping = memory.map().unwrap();
    mapping.write_at(0, &[1; 100]).unwrap();
    let mode = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    fallocate(memory.as_fd(), mode, 0, page() as i64).unwrap();
    let mut bytes = [1; 100];
    mapping.read_at(0, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 100]);
}

pub(super) fn it_travels_over_a_socket() {
    let (ours, theirs) = seqpacket::pair().unwrap();
    let peer = Peer::start(|| {
        let (_, mut received) = theirs.recv_descriptors(&mut [0; 8], 1).unwrap().unwrap();
        let memory = Memfd::try_from(received.remove(0)).unwrap();
        memory.map().unwrap().write_at(5000, b"from the peer").unwrap();
    });
    let memory = Memfd::create("test", 10_000).unwrap();
    ours.send_descriptors(b"memory", &[memory.as_fd()]).unwrap();
    peer.join();
    let mut text = [0; 13];
    memory.map().unwrap().read_at(5000, &mut text).unwrap();
    assert_eq!(&text, b"from the peer");
}

pub(super) fn huge_pages_are_whole_or_an_error() {
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

pub(super) fn pages_of_a_size_that_the_machine_lacks_are_unsupported() {
    for (pages, kib) in [(HugePages::SIZE_64K, 64), (HugePages::SIZE_32M, 32 << 10)] {
        if !std::path::Path::new(&format!("/sys/kernel/mm/hugepages/hugepages-{kib}kB")).exists() {
            let error = Options::new().huge_pages(pages).create("test", 1).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
    }
}
