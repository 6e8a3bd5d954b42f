//! Observing a channel without being an endpoint of it.

mod endpoints;
pub(crate) mod facts;
mod memory;
mod messages;
mod stats;

pub use endpoints::{EndpointRole, ObservedEndpoint};
pub use messages::ObservedMessage;
pub use stats::{DirectionStats, Rates, SideCounters, Stats};

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use nix::fcntl::OFlag;
use nix::sys::stat::{SFlag, fstat};

use crate::channel::broadcast::flags as broadcast_flags;
use crate::channel::shared::description::Description;
use crate::channel::shared::header::HEADER_LEN;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::{Access, posix};
use crate::support::{limits, proc_fd};
use facts::{Facts, HeaderCopy};
use memory::ObservedMemory;

const OBSERVE: &str = "observe channel";

/// The kind of a channel, as its header states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChannelKind {
    /// [`spsc`](crate::channel::spsc).
    Spsc,
    /// [`mpmc`](crate::channel::mpmc).
    Mpmc,
    /// [`broadcast`](crate::channel::broadcast).
    Broadcast,
    /// [`latest`](crate::channel::latest).
    Latest,
    /// [`spsc::bytes`](crate::channel::spsc::bytes).
    Bytes,
    /// [`request`](crate::channel::request).
    Request,
}

impl ChannelKind {
    fn of(id: u64) -> Option<ChannelKind> {
        use ChannelKind::*;
        [Spsc, Mpmc, Broadcast, Latest, Bytes, Request]
            .get(usize::try_from(id).ok()?.checked_sub(1)?)
            .copied()
    }
}

/// `spsc`, `mpmc`, `broadcast`, `latest`, `bytes`, `request`
impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ChannelKind::Spsc => "spsc",
            ChannelKind::Mpmc => "mpmc",
            ChannelKind::Broadcast => "broadcast",
            ChannelKind::Latest => "latest",
            ChannelKind::Bytes => "bytes",
            ChannelKind::Request => "request",
        })
    }
}

/// A channel of any kind and message type, mapped for reading.
///
/// It takes no lease and writes nothing: the endpoints do not notice it, and it needs the right to
/// read only. Use it for tools and for metrics. A program that takes part in the exchange opens an
/// endpoint instead.
///
/// ```
/// use ipcraft::channel::{ChannelKind, Observer, spsc};
/// use ipcraft::name;
///
/// let name = format!("/{}", name::unique("doc-observer"));
/// let channel = spsc::Options::<[u32; 2]>::new().remove_on_drop(true).create_new(&name)?;
/// let mut sender = channel.sender()?;
/// sender.send([1, 2])?;
///
/// let observer = Observer::open(&name)?; // usually in another process
/// assert_eq!(observer.kind(), ChannelKind::Spsc);
/// assert_eq!(observer.description().as_str(), "[u32;2]");
/// let stats = observer.stats()?;
/// assert_eq!((stats.directions[0].sent, stats.directions[0].depth), (1, 1));
/// assert_eq!(observer.endpoints()?.len(), 1);
/// assert_eq!(observer.messages(10)?[0].bytes, [1, 0, 0, 0, 2, 0, 0, 0]);
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// # Contract
///
/// * **Stale.** Each answer was true at some moment during the call. The figures of one answer may
///   be of different moments.
/// * **Untrusted.** Each process that can write to the channel can change what is read here. All of
///   it is a hint. Every call returns after a bounded number of steps.
/// * **Cost.** Each call makes some system calls and allocates. No endpoint gets slower, except for
///   the transfer of the cache lines that are read.
/// * **Fork, exec, death.** As for a [mapping](crate::shm::Mapping); an observer has nothing to
///   clean up.
/// * **Shrinking.** If the owner shrinks the object, calls fail with
///   [`Corrupted`](ErrorKind::Corrupted). Where a filter forbids `process_vm_readv(2)`, an access
///   raises `SIGBUS` instead.
///
/// Sources: [process_vm_readv(2)], [fcntl_locking(2)], [proc_pid_stat(5)].
///
/// [process_vm_readv(2)]: https://man7.org/linux/man-pages/man2/process_vm_readv.2.html
/// [fcntl_locking(2)]: https://man7.org/linux/man-pages/man2/fcntl_locking.2.html
/// [proc_pid_stat(5)]: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
#[derive(Debug)]
pub struct Observer {
    /// A description of its own, that holds no lock.
    fd: OwnedFd,
    memory: ObservedMemory,
    name: Option<OsString>,
    /// The object in errors.
    label: Option<Arc<str>>,
    facts: Facts,
}

