//! A message to send, with what goes beside its bytes.

use std::io::IoSlice;
use std::os::fd::BorrowedFd;

use nix::sys::socket::SockType;

use super::{Address, Credentials};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::sys::cmsg::{OutgoingMessage, SCM_MAX_FD};

pub(super) const SENDMSG: &str = "sendmsg";

/// `struct msghdr`: the bytes of a message, gathered from several places, and what goes with them.
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
    /// The bytes alone.
    pub fn new(parts: &'a [IoSlice<'a>]) -> Self {
        Outgoing { parts, descriptors: &[], credentials: None, address: None }
    }

    /// `SCM_RIGHTS`: the receiver gets copies of these descriptors, at most 253.
    #[doc(alias = "SCM_RIGHTS")]
    pub fn descriptors(mut self, descriptors: &'a [BorrowedFd<'a>]) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// `SCM_CREDENTIALS`: says who sends. The kernel lets only the privileged claim what is not true of them.
    ///
    /// Not needed to be known: a receiver that asks for credentials gets them in any case.
    #[doc(alias = "SCM_CREDENTIALS")]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Where to, for a datagram socket that is not connected there. Refused for connections, which have their peer.
    pub fn to(mut self, address: &'a Address) -> Self {
        self.address = Some(address);
        self
    }

    /// How many bytes it has.
    pub fn length(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    pub(super) fn address(&self) -> Option<&'a Address> {
        self.address
    }

    /// The message as a socket of type `kind` can send it.
    pub(super) fn parcel(&self, kind: SockType) -> Result<OutgoingMessage<'a>> {
        if self.descriptors.len() > SCM_MAX_FD {
            return Err(too_many(self.descriptors.len()));
        }
        if kind != SockType::Datagram && self.address.is_some() {
            return Err(
                Error::new(SENDMSG, ErrorKind::Invalid).with_hint("a connection sends to its peer only")
            );
        }
        let ancillary = !self.descriptors.is_empty() || self.credentials.is_some();
        if kind == SockType::Stream && ancillary && self.length() == 0 {
            return Err(Error::new(SENDMSG, ErrorKind::Invalid).with_hint(
                "on a stream it takes a byte to carry them; the kernel would drop them in silence",
            ));
        }
        Ok(OutgoingMessage {
            parts: self.parts,
            descriptors: self.descriptors,
            credentials: self.credentials.map(Credentials::raw),
            to: self.address.map(|address| address.checked(SENDMSG)).transpose()?,
        })
    }
}

fn too_many(count: usize) -> Error {
    let limit = Limit { name: "SCM_MAX_FD", value: SCM_MAX_FD as u64, requested: Some(count as u64) };
    Error::new(SENDMSG, ErrorKind::LimitReached).with_limit(Some(limit)).with_hint("send several messages")
}
