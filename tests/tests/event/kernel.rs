//! The kernel as the one who adds: it does not wait for room.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

use ipcraft::ErrorKind;
use ipcraft::event::{EventFd, MAX};
use ipcraft_tests::suite::Outcome;
use nix::poll::PollFlags;

use super::polling::ready;
use super::{SHORT, kind_of, nonblocking};

/// `struct iocb` of include/uapi/linux/aio_abi.h, on a little-endian machine.
#[repr(C)]
#[derive(Default)]
struct Request {
    data: u64,
    key: u32,
    rw_flags: u32,
    operation: u16,
    priority: u16,
    file: u32,
    buffer: u64,
    length: u64,
    offset: u64,
    reserved: u64,
    flags: u32,
    event: u32,
}

const READ: u16 = 0;
const SIGNAL_AN_EVENTFD: u32 = 1;

pub(super) fn can_go_one_beyond() -> Outcome {
    let counter = nonblocking();
    counter.add(MAX).unwrap();
    if !let_the_kernel_add(&counter) {
        return Outcome::Skipped("the kernel was built without asynchronous I/O".into());
    }
    assert!(ready(&counter).contains(PollFlags::POLLIN | PollFlags::POLLERR));
    assert_eq!(kind_of(counter.try_add(1)), ErrorKind::Full);
    assert_eq!(kind_of(counter.add_timeout(1, SHORT)), ErrorKind::TimedOut);
    assert_eq!(counter.take().unwrap(), u64::MAX);
    assert_eq!(ready(&counter), PollFlags::POLLOUT);
    Outcome::Passed
}

/// io_submit(2): an asynchronous read whose end the kernel signals to the eventfd.
fn let_the_kernel_add(counter: &EventFd) -> bool {
    let mut context: libc::c_ulong = 0;
    // SAFETY: because io_setup(2) writes one context, to a variable of that type.
    if unsafe { libc::syscall(libc::SYS_io_setup, 1, &raw mut context) } != 0 {
        return false;
    }
    let (file, mut byte) = (File::open("/proc/self/exe").unwrap(), 0_u8);
    let mut request = Request {
        operation: READ,
        file: file.as_raw_fd() as u32,
        buffer: (&raw mut byte).expose_provenance() as u64,
        length: 1,
        flags: SIGNAL_AN_EVENTFD,
        event: counter.as_fd().as_raw_fd() as u32,
        ..Request::default()
    };
    let mut list = [&raw mut request];
    // SAFETY: because io_submit(2) takes a list of one request, and the byte that it writes to outlives io_destroy(2),
    // which waits for it.
    let submitted = unsafe { libc::syscall(libc::SYS_io_submit, context, 1, list.as_mut_ptr()) };
    assert_eq!(submitted, 1, "{}", std::io::Error::last_os_error());
    let mut done = [0_u64; 4];
    let forever = ptr::null::<libc::timespec>();
    // SAFETY: because io_getevents(2) writes one event of four words, to as much.
    let events = unsafe { libc::syscall(libc::SYS_io_getevents, context, 1, 1, done.as_mut_ptr(), forever) };
    assert_eq!(events, 1);
    // SAFETY: because the context is the one made above.
    assert_eq!(unsafe { libc::syscall(libc::SYS_io_destroy, context) }, 0);
    true
}
