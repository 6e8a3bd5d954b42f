//! What is inside of a channel, by an observer that is no endpoint of it.

use std::os::fd::AsFd;

use ipcraft::channel::Observer;
use serde::Serialize;

use crate::object::{Object, Queued};
use crate::shared_files::open_listed;

/// A channel: its type, its endpoints and its traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChannelDetails {
    /// The description of its message type.
    pub description: String,
    /// Bytes of a message; 0 for records of any length.
    pub message_len: u64,
    /// Messages, or bytes of records.
    pub capacity: u64,
    /// The endpoints that are in use.
    pub endpoints: Vec<Endpoint>,
    /// The traffic in each direction: a request has two.
    pub directions: Vec<Direction>,
}

/// An endpoint that is in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Endpoint {
    /// `sender`, `subscriber` and similar.
    pub role: String,
    /// The process that registered it, by its id in its own pid namespace.
    pub pid: Option<u32>,
    /// The messages that a subscriber has to receive, if that is known.
    pub lag: Option<u64>,
}

/// Messages in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Direction {
    /// Messages that were sent since the channel was made.
    pub sent: u64,
    /// Messages that were received, if the kind counts them.
    pub received: Option<u64>,
    /// Messages that wait.
    pub depth: u64,
}

/// Observes the channel that was listed; `None` if that is not permitted, or it is damaged.
pub(crate) fn observe(object: &Object) -> Option<ChannelDetails> {
    let opened = open_listed(object).ok()?;
    let observer = Observer::from_fd(opened.file.as_fd()).ok()?;
    let endpoints = observer.endpoints().ok()?.into_iter().map(|found| Endpoint {
        role: found.role.to_string(),
        pid: found.pid.map(u32::from),
        lag: found.lag,
    });
    let directions = observer.stats().ok()?.directions.into_iter().map(|found| Direction {
        sent: found.sent,
        received: found.received,
        depth: found.depth,
    });
    Some(ChannelDetails {
        description: crate::escape::escape(observer.description().as_str().as_bytes()),
        message_len: observer.message_len(),
        capacity: observer.capacity(),
        endpoints: endpoints.collect(),
        directions: directions.collect(),
    })
}

/// What waits in the channel.
pub(crate) fn queued(details: &ChannelDetails) -> Option<Queued> {
    let depth = details.directions.first()?.depth;
    Some(Queued { count: depth, capacity: Some(details.capacity), bytes: None })
}
