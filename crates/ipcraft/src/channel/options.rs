//! Creating and opening channels.

use std::ffi::OsStr;
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

/// Options for creating a channel, and the properties that an opened one must have.
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
    /// Default options: mode 0600, owned by the effective user, not removed on drop, and a capacity
    /// of 1024 messages (64 KiB for a channel of records).
    pub fn new() -> Self {
        Options {
            memory: posix::Options::new(),
            capacity: None,
            flags: None,
            initial_position: 0,
            _kind: PhantomData,
        }
    }

    /// Sets the capacity, rounded up to a power of two: in messages, or in bytes if the channel
    /// carries records. A channel that is opened must have this capacity.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = Some(capacity as u64);
        self
    }

    /// Sets the permission bits of a new named channel, such as `0o660`, less the umask. An
    /// existing channel with further bits is rejected.
    ///
    /// Creation and opening fail with [`Invalid`](ErrorKind::Invalid) for bits beyond 0o777.
    pub fn mode(mut self, mode: u32) -> Self {
        self.memory = self.memory.mode(mode);
        self
    }

    /// Sets the permission bits as [`mode`](Options::mode) does, and the umask takes none away. The
    /// channel has them before its name appears.
    #[doc(alias = "fchmod")]
    pub fn exact_mode(mut self, mode: u32) -> Self {
        self.memory = self.memory.exact_mode(mode);
        self
    }

    /// Accepts an existing named channel with any permission bits. Each user that may write to it
    /// is a [peer](super#what-a-peer-can-do), and can truncate it.
    pub fn any_mode(mut self) -> Self {
        self.memory = self.memory.any_mode();
        self
    }

    /// Sets the required owner of an existing named channel. Default: the effective user.
    pub fn owner(mut self, uid: u32) -> Self {
        self.memory = self.memory.owner(uid);
        self
    }

    /// Accepts an existing named channel of any owner. The owner is a
    /// [peer](super#what-a-peer-can-do), and can truncate it.
    pub fn any_owner(mut self) -> Self {
        self.memory = self.memory.any_owner();
        self
    }

    /// Removes the name when the channel and its endpoints in this process are dropped.
    ///
    /// The name is removed only if this call created the channel, in the creating process, and
    /// while the name still names that channel.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.memory = self.memory.remove_on_drop(yes);
        self
    }

    /// Sets the first position, so that tests can make positions wrap.
    #[doc(hidden)]
    pub fn initial_position(mut self, position: u64) -> Self {
        self.initial_position = position;
        self
    }

    /// `shm_open(3)`: opens the channel of this name, or creates it.
    ///
    /// A channel that an earlier run left behind still contains the messages that were not
    /// received.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](ErrorKind::WrongType) if the name is taken by something else, or by
    /// a channel of another kind, message type or capacity; others as in the [table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn create(&self, name: impl AsRef<OsStr>) -> Result<Channel<K>> {
        let config = self.config()?;
        let memory =
            self.memory.create_filled(name, size::<K>(config)?, |fd| initialize_file::<K>(fd, config))?;
        self.take(Backing::Named(memory))
    }

    /// `shm_open(3)` with `O_EXCL`: creates a channel of this name. Exactly one of several racing
    /// processes succeeds.
    ///
    /// The name appears when the channel is complete. A creator that dies earlier leaves nothing.
    ///
    /// # Errors
    ///
    /// Fails with [`AlreadyExists`](ErrorKind::AlreadyExists) if the name is taken; others as in
    /// the [table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn create_new(&self, name: impl AsRef<OsStr>) -> Result<Channel<K>> {
        let config = self.config()?;
        let memory =
            self.memory.create_new_filled(name, size::<K>(config)?, |fd| initialize_file::<K>(fd, config))?;
        self.take(Backing::Named(memory))
    }

    /// `shm_open(3)`: opens the channel of this name, and checks its owner, mode, kind and
    /// capacity.
    ///
    /// # Errors
    ///
    /// Fails with [`NotFound`](ErrorKind::NotFound) if no object has the name;
    /// [`WrongType`](ErrorKind::WrongType) if it is not such a channel, with the property that
    /// differs; others as in the [table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn open(&self, name: impl AsRef<OsStr>) -> Result<Channel<K>> {
        self.take(Backing::Named(self.memory.open(name)?))
    }

    /// [`open`](Options::open) that waits until the channel exists, and fails with
    /// [`TimedOut`](ErrorKind::TimedOut) after `timeout`.
    pub fn open_timeout(&self, name: impl AsRef<OsStr>, timeout: Duration) -> Result<Channel<K>> {
        self.take(Backing::Named(self.memory.open_timeout(name, timeout)?))
    }

    /// `memfd_create(2)`: creates a channel without a name. Other processes get it by its
    /// descriptor, or by that of an endpoint.
    ///
    /// # Errors
    ///
    /// Fails with [`LimitReached`](ErrorKind::LimitReached) if memory or descriptors are short.
    #[doc(alias = "memfd_create")]
    pub fn anonymous(&self) -> Result<Channel<K>> {
        let config = self.config()?;
        let memory = Memfd::create("ipcraft-channel", size::<K>(config)?)?;
        initialize::<K>(&memory.map()?, config)?;
        self.take(Backing::anonymous(memory))
    }

    fn take(&self, backing: Backing) -> Result<Channel<K>> {
        K::check_flags(self.flags.unwrap_or(0))?;
        let expected = Expected { capacity: self.capacity.map(rounded::<K>).transpose()?, flags: self.flags };
        Ok(Channel::new(SharedRegion::attach(backing, &kind::info::<K>(), expected)?))
    }

    fn config(&self) -> Result<Config> {
        K::check_flags(self.flags.unwrap_or(0))?;
        let capacity = rounded::<K>(self.capacity.unwrap_or(K::DEFAULT_CAPACITY))?;
        let flags = self.flags.map_or(K::DEFAULT_FLAGS, |asked| K::merge_flags(asked, K::DEFAULT_FLAGS));
        Ok(Config { capacity, flags, initial_position: self.initial_position })
    }
}

