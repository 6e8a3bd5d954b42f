//! `EventFd` in one process: every row of its errno table that one process can provoke. These tests
//! do not fork, so they run in parallel.

use std::fmt::Debug;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::ptr;
use std::time::{Duration, Instant};

use ipcraft::event::{EventFd, MAX, Options};
use ipcraft::{ErrorKind, Result, pipe};
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, SpliceFFlags, fcntl, splice};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

fn counter() -> EventFd {
    EventFd::new(0).expect("an eventfd")
}

fn nonblocking() -> EventFd {
    Options::new().nonblocking(true).create(0).expect("an eventfd")
}

fn kind_of<T: Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("the call should fail").kind()
}

/// Returns the events that poll(2) reports without waiting.
fn ready(counter: &EventFd) -> PollFlags {
    let mut fds = [PollFd::new(counter.as_fd(), PollFlags::POLLIN | PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).unwrap();
    fds[0].revents().unwrap()
}

#[test]
fn take_returns_the_sum_of_all_adds() {
    for initial in [0, 1, u32::MAX] {
        let counter = EventFd::new(initial).unwrap();
        counter.add(3).unwrap();
        counter.add(1 << 40).unwrap();
        assert_eq!(counter.take().unwrap(), u64::from(initial) + 3 + (1 << 40));
        assert_eq!(kind_of(counter.try_take()), ErrorKind::Empty);
    }
}

#[test]
fn take_in_semaphore_mode_returns_one() {
    let semaphore = Options::new().semaphore(true).create(2).unwrap();
    semaphore.add(2).unwrap();
    for take in [EventFd::take, EventFd::try_take, |s: &EventFd| s.take_timeout(LONG_TIMEOUT), EventFd::take]
    {
        assert_eq!(take(&semaphore).unwrap(), 1);
    }
    assert_eq!(kind_of(semaphore.try_take()), ErrorKind::Empty);
}

#[test]
fn add_of_zero_changes_nothing() {
    let counter = nonblocking();
    counter.add(0).unwrap();
    counter.try_add(0).unwrap();
    counter.add_timeout(0, SHORT_TIMEOUT).unwrap();
    assert_eq!(kind_of(counter.try_take()), ErrorKind::Empty);
    counter.add(MAX).unwrap();
    counter.try_add(0).expect("adding 0 always fits");
}

#[test]
fn add_beyond_the_maximum_fails_with_full() {
    assert_eq!(MAX, u64::MAX - 1);
    let counter = nonblocking();
    counter.add(MAX - 1).unwrap();
    counter.try_add(1).unwrap();
    for beyond in [1, 2, MAX] {
        let error = counter.try_add(beyond).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Full, Some(libc::EAGAIN)));
        assert_eq!(kind_of(counter.add(beyond)), ErrorKind::Full);
        assert_eq!(kind_of(counter.add_timeout(beyond, SHORT_TIMEOUT)), ErrorKind::TimedOut);
    }
    assert_eq!(counter.take().unwrap(), MAX, "a failed add changes nothing");
}

#[test]
fn add_of_more_than_the_maximum_fails_with_invalid() {
    let counter = nonblocking();
    for result in
        [counter.add(u64::MAX), counter.try_add(u64::MAX), counter.add_timeout(u64::MAX, LONG_TIMEOUT)]
    {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(libc::EINVAL)));
        let limit = error.limit().map(|limit| (limit.value(), limit.requested()));
        assert_eq!(limit, Some((MAX, Some(u64::MAX))));
    }
    assert_eq!(kind_of(counter.try_take()), ErrorKind::Empty);
}

#[test]
fn try_take_of_an_empty_counter_fails_with_empty() {
    let error = counter().try_take().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Empty, Some(libc::EAGAIN)));
    assert_eq!(error.to_string(), "read from eventfd: nothing to receive (EAGAIN)");
}

#[test]
fn timed_calls_expire_no_earlier_than_the_timeout() {
    let (empty, full) = (nonblocking(), nonblocking());
    full.add(MAX).unwrap();
    let calls: [fn(&EventFd, Duration) -> Result<()>; 4] = [
        |c, time| c.take_timeout(time).map(drop),
        EventFd::wait_timeout,
        |c, time| c.add_timeout(1, time),
        |c, time| c.add_timeout(MAX, time),
    ];
    for (counter, call) in [&empty, &empty, &full, &full].into_iter().zip(calls) {
        for time in [SHORT_TIMEOUT, Duration::ZERO] {
            let start = Instant::now();
            assert_eq!(kind_of(call(counter, time)), ErrorKind::TimedOut);
            assert!(start.elapsed() >= time);
        }
    }
    assert_eq!(full.take().unwrap(), MAX);
}

#[test]
fn timed_calls_with_zero_timeout_succeed_when_possible() {
    let counter = nonblocking();
    for time in [Duration::ZERO, Duration::MAX] {
        counter.add_timeout(3, time).unwrap();
        counter.wait_timeout(time).unwrap();
        assert_eq!(counter.take_timeout(time).unwrap(), 3);
    }
}

#[test]
fn try_add_on_a_blocking_counter_fails_with_unsupported() {
    let counter = counter();
    for result in [counter.try_add(1), counter.add_timeout(1, LONG_TIMEOUT)] {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Unsupported, None));
        assert!(error.to_string().contains("nonblocking"), "{error}");
    }
    assert_eq!(kind_of(counter.try_take()), ErrorKind::Empty, "nothing was added");
}

