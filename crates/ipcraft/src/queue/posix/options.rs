//! Creation and opening of a queue.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::stat::{Mode, fchmod};

use super::Queue;
use super::handle::LONGEST_NAME;
use super::limits::{self, QueueSize};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::name;
use crate::support::create_or_open::create_or_open;
use crate::support::mode::CreationMode;
use crate::sys::posix_mq;

const OPEN: &str = "mq_open";

/// Options for creating a queue, and for the handle.
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
    exact_sizes: bool,
    mode: CreationMode,
    access: libc::c_int,
    nonblocking: bool,
    remove_on_drop: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            capacity: None,
            message_size: None,
            exact_sizes: false,
            mode: CreationMode::less_umask(0o600),
            access: libc::O_RDWR,
            nonblocking: false,
            remove_on_drop: false,
        }
    }
}

impl Options {
    /// Default options: the system's sizes, mode 0600, both directions, blocking, not removed on
    /// drop.
    pub fn new() -> Self {
        Options::default()
    }

    /// Sets the maximum number of messages of a new queue. Default:
    /// `/proc/sys/fs/mqueue/msg_default`, usually 10.
    ///
    /// Unprivileged processes may set at most `/proc/sys/fs/mqueue/msg_max`. The kernel charges the
    /// whole queue to the user at creation, against `RLIMIT_MSGQUEUE`: capacity times message size,
    /// plus at most 96 bytes per message.
    #[doc(alias = "mq_maxmsg")]
    pub fn capacity(mut self, messages: usize) -> Self {
        self.capacity = Some(messages);
        self
    }

    /// Sets the maximum size of a message in a new queue. Default:
    /// `/proc/sys/fs/mqueue/msgsize_default`, usually 8192.
    ///
    /// Unprivileged processes may set at most `/proc/sys/fs/mqueue/msgsize_max`. Every receive
    /// buffer must have this size.
    #[doc(alias = "mq_msgsize")]
    pub fn message_size(mut self, bytes: usize) -> Self {
        self.message_size = Some(bytes);
        self
    }

