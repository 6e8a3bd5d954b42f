//! A handle of a channel, from which endpoints are opened.

use std::ffi::OsStr;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::endpoint::lease::{self, Lease};
use super::kind::{self, Kind};
use super::shared::header::Expected;
use super::shared::region::{Backing, SharedRegion};
use crate::error::{Error, ErrorKind, Result};
use crate::shm::memfd::Memfd;
use crate::shm::posix::SharedMemory;

/// A handle of a channel, from which endpoints are opened. Its kind, message type and size are
/// checked.
///
/// A handle is not an endpoint: it does not count as a peer, so endpoints never wait for it.
/// Dropping it leaves the endpoints unchanged.
pub struct Channel<K> {
    pub(crate) region: Arc<SharedRegion>,
    _kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Channel<K> {
    pub(crate) fn new(region: SharedRegion) -> Self {
        Channel { region: Arc::new(region), _kind: PhantomData }
    }

    /// Opens the anonymous channel of a [descriptor](AsFd) that was inherited or received over a
    /// socket.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](ErrorKind::WrongType) if the descriptor is not a memfd, is not
    /// sealed against shrinking and growing, or does not contain such a channel. On error, the
    /// descriptor is closed.
    pub fn from_received(fd: OwnedFd) -> Result<Self> {
        let backing = Backing::anonymous(Memfd::try_from(fd)?);
        Ok(Channel::new(SharedRegion::attach(backing, &kind::info::<K>(), Expected::default())?))
    }

    /// Opens the channel to which the descriptor of an endpoint belongs. The endpoint keeps its
    /// descriptor.
    fn of_endpoint(fd: BorrowedFd<'_>) -> Result<Self> {
        lease::check_received(fd)?;
        // A new open file description: a copy of the endpoint's would hold its lease for as long as
        // the channel handle exists.
        let backing = Backing::Anonymous(Memfd::try_from(lease::reopen(fd)?)?);
        Ok(Channel::new(SharedRegion::attach(backing, &kind::info::<K>(), Expected::default())?))
    }

    /// Returns the capacity: in messages, or in bytes if the channel carries records.
    pub fn capacity(&self) -> usize {
        self.region.config().capacity as usize
    }

    /// Returns the name of the channel, or `None` if it is anonymous.
    pub fn name(&self) -> Option<&OsStr> {
        self.region.memory().map(SharedMemory::name)
    }

    /// `shm_unlink(3)`: removes the name, if it still names this channel. Existing handles and
    /// endpoints stay usable.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`](ErrorKind::Invalid) if the channel has no name; others as for
    /// [`SharedMemory::remove`](crate::shm::posix::SharedMemory::remove).
    #[doc(alias = "shm_unlink")]
    pub fn remove(&self) -> Result<()> {
        match self.region.memory() {
            Some(memory) => memory.remove(),
            None => Err(Error::new("shm_unlink", ErrorKind::Invalid)
                .with_hint("remove only a named channel; this one is anonymous")),
        }
    }
}

/// `shm_unlink(3)`: removes the name of a channel of any kind, also of one that cannot be opened:
/// with another message type, owner or mode, or left by another program. Whatever has the name is
/// removed.
///
/// Existing handles and endpoints stay usable. To remove a name only while it names a certain
/// channel, use [`Channel::remove`].
///
/// ```
/// use ipcraft::{channel::{self, spsc}, name};
///
/// let name = format!("/{}", name::unique("doc-channel-unlink"));
/// spsc::Channel::<u64>::create_new(&name)?;
/// channel::unlink(&name)?;
/// assert!(spsc::Channel::<u64>::open(&name).is_err());
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// # Errors
///
/// Fails as [`SharedMemory::unlink`] does.
#[doc(alias = "shm_unlink")]
pub fn unlink(name: impl AsRef<OsStr>) -> Result<()> {
    SharedMemory::unlink(name)
}

/// Takes over an endpoint by its descriptor. Returns the memory of its channel, and its lease.
pub(crate) fn adopt<K: Kind>(
    fd: OwnedFd,
    leases: impl FnOnce(&SharedRegion) -> Range<u32>,
    operation: &'static str,
) -> Result<(Arc<SharedRegion>, Lease)> {
    let region = Channel::<K>::of_endpoint(fd.as_fd())?.region;
    let lease = Lease::adopt(fd, leases(&region), operation)?;
    Ok((region, lease))
}

/// Acquires the first free lease of these. `operation` names the endpoint in errors.
pub(crate) fn acquire(region: &SharedRegion, leases: Range<u32>, operation: &'static str) -> Result<Lease> {
    Lease::acquire(region.fd(), leases, operation).map_err(|e| e.with_object(region.name()))
}

/// Gives the descriptor of the channel, for a child or a socket. The other process opens it with
/// [`Channel::from_received`].
///
/// The other process then opens an endpoint of its own from the channel. Processes that share the
/// open file description of one endpoint would count as one endpoint.
impl<K> AsFd for Channel<K> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.region.fd()
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
