//! The storm really hits: system calls that are made without this library end with `EINTR` in it.
//!
//! With `SA_RESTART` the kernel restarts some of them, and never others (signal(7)).

use std::fs::File;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use ipcraft::event::EventFd;
use ipcraft::semaphore::sysv::SemaphoreSet;
use ipcraft::shm::memfd::Memfd;
use ipcraft::socket::stream::{Listener, Stream};
use ipcraft::sysv::Key;
use ipcraft::{fifo, semaphore};
use ipcraft_tests::eintr_storm::{Handler, Storm};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::scratch;
use ipcraft_tests::subject::{Release, posix_handles, sysv_handles};
use ipcraft_tests::time::patience;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::sockopt::{ReceiveTimeout, SendTimeout};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, accept, recv, send, setsockopt, socketpair,
};
use nix::sys::stat::Mode;
use nix::sys::time::{TimeSpec, TimeVal};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{pipe, read, write};

/// A call that only a signal, or a helper after some time, ends.
type Call = fn() -> nix::Result<()>;

/// The kernel restarts these when a handler with `SA_RESTART` returns.
const RESTARTED: &[(&str, Call)] = &[
    ("read", reads),
    ("write", writes),
    ("recv", receives),
    ("send", sends),
    ("accept", accepts),
    ("open of a FIFO", opens),
    ("mq_receive", mq_receives),
    ("sem_wait", sem_waits),
    ("read of an eventfd", takes),
    ("flock", locks),
    ("waitid", waits),
];

/// These end with `EINTR` whatever the handler's flags are.
const NEVER_RESTARTED: &[(&str, Call)] = &[
    ("ppoll", polls),
    ("epoll_wait", epolls),
    ("semop", || semop(None)),
    ("semtimedop", || semop(Some(&A_WHILE))),
    ("msgsnd", msgsnd),
    ("msgrcv", msgrcv),
    ("sem_timedwait", sem_timedwaits),
    ("futex with a timeout", futex_waits),
    ("recv with SO_RCVTIMEO", receives_within),
    ("send with SO_SNDTIMEO", sends_within),
    ("sigtimedwait", sigtimedwaits),
    ("nanosleep", nanosleeps),
];

pub(crate) fn calls_are_interrupted(handler: Handler) {
    for (name, call) in NEVER_RESTARTED {
        assert_eq!(in_a_storm(handler, *call, true), Err(Errno::EINTR), "{name}");
    }
    let is_interrupted = handler == Handler::Interrupting;
    let expected = if is_interrupted { Err(Errno::EINTR) } else { Ok(()) };
    for (name, call) in RESTARTED {
        assert_eq!(in_a_storm(handler, *call, is_interrupted), expected, "{name}");
    }
}

/// Hundreds of signals, and a wait of no library that sees each of them: this is what the rest
/// stands in.
pub(crate) fn hundreds_of_signals_come(handler: Handler) {
    const HUNDREDS: u64 = 500;
    let (reader, _writer) = pipe().unwrap();
    let storm = Storm::start(handler);
    let mut interrupted = 0;
    while storm.caught() < HUNDREDS {
        let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        assert_eq!(ppoll(&mut fds, Some(TimeSpec::from(A_WHILE)), None), Err(Errno::EINTR));
        interrupted += 1;
    }
    assert!(interrupted > HUNDREDS / 2, "only {interrupted} calls were interrupted");
}

/// Calls in a storm. Calls again if the helper came before the call blocked.
fn in_a_storm(handler: Handler, call: Call, is_interrupted: bool) -> nix::Result<()> {
    for _ in 0..MAX_ATTEMPTS {
        let storm = Storm::start(handler);
        let result = call();
        if storm.caught() > 0 && !(is_interrupted && result.is_ok()) {
            return result;
        }
    }
    panic!("the call was over before the first signal, {MAX_ATTEMPTS} times");
}

/// The number of times that a call is tried.
const MAX_ATTEMPTS: u32 = 20;

/// Longer than any call takes if the storm blows.
const A_WHILE: libc::timespec = libc::timespec { tv_sec: 20, tv_nsec: 0 };

/// Another process, calm, that does something when some signals have come.
fn soon<T>(help: impl FnOnce() -> T) -> Peer {
    Peer::start(|| {
        let_signals_come();
        help();
    })
}

fn let_signals_come() {
    sleep(Duration::from_millis(10) * patience());
}

