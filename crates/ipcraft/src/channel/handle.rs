//! A handle of a channel, from which endpoints are opened.

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

/// A channel whose endpoints can be opened.
///
/// Holding a channel is not holding an endpoint: it does not count as connected. Dropping it
/// does not affect its endpoints.
pub struct Channel<K> {
    pub(crate) region: Arc<SharedRegion>,
    _kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Channel<K> {
    pub(crate) fn new(region: SharedRegion) -> Self {
        Channel { region: Arc::new(region), _kind: PhantomData }
    }

    /// Opens an anonymous channel by a [descriptor](AsFd) that came from a parent or over a
    /// socket.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if it is not a memfd, is not sealed against shrinking
    /// and growing, or contains no such channel. On error, the descriptor is closed.
    pub fn from_received(fd: OwnedFd) -> Result<Self> {
        let backing = Backing::Anonymous(Memfd::try_from(fd)?);
        Ok(Channel::new(SharedRegion::attach(backing, &kind::info::<K>(), Expected::default())?))
    }

    /// The channel behind an end that came by its descriptor, which keeps its own.
    pub(crate) fn of_endpoint(fd: BorrowedFd<'_>) -> Result<Self> {
        // With a file description of its own, or the lease would be held for as long as the
        // channel exists.
        let backing = Backing::Anonymous(Memfd::try_from(lease::reopen(fd)?)?);
        Ok(Channel::new(SharedRegion::attach(backing, &kind::info::<K>(), Expected::default())?))
    }

    /// How many messages, or bytes, there is room for.
    pub fn capacity(&self) -> usize {
        self.region.config().capacity as usize
    }

    /// The name as it was given; `None` for an anonymous channel.
    pub fn name(&self) -> Option<&str> {
        self.region.name().map(|name| &**name)
    }

    /// `shm_unlink(3)`: removes the name. The channel and its endpoints stay usable.
    ///
    /// # Errors
    ///
    /// Those of [`SharedMemory::remove`](crate::shm::posix::SharedMemory::remove);
    /// [`Invalid`](ErrorKind::Invalid) if it has no name.
    #[doc(alias = "shm_unlink")]
    pub fn remove(&self) -> Result<()> {
        match self.region.memory() {
            Some(memory) => memory.remove(),
            None => Err(Error::new("shm_unlink", ErrorKind::Invalid).with_hint("the channel has no name")),
        }
    }
}

/// Returns the memory of the channel to which a descriptor of an endpoint belongs, and the lease
/// of the endpoint.
pub(crate) fn adopt<K: Kind>(
    fd: OwnedFd,
    leases: impl FnOnce(&SharedRegion) -> Range<u32>,
) -> Result<(Arc<SharedRegion>, Lease)> {
    let region = Channel::<K>::of_endpoint(fd.as_fd())?.region;
    let lease = Lease::adopt(fd, leases(&region))?;
    Ok((region, lease))
}

/// To hand the channel to a child or over a socket, for [`Channel::from_received`] there. Open
/// endpoints from it: two processes that share one description would be one endpoint.
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
