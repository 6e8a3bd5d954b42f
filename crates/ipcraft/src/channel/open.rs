//! Making and finding channels.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use super::kind::Kind;
use super::region::{File, HEADER, Region, Shape, Wanted};
use super::seat;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::memfd::Memfd;
use crate::shm::posix;

const CREATE: &str = "create channel";

/// How to make a channel, and what one that is opened has to be like.
///
/// ```
/// use ipcraft::{channel::spsc, name};
///
/// let name = format!("/{}", name::unique("doc-channel-options"));
/// let made = spsc::Options::<u64>::new().capacity(1000).remove_on_drop(true).create_new(&name)?;
/// assert_eq!(made.capacity(), 1024);
/// let found = spsc::Options::<u64>::new().open(&name)?;
/// assert_eq!(found.capacity(), 1024);
/// assert!(spsc::Options::<u64>::new().capacity(2048).open(&name).is_err());
/// assert!(spsc::Options::<i64>::new().open(&name).is_err());
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[must_use]
pub struct Options<K> {
    memory: posix::Options,
    capacity: Option<u64>,
    pub(super) variant: Option<u64>,
    start: u64,
    _kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Options<K> {
    /// Room for 1024 messages, or for 64 KiB where the channel is one of bytes; mode 0600, never removed.
    pub fn new() -> Self {
        Options { memory: posix::Options::new(), capacity: None, variant: None, start: 0, _kind: PhantomData }
    }

    /// How many messages (for bytes: how many bytes) there is room for, rounded up to a power of two. A channel that is
    /// opened must have as many.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = Some(capacity as u64);
        self
    }

    /// Permission bits of a named channel that is created, such as `0o660`, less the umask; one that exists may have
    /// these and no others, or it is refused.
    pub fn mode(mut self, mode: u32) -> Self {
        self.memory = self.memory.mode(mode);
        self
    }

    /// Whose a named channel that exists has to be: the effective user's unless set.
    pub fn owner(mut self, uid: u32) -> Self {
        self.memory = self.memory.owner(uid);
        self
    }

    /// Removes the name when the channel and its ends in this process are dropped: if this call created it, in the
    /// process that did, and only while the name still leads to that same channel.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.memory = self.memory.remove_on_drop(yes);
        self
    }

    /// Where the positions begin, so that tests see them wrap.
    #[doc(hidden)]
    pub fn initial_position(mut self, position: u64) -> Self {
        self.start = position;
        self
    }

    /// `shm_open(3)`: takes the channel of this name, or makes it. One that was left behind has what was sent and not
    /// received.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if something else has the name, or a channel of another kind, type or shape;
    /// others as in the [table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn create(&self, name: &str) -> Result<Channel<K>> {
        let shape = self.shape()?;
        let memory = self.memory.create_filled(name, size::<K>(shape)?, |fd| fill::<K>(fd, shape))?;
        self.take(File::Named(memory))
    }

    /// `shm_open(3)` with `O_EXCL`: makes a channel of this name; exactly one of several racing processes succeeds. The
    /// name appears when the channel is complete, and a creator that dies half way leaves nothing.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if anything has the name; others as in the [table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn create_new(&self, name: &str) -> Result<Channel<K>> {
        let shape = self.shape()?;
        let memory = self.memory.create_new_filled(name, size::<K>(shape)?, |fd| fill::<K>(fd, shape))?;
        self.take(File::Named(memory))
    }

    /// `shm_open(3)`: takes the channel of this name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound); [`WrongType`](ErrorKind::WrongType) with what differs; others as in the
    /// [table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn open(&self, name: &str) -> Result<Channel<K>> {
        self.take(File::Named(self.memory.open(name)?))
    }

    /// [`open`](Options::open) that waits until somebody has made the channel: fails with
    /// [`TimedOut`](ErrorKind::TimedOut) if nobody does within `timeout`.
    pub fn open_timeout(&self, name: &str, timeout: Duration) -> Result<Channel<K>> {
        self.take(File::Named(self.memory.open_timeout(name, timeout)?))
    }

    /// `memfd_create(2)`: makes a channel without a name, for whoever is given its descriptor or that of an end.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if memory or descriptors are short.
    #[doc(alias = "memfd_create")]
    pub fn anonymous(&self) -> Result<Channel<K>> {
        let shape = self.shape()?;
        let memory = Memfd::create("ipcraft-channel", size::<K>(shape)?)?;
        Region::fill::<K>(&memory.map()?, shape)?;
        self.take(File::Anonymous(memory))
    }

    fn take(&self, file: File) -> Result<Channel<K>> {
        let wanted = Wanted { capacity: self.capacity.map(rounded::<K>).transpose()?, variant: self.variant };
        Ok(Channel::new(Region::attach::<K>(file, wanted)?))
    }

    fn shape(&self) -> Result<Shape> {
        let capacity = rounded::<K>(self.capacity.unwrap_or(K::USUAL))?;
        let variant = self.variant.map_or(K::VARIANT, |asked| K::complete(asked, K::VARIANT));
        Ok(Shape { capacity, variant, start: self.start })
    }
}