fn reads() -> nix::Result<()> {
    let (reader, writer) = pipe().unwrap();
    let _help = soon(|| write(&writer, b"x").unwrap());
    read(&reader, &mut [0; 8]).map(drop)
}

fn writes() -> nix::Result<()> {
    let (reader, writer) = pipe().unwrap();
    write(&writer, &[0; 16 * 4096]).unwrap();
    let _help = soon(|| read(&reader, &mut [0; 4096]).unwrap());
    write(&writer, b"x").map(drop)
}

fn sockets() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC).unwrap()
}

fn full_sockets() -> (OwnedFd, OwnedFd) {
    let (left, right) = sockets();
    while send(left.as_raw_fd(), &[0; 4096], MsgFlags::MSG_DONTWAIT).is_ok() {}
    (left, right)
}

fn receives() -> nix::Result<()> {
    let (left, right) = sockets();
    let _help = soon(|| write(&left, b"x").unwrap());
    recv(right.as_raw_fd(), &mut [0; 8], MsgFlags::empty()).map(drop)
}

fn sends() -> nix::Result<()> {
    let (left, right) = full_sockets();
    let _help = soon(|| while recv(right.as_raw_fd(), &mut [0; 4096], MsgFlags::MSG_DONTWAIT).is_ok() {});
    send(left.as_raw_fd(), b"x", MsgFlags::empty()).map(drop)
}

fn receives_within() -> nix::Result<()> {
    let (_left, right) = sockets();
    setsockopt(&right, ReceiveTimeout, &TimeVal::new(20, 0)).unwrap();
    recv(right.as_raw_fd(), &mut [0; 8], MsgFlags::empty()).map(drop)
}

fn sends_within() -> nix::Result<()> {
    let (left, _right) = full_sockets();
    setsockopt(&left, SendTimeout, &TimeVal::new(20, 0)).unwrap();
    send(left.as_raw_fd(), b"x", MsgFlags::empty()).map(drop)
}

fn accepts() -> nix::Result<()> {
    let directory = scratch::directory();
    let path = directory.path().join("socket");
    let listener = OwnedFd::from(Listener::bind(&path).unwrap());
    let _help = soon(|| Stream::connect(&path).unwrap());
    // SAFETY: because accept(2) returns a new descriptor, which has no other owner.
    accept(listener.as_raw_fd()).map(|fd| drop(unsafe { OwnedFd::from_raw_fd(fd) }))
}

fn opens() -> nix::Result<()> {
    let directory = scratch::directory();
    let fifo = fifo::Fifo::create_new(directory.path().join("fifo")).unwrap();
    let _help = soon(|| fifo.open_write().unwrap());
    open(fifo.path(), OFlag::O_RDONLY, Mode::empty()).map(drop)
}

fn mq_receives() -> nix::Result<()> {
    let [queue, _] = posix_handles(Default::default());
    let _help = soon(|| queue.send(b"x", 0).unwrap());
    let mut buffer = vec![0_u8; queue.message_size()];
    let (fd, bytes) = (queue.as_fd().as_raw_fd(), buffer.as_mut_ptr().cast());
    // SAFETY: because mq_receive(3) writes at most as many bytes as the buffer has, and a null
    // priority is allowed.
    Errno::result(unsafe { libc::mq_receive(fd, bytes, buffer.len(), ptr::null_mut()) }).map(drop)
}

fn takes() -> nix::Result<()> {
    let event = EventFd::new(0).unwrap();
    let _help = soon(|| event.add(1).unwrap());
    read(&event, &mut [0; 8]).map(drop)
}

fn locks() -> nix::Result<()> {
    let directory = scratch::directory();
    let path = directory.path().join("file");
    let file = File::create(&path).unwrap();
    let (held, hold) = pipe().unwrap();
    let _help = Peer::start(|| {
        let _lock = Flock::lock(File::open(&path).unwrap(), FlockArg::LockExclusive).unwrap();
        write(&hold, b"x").unwrap();
        let_signals_come();
    });
    while read(&held, &mut [0]) != Ok(1) {}
    Flock::lock(file, FlockArg::LockExclusive).map(drop).map_err(|(_, errno)| errno)
}

fn waits() -> nix::Result<()> {
    let help = soon(|| ());
    waitid(Id::Pid(help.pid()), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).map(drop)
}

fn polls() -> nix::Result<()> {
    let (reader, _writer) = pipe().unwrap();
    let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
    ppoll(&mut fds, Some(TimeSpec::from(A_WHILE)), None).map(drop)
}

