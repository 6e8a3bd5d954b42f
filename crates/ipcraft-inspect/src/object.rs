//! What is known of one object.

use std::time::SystemTime;

use serde::{Serialize, Serializer};

use crate::channels::ChannelDetails;
use crate::identity::Identity;
use crate::name::{Kind, ObjectName};
use crate::process::Process;
use crate::scan::Holder;

/// An object of this machine, as it was when it was read.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Object {
    /// Its name.
    pub name: ObjectName,
    /// Its kind.
    pub kind: Kind,
    /// What is known of its contents: the kind of a channel, or that it is a value of the library.
    pub contents: Option<&'static str>,
    /// What identifies it whatever its name.
    pub identity: Identity,
    /// Its size in bytes; for a System V set, the number of semaphores.
    pub size: Option<u64>,
    /// The messages in it, or the values of its semaphores.
    pub queued: Option<Queued>,
    /// The user that owns it.
    pub uid: u32,
    /// The group that owns it.
    pub gid: u32,
    /// Its permission bits.
    pub mode: u32,
    /// When it was last changed or used, as far as the kernel records that, in seconds since 1970.
    pub changed: i64,
    /// The process that made it, as far as the kernel records that.
    pub maker: Option<Maker>,
    /// The processes that hold it, as far as they are visible.
    pub holders: Vec<Holder>,
    /// What is inside, if it is a channel that may be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelDetails>,
    /// Whether any process holds it.
    pub state: State,
}

impl Object {
    /// Returns for how many seconds the object was neither changed nor used, as far as recorded.
    pub fn idle_seconds(&self) -> u64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs());
        now.saturating_sub(u64::try_from(self.changed).unwrap_or(0))
    }
}

/// What waits in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Queued {
    /// The number of messages, or the value of the only semaphore.
    pub count: u64,
    /// How many there can be.
    pub capacity: Option<u64>,
    /// Their bytes.
    pub bytes: Option<u64>,
}

/// The process that made an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Maker {
    /// Its id, which may have been given to another process since.
    pub pid: u32,
    /// The process, if it still runs and is visible.
    pub process: Option<Process>,
}

/// Whether any process holds an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// A process holds it, or is known to use it.
    Live,
    /// It was proved that no process holds it: see [the proof](crate#what-dead-means).
    Dead,
    /// Neither is known.
    Unknown(Reason),
}

/// Why it is not known whether any process holds an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Only its owner and root can find out.
    NeedsRoot,
    /// This kernel, or the file system, does not count all holders of a file.
    NotCounted,
    /// Any process that knows the identifier can use it, and none holds it.
    Unattached,
    /// The process that made it, or used it last, runs.
    UserRuns,
    /// The process that made it is in another pid namespace.
    MakerInvisible,
    /// It is younger than the time that it may take to be completed.
    New,
    /// It was replaced while it was read.
    Changed,
}

impl Reason {
    /// Returns the reason in words.
    pub fn text(self) -> &'static str {
        match self {
            Reason::NeedsRoot => "needs root",
            Reason::NotCounted => "not counted here",
            Reason::Unattached => "never attached",
            Reason::UserRuns => "its user runs",
            Reason::MakerInvisible => "made in another pid namespace",
            Reason::New => "new",
            Reason::Changed => "changed meanwhile",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            State::Live => f.pad("live"),
            State::Dead => f.pad("DEAD"),
            State::Unknown(reason) => f.pad(&format!("unknown: {}", reason.text())),
        }
    }
}

/// Serialises as it is displayed.
impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