impl<K: Kind> Default for Options<K> {
    fn default() -> Self {
        Options::new()
    }
}

fn size<K: Kind>(shape: Shape) -> Result<usize> {
    let size = K::room(shape).and_then(|room| room.checked_add(HEADER));
    size.filter(|size| *size <= isize::MAX as usize).ok_or_else(|| too_many(shape.capacity))
}

fn rounded<K: Kind>(capacity: u64) -> Result<u64> {
    let capacity = capacity.max(K::LEAST);
    capacity.checked_next_power_of_two().ok_or_else(|| too_many(capacity))
}

fn fill<K: Kind>(fd: BorrowedFd<'_>, shape: Shape) -> Result<()> {
    Region::fill::<K>(&posix::map_new(fd, size::<K>(shape)?)?, shape)
}

fn too_many(capacity: u64) -> Error {
    let limit = Limit { name: "the address space", value: isize::MAX as u64, requested: Some(capacity) };
    Error::new(CREATE, ErrorKind::Invalid).with_limit(Some(limit))
}

/// A channel whose ends can be taken: memory that is one of the expected kind, type and size.
///
/// Having a channel is not being an end of it, and keeps nobody waiting. Dropping it leaves its ends as they are.
pub struct Channel<K> {
    pub(super) region: Arc<Region>,
    _kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Channel<K> {
    fn new(region: Region) -> Self {
        Channel { region: Arc::new(region), _kind: PhantomData }
    }

    /// [`Options::create`] with the usual options.
    #[doc(alias = "shm_open")]
    pub fn create(name: &str) -> Result<Self> {
        Options::new().create(name)
    }

    /// [`Options::create_new`] with the usual options.
    #[doc(alias = "shm_open")]
    pub fn create_new(name: &str) -> Result<Self> {
        Options::new().create_new(name)
    }

    /// [`Options::open`] with the usual options, whatever the capacity.
    #[doc(alias = "shm_open")]
    pub fn open(name: &str) -> Result<Self> {
        Options::new().open(name)
    }

    /// [`Options::open_timeout`] with the usual options, whatever the capacity.
    pub fn open_timeout(name: &str, timeout: Duration) -> Result<Self> {
        Options::new().open_timeout(name, timeout)
    }

    /// [`Options::anonymous`] with the usual options.
    #[doc(alias = "memfd_create")]
    pub fn anonymous() -> Result<Self> {
        Options::new().anonymous()
    }

    /// Takes an anonymous channel whose [descriptor](AsFd) came from a parent or over a socket.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if it is no memfd, is not sealed against shrinking and growing, or holds no
    /// such channel. The descriptor is closed then.
    pub fn from_received(fd: OwnedFd) -> Result<Self> {
        let file = File::Anonymous(Memfd::try_from(fd)?);
        Ok(Channel::new(Region::attach::<K>(file, Wanted::default())?))
    }

    /// The channel behind an end that came by its descriptor, which keeps its own.
    pub(super) fn of_end(fd: BorrowedFd<'_>) -> Result<Self> {
        // Under a description of its own, or the seat would be taken for as long as the channel is kept.
        let file = File::Anonymous(Memfd::try_from(seat::reopen(fd)?)?);
        Ok(Channel::new(Region::attach::<K>(file, Wanted::default())?))
    }

    /// How many messages, or bytes, there is room for.
    pub fn capacity(&self) -> usize {
        self.region.shape().capacity as usize
    }

    /// The name as it was given; `None` for an anonymous channel.
    pub fn name(&self) -> Option<&str> {
        self.region.name().map(|name| &**name)
    }

    /// `shm_unlink(3)`: removes the name. Whoever has the channel, or an end of it, keeps it.
    ///
    /// # Errors
    ///
    /// Those of [`SharedMemory::remove`](posix::SharedMemory::remove); [`Invalid`](ErrorKind::Invalid) if it has no
    /// name.
    #[doc(alias = "shm_unlink")]
    pub fn remove(&self) -> Result<()> {
        match self.region.memory() {
            Some(memory) => memory.remove(),
            None => Err(Error::new("shm_unlink", ErrorKind::Invalid).with_hint("the channel has no name")),
        }
    }
}

/// To hand the channel to a child or over a socket: for [`Channel::from_received`] there. An end of its own is taken from
/// it, since two processes that use one description would be one end.
impl<K> AsFd for Channel<K> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.region.file()
    }
}

impl<K> Clone for Channel<K> {
    fn clone(&self) -> Self {
        Channel { region: self.region.clone(), _kind: PhantomData }
    }
}

impl<K> fmt::Debug for Channel<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("region", &self.region).finish()
    }
}

impl<K> fmt::Debug for Options<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("memory", &self.memory)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

impl<K> Clone for Options<K> {
    fn clone(&self) -> Self {
        Options { memory: self.memory.clone(), _kind: PhantomData, ..*self }
    }
}