#[test]
fn poll_reports_readable_and_writable() {
    let counter = counter();
    assert_eq!(ready(&counter), PollFlags::POLLOUT);
    counter.add(MAX - 1).unwrap();
    assert_eq!(ready(&counter), PollFlags::POLLIN | PollFlags::POLLOUT);
    counter.add(1).unwrap();
    assert_eq!(ready(&counter), PollFlags::POLLIN);
    counter.take().unwrap();
    assert_eq!(ready(&counter), PollFlags::POLLOUT);
}

fn is_close_on_exec(fd: impl AsFd) -> bool {
    FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD).unwrap()).contains(FdFlag::FD_CLOEXEC)
}

#[test]
fn create_and_try_clone_set_close_on_exec() {
    for options in [Options::new(), Options::new().semaphore(true), Options::new().nonblocking(true)] {
        let counter = options.create(0).unwrap();
        assert!(is_close_on_exec(&counter));
        assert!(is_close_on_exec(counter.try_clone().unwrap()));
    }
}

#[test]
fn calls_on_another_kind_of_descriptor_fail_with_wrong_type() {
    let (reader, writer) = pipe::pipe().unwrap();
    writer.write(b"abc").unwrap();
    let foreign = EventFd::from(OwnedFd::from(reader));
    let error = foreign.take().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::WrongType, None), "{error}");
    writer.write(b"abc").unwrap();
    assert_eq!(kind_of(foreign.try_take()), ErrorKind::WrongType);
    // Before Linux 6.4, and after this call on any kernel, a pipe refuses the flag of one call.
    splice_to_nowhere(&foreign);
    assert_eq!(kind_of(foreign.try_take()), ErrorKind::WrongType);
    drop(writer);
    assert_eq!(
        kind_of(foreign.take_timeout(LONG_TIMEOUT)),
        ErrorKind::WrongType,
        "the end of a stream is not a count"
    );
    assert_eq!(kind_of(foreign.add(1)), ErrorKind::Other, "EBADF");
    let file = EventFd::from(OwnedFd::from(File::open("/dev/null").unwrap()));
    assert_eq!(kind_of(file.take()), ErrorKind::WrongType);
}

/// A program that shares the description may change its flags at any time.
#[test]
fn calls_after_a_peer_changed_the_blocking_flag_follow_it() {
    let set = |counter: &EventFd, flags| fcntl(counter, FcntlArg::F_SETFL(flags)).map(drop).unwrap();
    let counter = counter();
    set(&counter, OFlag::O_NONBLOCK);
    assert_eq!(kind_of(counter.take()), ErrorKind::Empty);
    assert_eq!(kind_of(counter.take_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    let forms: [fn(&EventFd) -> Result<()>; 2] = [|c| c.try_add(1), |c| c.add_timeout(1, Duration::ZERO)];
    for form in forms {
        form(&counter).unwrap();
        assert_eq!(counter.take().unwrap(), 1);
    }
    let counter = nonblocking();
    set(&counter, OFlag::empty());
    assert_eq!(kind_of(counter.try_take()), ErrorKind::Empty);
    assert_eq!(kind_of(counter.try_add(1)), ErrorKind::Unsupported);
}

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
const SIGNAL_EVENTFD: u32 = 1;

#[test]
fn kernel_adds_one_beyond_the_maximum_and_poll_reports_an_error() {
    let counter = nonblocking();
    counter.add(MAX).unwrap();
    if !let_the_kernel_add(&counter) {
        println!("skipped: the kernel was built without asynchronous I/O");
        return;
    }
    assert!(ready(&counter).contains(PollFlags::POLLIN | PollFlags::POLLERR));
    assert_eq!(kind_of(counter.try_add(1)), ErrorKind::Full);
    assert_eq!(kind_of(counter.add_timeout(1, SHORT_TIMEOUT)), ErrorKind::TimedOut);
    assert_eq!(counter.take().unwrap(), u64::MAX);
    assert_eq!(ready(&counter), PollFlags::POLLOUT);
}

/// io_submit(2): submits a read whose completion the kernel signals to the eventfd. Returns false
/// if the kernel has no asynchronous I/O.
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
        flags: SIGNAL_EVENTFD,
        event: counter.as_fd().as_raw_fd() as u32,
        ..Request::default()
    };
    let mut list = [&raw mut request];
    // SAFETY: because io_submit(2) takes a list of one request, and the byte that it writes
    // outlives io_destroy(2), which waits for the request.
    let submitted = unsafe { libc::syscall(libc::SYS_io_submit, context, 1, list.as_mut_ptr()) };
    assert_eq!(submitted, 1, "{}", std::io::Error::last_os_error());
    let mut done = [0_u64; 4];
    let no_timeout = ptr::null::<libc::timespec>();
    // SAFETY: because io_getevents(2) writes one event of four words, to memory of that size.
    let events =
        unsafe { libc::syscall(libc::SYS_io_getevents, context, 1, 1, done.as_mut_ptr(), no_timeout) };
    assert_eq!(events, 1);
    // SAFETY: because io_setup(2) made the context above.
    assert_eq!(unsafe { libc::syscall(libc::SYS_io_destroy, context) }, 0);
    true
}

/// A splicing call, after which the kernel refuses `RWF_NOWAIT` on the pipe.
fn splice_to_nowhere(pipe: &EventFd) {
    let (_reader, writer) = pipe::pipe().unwrap();
    let moved = splice(pipe, None, &writer, None, 1, SpliceFFlags::SPLICE_F_NONBLOCK);
    // Before Linux 6.4 the refused call has left its bytes in the pipe.
    assert!(matches!(moved, Ok(1) | Err(Errno::EAGAIN)), "{moved:?}");
}
