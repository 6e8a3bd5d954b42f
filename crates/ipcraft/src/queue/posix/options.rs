//! Making and finding a queue.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use nix::errno::Errno;

use super::Queue;
use super::handle::LONGEST_NAME;
use super::limits::{self, Room};
use super::removal::RemoveOnDrop;
use crate::error::{Error, Result};
use crate::name;
use crate::sys::posix_mq;

const OPEN: &str = "mq_open";

/// How to make a queue, and how the handle behaves.
///
/// ```
/// use ipcraft::{name, queue::posix};
///
/// let name = format!("/{}", name::unique("doc-options"));
/// let options = posix::Options::new().capacity(4).message_size(128).remove_on_drop(true);
/// let queue = options.create_new(&name)?;
/// assert_eq!(queue.attributes()?.capacity, 4);
/// drop(queue);
/// assert!(posix::Queue::open(&name).is_err());
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    capacity: Option<usize>,
    message_size: Option<usize>,
    mode: u32,
    access: libc::c_int,
    nonblocking: bool,
    remove_on_drop: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            capacity: None,
            message_size: None,
            mode: 0o600,
            access: libc::O_RDWR,
            nonblocking: false,
            remove_on_drop: false,
        }
    }
}

impl Options {
    /// The system's default sizes, mode 0600, both directions, calls that wait, never removed.
    pub fn new() -> Self {
        Options::default()
    }

    /// The most messages that a queue which is created holds. Default: `/proc/sys/fs/mqueue/msg_default`, usually 10.
    ///
    /// Without privileges at most `/proc/sys/fs/mqueue/msg_max`. The kernel charges the whole room to the user when
    /// the queue is made, against `RLIMIT_MSGQUEUE`: capacity times message size, and at most 96 bytes more per
    /// message.
    #[doc(alias = "mq_maxmsg")]
    pub fn capacity(mut self, messages: usize) -> Self {
        self.capacity = Some(messages);
        self
    }

    /// The most bytes of a message, if the queue is created. Default: `/proc/sys/fs/mqueue/msgsize_default`, usually
    /// 8192.
    ///
    /// Without privileges at most `/proc/sys/fs/mqueue/msgsize_max`. Every buffer to receive into has to be as long.
    #[doc(alias = "mq_msgsize")]
    pub fn message_size(mut self, bytes: usize) -> Self {
        self.message_size = Some(bytes);
        self
    }

    /// Permission bits of a queue that is created, such as `0o620`; the umask is taken off. Reading is receiving,
    /// writing is sending.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// `O_RDONLY`: a handle that cannot send, which takes no permission to write.
    #[doc(alias = "O_RDONLY")]
    pub fn recv_only(mut self) -> Self {
        self.access = libc::O_RDONLY;
        self
    }

    /// `O_WRONLY`: a handle that cannot receive, which takes no permission to read.
    #[doc(alias = "O_WRONLY")]
    pub fn send_only(mut self) -> Self {
        self.access = libc::O_WRONLY;
        self
    }

    /// `O_NONBLOCK`: for event loops. Plain calls then fail like the `try_` ones, and the `_timeout` ones still wait.
    #[doc(alias = "O_NONBLOCK")]
    pub fn nonblocking(mut self, yes: bool) -> Self {
        self.nonblocking = yes;
        self
    }

    /// Removes the name when the handle is dropped: if this call created it, in the process that did, and only while
    /// the name still leads to that same queue (which the mode has to let its owner open).
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.remove_on_drop = yes;
        self
    }

    /// `mq_open(3)` with `O_CREAT`: makes the queue, or opens the one that exists, whose sizes and mode are then left
    /// as they are.
    ///
    /// # Errors
    ///
    /// As in the [module's table](super#errors).
    pub fn create(&self, name: &str) -> Result<Queue> {
        let path = name::posix(OPEN, name, LONGEST_NAME)?;
        loop {
            match self.mq_open(&path, libc::O_CREAT | libc::O_EXCL) {
                Ok(fd) => return self.made(fd, name, path),
                Err(Errno::EEXIST) => {}
                Err(e) => return Err(self.failed(name, e)),
            }
            match self.mq_open(&path, 0) {
                Ok(fd) => return Queue::new(fd, name, None),
                // Removed in between by its owner.
                Err(Errno::ENOENT) => {}
                Err(e) => return Err(self.failed(name, e)),
            }
        }
    }

    /// `mq_open(3)` with `O_CREAT | O_EXCL`: makes the queue; exactly one of several racing processes succeeds.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken; others as in the [module's
    /// table](super#errors).
    pub fn create_new(&self, name: &str) -> Result<Queue> {
        let path = name::posix(OPEN, name, LONGEST_NAME)?;
        match self.mq_open(&path, libc::O_CREAT | libc::O_EXCL) {
            Ok(fd) => self.made(fd, name, path),
            Err(e) => Err(self.failed(name, e)),
        }
    }

    /// `mq_open(3)`: opens a queue that exists.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound); others as in the [module's table](super#errors).
    pub fn open(&self, name: &str) -> Result<Queue> {
        let path = name::posix(OPEN, name, LONGEST_NAME)?;
        let fd = self.mq_open(&path, 0).map_err(|e| self.failed(name, e))?;
        Queue::new(fd, name, None)
    }

    fn made(&self, fd: OwnedFd, name: &str, path: CString) -> Result<Queue> {
        // fstat(2) of an open descriptor has nothing to fail on.
        let removal = if self.remove_on_drop { RemoveOnDrop::new(path, &fd).ok() } else { None };
        Queue::new(fd, name, removal)
    }

    fn mq_open(&self, path: &CStr, create: libc::c_int) -> nix::Result<OwnedFd> {
        let nonblocking = if self.nonblocking { libc::O_NONBLOCK } else { 0 };
        let attributes = self.room().map(|room| posix_mq::attributes(room.capacity(), room.message_size()));
        posix_mq::open(path, self.access | nonblocking | create, self.mode, attributes.as_ref())
    }

    /// The sizes to ask for; `None` leaves both to the kernel.
    fn room(&self) -> Option<Room> {
        (self.capacity.is_some() || self.message_size.is_some())
            .then(|| Room::new(self.capacity, self.message_size))
    }

    #[cold]
    fn failed(&self, name: &str, errno: Errno) -> Error {
        limits::explain(Error::from_errno(OPEN, errno).with_name(name), errno, || {
            Room::new(self.capacity, self.message_size)
        })
    }
}
