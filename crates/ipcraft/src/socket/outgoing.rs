//! A message to send, with its ancillary data.

use std::io::IoSlice;
use std::os::fd::BorrowedFd;

use nix::sys::socket::SockType;

use super::{Address, Credentials};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::sys::cmsg::{OutgoingMessage, SCM_MAX_FD};

pub(super) const SENDMSG: &str = "sendmsg";

/// `struct msghdr`: the bytes of a message, gathered from several buffers, and its ancillary data.
///
/// ```
/// use std::io::IoSlice;
/// use std::os::fd::AsFd;
/// use ipcraft::pipe;
/// use ipcraft::socket::{Ancillary, Outgoing, seqpacket};
///
/// let (left, right) = seqpacket::pair()?;
/// let (reader, _writer) = pipe::pipe()?;
/// let bytes = [IoSlice::new(b"head"), IoSlice::new(b"body")];
/// let message = Outgoing::new(&bytes);
/// left.send_message(&message.descriptors(&[reader.as_fd()]))?;
///
/// let (length, descriptors) = right.recv_descriptors(&mut [0; 16], 1)?.expect("not the end");
/// assert_eq!((length, descriptors.len()), (8, 1));
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
#[doc(alias = "msghdr")]
pub struct Outgoing<'a> {
    parts: &'a [IoSlice<'a>],
    descriptors: &'a [BorrowedFd<'a>],
    credentials: Option<Credentials>,
    address: Option<&'a Address>,
}

impl<'a> Outgoing<'a> {
    /// A message of these bytes without ancillary data.
    pub fn new(parts: &'a [IoSlice<'a>]) -> Self {
        Outgoing { parts, descriptors: &[], credentials: None, address: None }
    }

    /// `SCM_RIGHTS`: adds copies of these descriptors, at most 253.
    #[doc(alias = "SCM_RIGHTS")]
    pub fn descriptors(mut self, descriptors: &'a [BorrowedFd<'a>]) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// `SCM_CREDENTIALS`: states the sender's credentials. The kernel lets only privileged
    /// processes state false ones.
    ///
    /// A receiver that asks for credentials gets the sender's without this call too.
    #[doc(alias = "SCM_CREDENTIALS")]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sets the destination, for a datagram socket. Sending it on a connection fails.
    pub fn to(mut self, address: &'a Address) -> Self {
        self.address = Some(address);
        self
    }

    /// The number of bytes.
    pub fn length(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    /// Returns the [destination](Outgoing::to), if it was set.
    pub fn destination(&self) -> Option<&'a Address> {
        self.address
    }

    /// The message in the form in which a socket of type `kind` can send it, without its address.
    pub(super) fn for_kind(&self, kind: SockType) -> Result<OutgoingMessage<'a>> {
        if self.descriptors.len() > SCM_MAX_FD {
            return Err(too_many(self.descriptors.len()));
        }
        if kind != SockType::Datagram && self.address.is_some() {
            return Err(invalid("omit the address: a connection sends to its peer"));
        }
        let has_ancillary = !self.descriptors.is_empty() || self.credentials.is_some();
        if kind == SockType::Stream && has_ancillary && self.length() == 0 {
            // The kernel would drop them without an error.
            return Err(invalid("on a stream socket, add at least one byte of data"));
        }
        Ok(OutgoingMessage {
            parts: self.parts,
            descriptors: self.descriptors,
            credentials: self.credentials.map(Credentials::raw),
            to: None,
        })
    }
}

fn invalid(hint: &'static str) -> Error {
    Error::new(SENDMSG, ErrorKind::Invalid).with_hint(hint)
}

fn too_many(count: usize) -> Error {
    let limit = Limit { name: "SCM_MAX_FD", value: SCM_MAX_FD as u64, requested: Some(count as u64) };
    Error::new(SENDMSG, ErrorKind::LimitReached).with_limit(Some(limit)).with_hint("send several messages")
}
