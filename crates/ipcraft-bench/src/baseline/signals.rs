//! Realtime signals with a value on libc: `sigqueue(3)`, and `sigwaitinfo(2)` or `signalfd(2)`.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::process;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Release};

use super::page::Page;
use super::{check, retry};
use crate::link::{Endpoints, Link};

/// The bytes of a signal's value.
pub(crate) const MAX_MESSAGE: usize = size_of::<i32>();

/// Connects two endpoints that wait in `sigwaitinfo(2)`.
pub(crate) fn waiting(_scratch: &Path) -> io::Result<Endpoints> {
    let [client, server] = pids()?;
    Ok(Endpoints::new(Waiting(Endpoint::new(client)), Waiting(Endpoint::new(server))))
}

/// Connects two endpoints that read a signalfd.
pub(crate) fn reading(_scratch: &Path) -> io::Result<Endpoints> {
    let [client, server] = pids()?;
    Ok(Endpoints::new(Reading::new(Endpoint::new(client))?, Reading::new(Endpoint::new(server))?))
}

/// The common part of both kinds of endpoint.
struct Endpoint {
    pids: Pids,
    outgoing: libc::c_int,
    /// The set of the incoming signal.
    incoming: libc::sigset_t,
}

impl Endpoint {
    fn new(pids: Pids) -> Endpoint {
        let mut incoming = MaybeUninit::uninit();
        // SAFETY: because sigemptyset(3) initialises the set that sigaddset(3) then extends.
        let incoming = unsafe {
            libc::sigemptyset(incoming.as_mut_ptr());
            libc::sigaddset(incoming.as_mut_ptr(), libc::SIGRTMIN() + pids.own());
            incoming.assume_init()
        };
        Endpoint { outgoing: libc::SIGRTMIN() + pids.other(), incoming, pids }
    }

    fn on_start(&mut self) -> io::Result<()> {
        // SAFETY: because pthread_sigmask(3) reads an initialised set, and a null old mask is
        // allowed.
        let status = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &self.incoming, ptr::null_mut()) };
        match status {
            0 => self.pids.on_start(),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    fn send(&self, message: &[u8]) -> io::Result<()> {
        let number = to_value(message)?;
        let value = libc::sigval { sival_ptr: ptr::without_provenance_mut(number as u32 as usize) };
        let pid = self.pids.of_peer() as libc::pid_t;
        // SAFETY: because sigqueue(3) takes integers, and this pointer is never dereferenced.
        check(unsafe { libc::sigqueue(pid, self.outgoing, value) }).map(drop)
    }
}

struct Waiting(Endpoint);

impl Link for Waiting {
    fn on_start(&mut self) -> io::Result<()> {
        self.0.on_start()
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.send(message)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut info = MaybeUninit::<libc::siginfo_t>::uninit();
        // SAFETY: because sigwaitinfo(2) reads an initialised set and writes one siginfo_t.
        retry(|| unsafe { libc::sigwaitinfo(&self.0.incoming, info.as_mut_ptr()) } as libc::ssize_t)?;
        // SAFETY: because sigwaitinfo(2) has written it when it succeeds.
        let info = unsafe { info.assume_init() };
        // SAFETY: because a queued signal has a value (sigaction(2)), and any other signal has
        // zeroes or a child's status there: integers, of which the pointer is never dereferenced.
        let value = unsafe { info.si_value() }.sival_ptr.addr() as i32;
        message(info.si_code, value, buffer)
    }
}

struct Reading {
    end: Endpoint,
    fd: OwnedFd,
}

impl Reading {
    fn new(end: Endpoint) -> io::Result<Reading> {
        // SAFETY: because signalfd(2) reads an initialised set.
        let fd = check(unsafe { libc::signalfd(-1, &end.incoming, libc::SFD_CLOEXEC) })?;
        // SAFETY: because the descriptor is new and no other owner exists, as signalfd(2)
        // succeeded.
        Ok(Reading { end, fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }
}

impl Link for Reading {
    fn on_start(&mut self) -> io::Result<()> {
        self.end.on_start()
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.end.send(message)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut record = MaybeUninit::<libc::signalfd_siginfo>::uninit();
        let (fd, size) = (self.fd.as_raw_fd(), size_of_val(&record));
        // SAFETY: because read(2) writes at most `size` bytes to a variable of that size.
        let length = retry(|| unsafe { libc::read(fd, record.as_mut_ptr().cast(), size) })?;
        if length != size {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // SAFETY: because all of it was read, and any integers are valid.
        let record = unsafe { record.assume_init_ref() };
        message(record.ssi_code, record.ssi_int, buffer)
    }
}

/// Fails with `InvalidData` unless the signal was queued with a value.
#[inline]
fn message(code: libc::c_int, value: i32, buffer: &mut [u8]) -> io::Result<()> {
    if code != libc::SI_QUEUE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    from_value(value, buffer)
}

/// Returns the process ids of client and server, by which the two processes address each other.
pub(crate) fn pids() -> io::Result<[Pids; 2]> {
    let page = Page::new()?;
    Ok([0, 1].map(|own| Pids { page: page.clone(), own }))
}

/// The process ids of both endpoints, on a page that both processes share.
pub(crate) struct Pids {
    page: Rc<Page>,
    own: usize,
}

impl Pids {
    /// Returns the number of this endpoint, 0 or 1. The two endpoints use different signals, so
    /// that they do not interfere if one process has both.
    pub(crate) fn own(&self) -> i32 {
        self.own as i32
    }

    /// Returns the number of the other endpoint.
    pub(crate) fn other(&self) -> i32 {
        1 - self.own()
    }

    /// Publishes that this process owns the endpoint.
    pub(crate) fn on_start(&self) -> io::Result<()> {
        self.page.word(self.own, 0).store(process::id().into(), Release);
        Ok(())
    }

    /// Returns the process that owns the other endpoint, or 0 before it has started.
    #[inline]
    pub(crate) fn of_peer(&self) -> u32 {
        self.page.word(1 - self.own, 0).load(Acquire) as u32
    }
}

/// Converts a message of at most four bytes to a signal's value.
#[inline]
pub(crate) fn to_value(message: &[u8]) -> io::Result<i32> {
    let mut bytes = [0; MAX_MESSAGE];
    let target = bytes.get_mut(..message.len()).ok_or(io::ErrorKind::InvalidInput)?;
    target.copy_from_slice(message);
    Ok(i32::from_ne_bytes(bytes))
}

/// Converts a signal's value to the message.
#[inline]
pub(crate) fn from_value(value: i32, buffer: &mut [u8]) -> io::Result<()> {
    let bytes = value.to_ne_bytes();
    buffer.copy_from_slice(bytes.get(..buffer.len()).ok_or(io::ErrorKind::InvalidInput)?);
    Ok(())
}