/// Shorthands for [`Options`] with the default options.
impl<K: Kind> Channel<K> {
    /// [`Options::create`] with the default options.
    #[doc(alias = "shm_open")]
    pub fn create(name: impl AsRef<OsStr>) -> Result<Self> {
        Options::new().create(name)
    }

    /// [`Options::create_new`] with the default options.
    #[doc(alias = "shm_open")]
    pub fn create_new(name: impl AsRef<OsStr>) -> Result<Self> {
        Options::new().create_new(name)
    }

    /// [`Options::open`] with the default options. The channel may have any capacity.
    #[doc(alias = "shm_open")]
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Options::new().open(name)
    }

    /// [`Options::open_timeout`] with the default options. The channel may have any capacity.
    pub fn open_timeout(name: impl AsRef<OsStr>, timeout: Duration) -> Result<Self> {
        Options::new().open_timeout(name, timeout)
    }

    /// [`Options::anonymous`] with the default options.
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
    size.filter(|size| *size <= isize::MAX as usize).ok_or_else(too_large)
}

fn rounded<K: Kind>(capacity: u64) -> Result<u64> {
    let capacity = capacity.max(K::MIN_CAPACITY);
    capacity.checked_next_power_of_two().ok_or_else(too_large)
}

fn initialize<K: Kind>(mapping: &Mapping, config: Config) -> Result<()> {
    SharedRegion::initialize(mapping, &kind::info::<K>(), config, K::initialize)
}

fn initialize_file<K: Kind>(fd: BorrowedFd<'_>, config: Config) -> Result<()> {
    initialize::<K>(&posix::map_new(fd, size::<K>(config)?)?, config)
}

fn too_large() -> Error {
    let limit = Limit { name: "the address space in bytes", value: isize::MAX as u64, requested: None };
    Error::new(CREATE, ErrorKind::Invalid)
        .with_limit(Some(limit))
        .with_hint("lower Options::capacity, or send smaller messages")
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
