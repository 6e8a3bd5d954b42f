//! Making and finding channels.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::channel::handle::Channel;
use crate::channel::kind::{self, Kind};
use crate::channel::shared::header::{Config, Expected, HEADER_LEN};
use crate::channel::shared::region::{Backing, SharedRegion};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::memfd::Memfd;
use crate::shm::{Mapping, posix};

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
    pub(crate) flags: Option<u64>,
    initial_position: u64,
    _kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Options<K> {
    /// Returns the defaults: capacity for 1024 messages, or 64 KiB for records; mode 0600; never
    /// removed.
    pub fn new() -> Self {
        Options {
            memory: posix::Options::new(),
            capacity: None,
            flags: None,
            initial_position: 0,
            _kind: PhantomData,
        }
    }

    /// Sets the capacity in messages, or in bytes for a channel of records. It is rounded up to
    /// a power of two.
    ///
    /// An opened channel must have the same capacity.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = Some(capacity as u64);
        self
    }

    /// Sets the permission bits of a named channel, such as `0o660`. The umask applies to a
    /// created channel. Opening fails if an existing channel has other bits.
    pub fn mode(mut self, mode: u32) -> Self {
        self.memory = self.memory.mode(mode);
        self
    }

    /// Whose a named channel that exists has to be: the effective user's unless set.
    pub fn owner(mut self, uid: u32) -> Self {
        self.memory = self.memory.owner(uid);
        self
    }

    /// Sets whether the name is removed when the channel and its endpoints in this process are
    /// dropped.
    ///
    /// It is removed only by the process that created the channel, and only while the name still
    /// refers to it.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.memory = self.memory.remove_on_drop(yes);
        self
    }

    /// Where the positions begin, so that tests see them wrap.
    #[doc(hidden)]
    pub fn initial_position(mut self, position: u64) -> Self {
        self.initial_position = position;
        self
    }

    /// `shm_open(3)`: opens the channel of this name, or creates it. A channel that was left
    /// behind contains the messages that were not received.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the name refers to another object, or to a channel
    /// of another kind, type or capacity; others as in the [table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn create(&self, name: &str) -> Result<Channel<K>> {
        let config = self.config()?;
        let memory =
            self.memory.create_filled(name, size::<K>(config)?, |fd| initialize_file::<K>(fd, config))?;
        self.take(Backing::Named(memory))
    }

    /// `shm_open(3)` with `O_EXCL`: creates a channel of this name. Exactly one of several
    /// racing processes succeeds.
    ///
    /// The name appears when the channel is complete. A creator that dies half way leaves
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the name is taken; others as in the
    /// [table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn create_new(&self, name: &str) -> Result<Channel<K>> {
        let config = self.config()?;
        let memory =
            self.memory.create_new_filled(name, size::<K>(config)?, |fd| initialize_file::<K>(fd, config))?;
        self.take(Backing::Named(memory))
    }

    /// `shm_open(3)`: opens the channel of this name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound); [`WrongType`](ErrorKind::WrongType) with the
    /// difference; others as in the [table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn open(&self, name: &str) -> Result<Channel<K>> {
        self.take(Backing::Named(self.memory.open(name)?))
    }

    /// [`open`](Options::open) that waits until the channel exists. Fails with
    /// [`TimedOut`](ErrorKind::TimedOut) if it does not exist within `timeout`.
    pub fn open_timeout(&self, name: &str, timeout: Duration) -> Result<Channel<K>> {
        self.take(Backing::Named(self.memory.open_timeout(name, timeout)?))
    }

    /// `memfd_create(2)`: creates a channel without a name. Other processes get its descriptor,
    /// or that of an endpoint.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if memory or descriptors are short.
    #[doc(alias = "memfd_create")]
    pub fn anonymous(&self) -> Result<Channel<K>> {
        let config = self.config()?;
        let memory = Memfd::create("ipcraft-channel", size::<K>(config)?)?;
        initialize::<K>(&memory.map()?, config)?;
        self.take(Backing::Anonymous(memory))
    }

    fn take(&self, backing: Backing) -> Result<Channel<K>> {
        let expected = Expected { capacity: self.capacity.map(rounded::<K>).transpose()?, flags: self.flags };
        Ok(Channel::new(SharedRegion::attach(backing, &kind::info::<K>(), expected)?))
    }

    fn config(&self) -> Result<Config> {
        let capacity = rounded::<K>(self.capacity.unwrap_or(K::DEFAULT_CAPACITY))?;
        let flags = self.flags.map_or(K::DEFAULT_FLAGS, |asked| K::merge_flags(asked, K::DEFAULT_FLAGS));
        Ok(Config { capacity, flags, initial_position: self.initial_position })
    }
}

/// Shorthands for [`Options`] with their defaults.
impl<K: Kind> Channel<K> {
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
}

impl<K: Kind> Default for Options<K> {
    fn default() -> Self {
        Options::new()
    }
}

fn size<K: Kind>(config: Config) -> Result<usize> {
    let size = K::data_len(config).and_then(|room| room.checked_add(HEADER_LEN));
    size.filter(|size| *size <= isize::MAX as usize).ok_or_else(|| too_many(config.capacity))
}

fn rounded<K: Kind>(capacity: u64) -> Result<u64> {
    let capacity = capacity.max(K::MIN_CAPACITY);
    capacity.checked_next_power_of_two().ok_or_else(|| too_many(capacity))
}

fn initialize<K: Kind>(mapping: &Mapping, config: Config) -> Result<()> {
    SharedRegion::initialize(mapping, &kind::info::<K>(), config, K::initialize)
}

fn initialize_file<K: Kind>(fd: BorrowedFd<'_>, config: Config) -> Result<()> {
    initialize::<K>(&posix::map_new(fd, size::<K>(config)?)?, config)
}

fn too_many(capacity: u64) -> Error {
    let limit = Limit { name: "the address space", value: isize::MAX as u64, requested: Some(capacity) };
    Error::new(CREATE, ErrorKind::Invalid).with_limit(Some(limit))
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