    /// Sets the permission bits of a new queue, such as `0o620`, less the umask. Read permission
    /// allows receiving, write permission sending.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = CreationMode::less_umask(mode);
        self
    }

    /// Sets the permission bits of a new queue, such as `0o622`, which the umask does not cut.
    ///
    /// The queue has the bits less the umask until `fchmod(2)` adds the others. A process that is
    /// denied at that moment succeeds a little later.
    pub fn exact_mode(mut self, mode: u32) -> Self {
        self.mode = CreationMode::exact(mode);
        self
    }

    /// `O_RDONLY`: opens for receiving only, which needs no permission to write.
    #[doc(alias = "O_RDONLY")]
    pub fn recv_only(mut self) -> Self {
        self.access = libc::O_RDONLY;
        self
    }

    /// `O_WRONLY`: opens for sending only, which needs no permission to read.
    #[doc(alias = "O_WRONLY")]
    pub fn send_only(mut self) -> Self {
        self.access = libc::O_WRONLY;
        self
    }

    /// `O_NONBLOCK`: makes plain calls fail like the `try_` forms, for event loops. The `_timeout`
    /// forms still wait.
    #[doc(alias = "O_NONBLOCK")]
    pub fn nonblocking(mut self, yes: bool) -> Self {
        self.nonblocking = yes;
        self
    }

    /// Removes the name when the handle is dropped. The name is removed only if this call created
    /// the queue, in the creating process, and while the name still names that queue.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.remove_on_drop = yes;
        self
    }

    /// Demands that an existing queue has the [capacity](Options::capacity) and [message
    /// size](Options::message_size) that are set. By default every size is accepted, and
    /// [`Queue::attributes`] returns it.
    pub fn exact_sizes(mut self, yes: bool) -> Self {
        self.exact_sizes = yes;
        self
    }

    /// `mq_open(3)` with `O_CREAT`: opens the queue, or creates it. An existing queue keeps its
    /// sizes and mode. If another process removes it in between, this starts over.
    ///
    /// # Errors
    ///
    /// As in the [module's table](super#errors).
    pub fn create(&self, name: impl AsRef<OsStr>) -> Result<Queue> {
        let name = name.as_ref();
        create_or_open(|| self.create_new(name), || self.open(name))
    }

    /// `mq_open(3)` with `O_CREAT | O_EXCL`: creates the queue; exactly one of several racing
    /// processes succeeds.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken; others as in the
    /// [module's table](super#errors).
    pub fn create_new(&self, name: impl AsRef<OsStr>) -> Result<Queue> {
        let (path, shown) = checked(name.as_ref())?;
        let mode = self.mode.checked(OPEN).map_err(|e| e.with_object(Some(&shown)))?;
        let fd =
            self.mq_open(&path, libc::O_CREAT | libc::O_EXCL, mode).map_err(|e| self.failed(&shown, e))?;
        let queue = Queue::new(fd, path, shown, true)?;
        if self.mode.is_exact() {
            // If this fails, the name is removed again.
            fchmod(&queue, mode).map_err(|e| Error::from_errno("fchmod", e).with_object(queue.name()))?;
        }
        Ok(queue.removed_on_drop(self.remove_on_drop))
    }

    /// `mq_open(3)`: opens an existing queue, of any owner and mode that permit it.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](crate::ErrorKind::NotFound) if no queue has the name;
    /// * [`WrongType`](ErrorKind::WrongType) if it has other sizes than [demanded](Options::exact_sizes);
    /// * others as in the [module's table](super#errors).
    pub fn open(&self, name: impl AsRef<OsStr>) -> Result<Queue> {
        let (path, shown) = checked(name.as_ref())?;
        let fd = self.mq_open(&path, 0, Mode::empty()).map_err(|e| self.failed(&shown, e))?;
        let queue = Queue::new(fd, path, shown, false)?;
        if self.exact_sizes {
            self.check_sizes(&queue)?;
        }
        Ok(queue)
    }

    fn check_sizes(&self, queue: &Queue) -> Result<()> {
        let found = queue.attributes()?;
        let sizes = [
            ("the queue's capacity", found.capacity, self.capacity),
            ("the queue's message size", found.message_size, self.message_size),
        ];
        for (name, found, wanted) in sizes {
            if let Some(wanted) = wanted.filter(|&wanted| wanted != found) {
                let limit = Limit { name, value: found as u64, requested: Some(wanted as u64) };
                return Err(Error::new(OPEN, ErrorKind::WrongType)
                    .with_object(queue.name())
                    .with_limit(Some(limit))
                    .with_hint("set the sizes that it has, or use another name"));
            }
        }
        Ok(())
    }

    fn mq_open(&self, path: &CStr, create: libc::c_int, mode: Mode) -> nix::Result<OwnedFd> {
        let nonblocking = if self.nonblocking { libc::O_NONBLOCK } else { 0 };
        let attributes = self.size().map(|size| posix_mq::attributes(size.capacity(), size.message_size()));
        posix_mq::open(path, self.access | nonblocking | create, mode.bits(), attributes.as_ref())
    }

    /// Returns the sizes to request; `None` leaves both to the kernel.
    fn size(&self) -> Option<QueueSize> {
        (self.capacity.is_some() || self.message_size.is_some())
            .then(|| QueueSize::new(self.capacity, self.message_size))
    }

    #[cold]
    fn failed(&self, name: &Arc<str>, errno: Errno) -> Error {
        limits::explain(Error::from_errno(OPEN, errno).with_object(Some(name)), errno, || {
            QueueSize::new(self.capacity, self.message_size)
        })
    }
}

/// Checks a name and returns it for the kernel and for errors.
fn checked(name: &OsStr) -> Result<(CString, Arc<str>)> {
    Ok((name::posix(OPEN, name, LONGEST_NAME)?, name::display(Path::new(name)).into()))
}