fn epolls() -> nix::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
    epoll.wait(&mut [EpollEvent::empty()], EpollTimeout::from(20_000_u16)).map(drop)
}

fn semop(timeout: Option<&libc::timespec>) -> nix::Result<()> {
    let options = semaphore::sysv::Options::new().remove_on_drop(true);
    let set: SemaphoreSet = options.create_new(Key::PRIVATE, &[0]).unwrap();
    let take = libc::sembuf { sem_num: 0, sem_op: -1, sem_flg: 0 };
    let timeout = timeout.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: because semtimedop(2) reads one operation, and a timespec or null, which makes it
    // semop(2).
    Errno::result(unsafe { libc::syscall(libc::SYS_semtimedop, set.id(), &take, 1, timeout) }).map(drop)
}

fn msgsnd() -> nix::Result<()> {
    let _release = Release;
    let [queue, _] = sysv_handles();
    while queue.try_send(1, &[0; 4096]).is_ok() {}
    let message = [1_u64; 1 + 4096 / 8];
    // SAFETY: because msgsnd(2) reads a type and 4096 bytes of text, which the message consists of.
    Errno::result(unsafe { libc::msgsnd(queue.id(), message.as_ptr().cast(), 4096, 0) }).map(drop)
}

fn msgrcv() -> nix::Result<()> {
    let _release = Release;
    let [queue, _] = sysv_handles();
    let mut message = [0_u64; 2];
    // SAFETY: because msgrcv(2) writes a type and at most eight bytes of text, for which there is
    // room.
    Errno::result(unsafe { libc::msgrcv(queue.id(), message.as_mut_ptr().cast(), 8, 0, 0) }).map(drop)
}

/// A semaphore of value 0 and the memory that it is in, for calls of the C library.
fn c_semaphore() -> (Arc<ipcraft::shm::Mapping>, *mut libc::sem_t) {
    let memory = Arc::new(Memfd::create("semaphore", semaphore::posix::SIZE).unwrap().map().unwrap());
    semaphore::posix::Semaphore::init_in(&memory, 0, 0).unwrap();
    let at = memory.pointer(0, semaphore::posix::SIZE, align_of::<libc::sem_t>()).unwrap();
    (memory, at.as_ptr().cast())
}

fn sem_waits() -> nix::Result<()> {
    let (memory, semaphore) = c_semaphore();
    let _help = soon(|| semaphore::posix::Semaphore::find_in(&memory, 0).unwrap().post().unwrap());
    // SAFETY: because a semaphore was made there, in memory that lives until the end of this
    // function.
    Errno::result(unsafe { libc::sem_wait(semaphore) }).map(drop)
}

fn sem_timedwaits() -> nix::Result<()> {
    let (_memory, semaphore) = c_semaphore();
    let mut until = A_WHILE;
    // SAFETY: because clock_gettime(2) writes one timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut until) };
    until.tv_sec += A_WHILE.tv_sec;
    // SAFETY: because a semaphore was made there, in memory that lives until the end of this
    // function.
    Errno::result(unsafe { libc::sem_timedwait(semaphore, &until) }).map(drop)
}

fn futex_waits() -> nix::Result<()> {
    let (word, timeout) = (0_u32, A_WHILE);
    let none = ptr::null::<u32>();
    // SAFETY: because futex(2) with FUTEX_WAIT reads the word and the timeout, both alive for the
    // call.
    Errno::result(unsafe {
        libc::syscall(libc::SYS_futex, &raw const word, libc::FUTEX_WAIT, 0, &raw const timeout, none, 0)
    })
    .map(drop)
}

fn sigtimedwaits() -> nix::Result<()> {
    let mut wanted = SigSet::empty();
    wanted.add(Signal::SIGUSR1);
    // SAFETY: because siginfo_t is a C structure for which zeroes are valid.
    let mut info = unsafe { mem::zeroed() };
    // SAFETY: because sigtimedwait(2) reads the set and the timeout and writes one siginfo_t.
    Errno::result(unsafe { libc::sigtimedwait(wanted.as_ref(), &mut info, &A_WHILE) }).map(drop)
}

fn nanosleeps() -> nix::Result<()> {
    // SAFETY: because nanosleep(2) reads one timespec, and null is allowed for the rest.
    Errno::result(unsafe { libc::nanosleep(&A_WHILE, ptr::null_mut()) }).map(drop)
}
