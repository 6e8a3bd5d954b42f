//! Which endpoints a channel has.

use std::fmt;
use std::fs;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};

use super::facts::HeaderCopy;
use super::{ChannelKind, Observer};
use crate::channel::broadcast::Overflow;
use crate::channel::endpoint::lease;
use crate::channel::ring::cursors;
use crate::channel::shared::header::HEADER_LEN;
use crate::error::Result;
use crate::pid::Pid;

/// What an endpoint of a channel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndpointRole {
    /// Sends to an `spsc`, `bytes` or `mpmc` channel.
    Sender,
    /// Receives from such a channel.
    Receiver,
    /// Sends to the subscribers of a broadcast.
    Publisher,
    /// Receives from a broadcast.
    Subscriber,
    /// Stores the values of a `latest` channel.
    Writer,
    /// Loads them.
    Reader,
    /// Sends requests.
    Client,
    /// Replies.
    Server,
}

/// `sender`, `receiver`, …
impl fmt::Display for EndpointRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            EndpointRole::Sender => "sender",
            EndpointRole::Receiver => "receiver",
            EndpointRole::Publisher => "publisher",
            EndpointRole::Subscriber => "subscriber",
            EndpointRole::Writer => "writer",
            EndpointRole::Reader => "reader",
            EndpointRole::Client => "client",
            EndpointRole::Server => "server",
        })
    }
}

/// An endpoint whose lease is held, so some process has its descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObservedEndpoint {
    /// The number of its lease.
    pub lease: u32,
    /// What it does.
    pub role: EndpointRole,
    /// The process that registered it, by the id in that process's own pid namespace. After a fork
    /// or a handover in transit, another process may hold the lease. A hint: it is never a proof
    /// that this process has the channel open.
    pub pid: Option<Pid>,
    /// When it registered, since boot. The start times in `/proc` count on the same clock.
    pub registered_at: Duration,
    /// When the process with this id started, since boot, to 1/100 second. `None` if that was after
    /// the registration, or there is no such process: then `pid` is that of an earlier process, or
    /// of another namespace.
    pub started: Option<Duration>,
    /// How many messages a subscriber has to receive. `None` for other endpoints, and where the
    /// publisher does not wait for subscribers: their positions are private.
    pub lag: Option<u64>,
}

impl Observer {
    /// Returns the endpoints whose leases are held.
    ///
    /// A process that recovers what a dead endpoint left holds that lease for some microseconds, in
    /// which the dead endpoint is among the result.
    ///
    /// # Errors
    ///
    /// Fails with [`Corrupted`](crate::ErrorKind::Corrupted) if the owner has shrunk the object.
    pub fn endpoints(&self) -> Result<Vec<ObservedEndpoint>> {
        let (senders, receivers) = self.facts.leases();
        let held = lease::held(self.fd.as_fd(), senders.start..receivers.end).map_err(|e| self.named(e))?;
        let header = self.header()?;
        held.into_iter()
            .map(|lease| {
                let role = role(self.facts.kind, senders.contains(&lease));
                let lag = if role == EndpointRole::Subscriber { self.lag(&header, lease)? } else { None };
                Ok(endpoint(&header, lease, role, lag))
            })
            .collect()
    }

    /// The messages that the subscriber with this lease has not received.
    pub(super) fn lag(&self, header: &HeaderCopy, lease: u32) -> Result<Option<u64>> {
        if self.overflow() != Some(Overflow::Block) {
            return Ok(None);
        }
        let at = HEADER_LEN + cursors::bytes_for(u64::from(lease.max(1) - 1));
        let word = self.memory.word(at).map_err(|e| self.named(e))?;
        Ok(cursors::position(word).map(|cursor| {
            let behind = header.sender_position(0).wrapping_sub(cursor) & (u64::MAX >> 1);
            // The subscriber may have received a message that the publisher had not counted yet.
            if behind > self.facts.capacity { 0 } else { behind }
        }))
    }
}

fn endpoint(header: &HeaderCopy, lease: u32, role: EndpointRole, lag: Option<u64>) -> ObservedEndpoint {
    let registered_at = Duration::from_micros(header.registered_at(lease));
    let pid = Pid::from_raw(header.pid(lease).cast_signed());
    // The start time is rounded down to a tick, so a later one proves another process.
    let started = pid.and_then(start_time).filter(|started| *started <= registered_at);
    ObservedEndpoint { lease, role, pid, registered_at, started, lag }
}

fn role(kind: ChannelKind, is_sender: bool) -> EndpointRole {
    use EndpointRole::*;
    let (sender, receiver) = match kind {
        ChannelKind::Spsc | ChannelKind::Bytes | ChannelKind::Mpmc => (Sender, Receiver),
        ChannelKind::Broadcast => (Publisher, Subscriber),
        ChannelKind::Latest => (Writer, Reader),
        ChannelKind::Request => (Client, Server),
    };
    if is_sender { sender } else { receiver }
}

/// Returns when the process started, since boot: field 22 of proc_pid_stat(5).
fn start_time(pid: Pid) -> Option<Duration> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let ticks = parse_start(&stat)?;
    let per_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|n| u64::try_from(n).ok())?;
    Some(Duration::from_millis(ticks.checked_mul(1000)?.checked_div(per_second)?))
}

/// The name of the command, in parentheses, may itself contain parentheses and spaces.
fn parse_start(stat: &[u8]) -> Option<u64> {
    let end_of_name = stat.iter().rposition(|byte| *byte == b')')?;
    let field =
        stat[end_of_name + 1..].split(|byte| *byte == b' ').filter(|field| !field.is_empty()).nth(19)?;
    str::from_utf8(field).ok()?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_start_with_spaces_in_command_name_returns_field_22() {
        let stat = b"7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n";
        assert_eq!(parse_start(stat), Some(4711));
        assert_eq!((parse_start(b"7 (a) S 1"), parse_start(b"")), (None, None));
    }

    #[test]
    fn start_time_of_own_process_is_before_now() {
        let started = start_time(Pid::current()).expect("/proc");
        assert!(started <= crate::time::since_boot());
    }
}