impl Observer {
    /// `shm_open(3)` with `O_RDONLY`: observes the channel of this name, of any owner and mode.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](ErrorKind::NotFound) if no object has the name;
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) without the right to read it;
    /// * [`WrongType`](ErrorKind::WrongType) if it is no channel, or of another version of the
    ///   library;
    /// * [`InUse`](ErrorKind::InUse) if its creator has not finished;
    /// * [`Corrupted`](ErrorKind::Corrupted) if its header is invalid;
    /// * [`LimitReached`](ErrorKind::LimitReached) if descriptors or memory are short.
    #[doc(alias = "shm_open")]
    pub fn open(name: impl AsRef<OsStr>) -> Result<Observer> {
        let options = posix::Options::new().any_owner().any_mode().access(Access::ReadOnly);
        let object = options.open(name)?;
        let memory = ObservedMemory(object.map_read_only()?);
        let (name, label) = (Some(object.name().to_owned()), Some(object.label().clone()));
        Observer::new(object.into(), memory, name, label)
    }

    /// Observes the channel behind a descriptor: of an anonymous channel, or of an endpoint. The
    /// file is opened again, so the descriptor keeps its lease.
    ///
    /// # Errors
    ///
    /// As for [`open`](Observer::open); [`Unsupported`](ErrorKind::Unsupported) if /proc is not
    /// mounted.
    pub fn from_fd(fd: impl AsFd) -> Result<Observer> {
        let failed = |call, errno| Error::from_errno(call, errno).with_limit(limits::descriptors(errno));
        let stat = fstat(fd.as_fd()).map_err(|e| failed("fstat", e))?;
        // Another type of file could block, or do something, when it is opened.
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return Err(
                Error::new(OBSERVE, ErrorKind::WrongType).with_hint("pass the descriptor of a channel")
            );
        }
        let fd = proc_fd::reopen(fd.as_fd(), OFlag::O_RDONLY | OFlag::O_NONBLOCK).map_err(|errno| {
            let error = failed("open /proc/self/fd", errno);
            match errno {
                nix::errno::Errno::ENOENT => error.with_kind(ErrorKind::Unsupported).with_hint("mount /proc"),
                _ => error,
            }
        })?;
        let size = usize::try_from(stat.st_size).unwrap_or(0);
        if size < HEADER_LEN {
            return Err(too_small(size));
        }
        let memory = ObservedMemory(posix::map_read_only(fd.as_fd(), size)?);
        Observer::new(fd, memory, None, None)
    }

    fn new(
        fd: OwnedFd,
        memory: ObservedMemory,
        name: Option<OsString>,
        label: Option<Arc<str>>,
    ) -> Result<Observer> {
        let facts = if memory.len() < HEADER_LEN {
            Err(too_small(memory.len()))
        } else {
            HeaderCopy::new(|bytes| memory.read(0, bytes)).and_then(|header| Facts::of(&header, memory.len()))
        };
        let facts = facts.map_err(|e| e.with_object(label.as_ref()))?;
        Ok(Observer { fd, memory, name, label, facts })
    }

    /// Returns the name by which it was opened.
    pub fn name(&self) -> Option<&OsStr> {
        self.name.as_deref()
    }

    /// Returns the kind of the channel.
    pub fn kind(&self) -> ChannelKind {
        self.facts.kind
    }

    /// Returns the description of the messages. That of a [`request`](crate::channel::request)
    /// channel is `{request:…,reply:…}`.
    pub fn description(&self) -> &Description {
        &self.facts.description
    }

    /// Returns the size of a message in bytes; 0 if it varies. For a
    /// [`request`](crate::channel::request) channel, that of a request and a reply together.
    pub fn message_len(&self) -> u64 {
        self.facts.message_len
    }

    /// Returns the capacity: in messages, or in bytes if the channel carries records.
    pub fn capacity(&self) -> u64 {
        self.facts.capacity
    }

    /// Returns what happens when a subscriber is slow; `None` for other kinds than broadcast.
    pub fn overflow(&self) -> Option<crate::channel::broadcast::Overflow> {
        match self.facts.kind {
            ChannelKind::Broadcast => broadcast_flags::overflow(self.facts.flags),
            _ => None,
        }
    }

    /// Returns how many endpoints may send, and how many may receive, at a time.
    pub fn max_endpoints(&self) -> (usize, usize) {
        let (senders, receivers) = self.facts.leases();
        (senders.len(), receivers.len())
    }

    fn header(&self) -> Result<HeaderCopy> {
        HeaderCopy::new(|bytes| self.memory.read(0, bytes)).map_err(|e| self.named(e))
    }

    fn named(&self, error: Error) -> Error {
        error.with_object(self.label.as_ref())
    }
}

/// The descriptor of the channel's file, opened for reading.
impl AsFd for Observer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn too_small(size: usize) -> Error {
    let limit = Limit { name: "its size", value: size as u64, requested: Some(HEADER_LEN as u64) };
    Error::new(OBSERVE, ErrorKind::WrongType).with_limit(Some(limit)).with_hint("the memory holds no channel")
}
