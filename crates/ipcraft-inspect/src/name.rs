//! Names of objects: one scheme for every kind.
//!
//! | name | object |
//! |---|---|
//! | `chan:/ticks` | a channel of the library, in shared memory of this name |
//! | `shm:/x` | POSIX shared memory, or any other file in `/dev/shm` |
//! | `sem:/x` | a POSIX semaphore |
//! | `mq:/x` | a POSIX message queue |
//! | `sysv-mq:0x6a6f6273`, `sysv-mq:#3` | a System V queue, by its key or by its identifier |
//! | `sysv-shm:…`, `sysv-sem:…` | a System V segment, a System V set of semaphores |
//! | `fifo:/run/jobs` | a FIFO |
//! | `sock:/run/server`, `sock:@bus` | a Unix socket, by its path or by its abstract name |
//! | `pid:4711` | a process |
//!
//! Printing [escapes](crate::escape) what does not print, and parsing undoes that, so what was
//! printed can be copied.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ipcraft::Pid;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::escape::{escape, unescape};

/// The kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A channel of the library.
    Channel,
    /// POSIX shared memory.
    SharedMemory,
    /// A POSIX semaphore.
    Semaphore,
    /// A POSIX message queue.
    Queue,
    /// A System V message queue.
    SysvQueue,
    /// A System V segment of shared memory.
    SysvSharedMemory,
    /// A System V set of semaphores.
    SysvSemaphore,
    /// A FIFO.
    Fifo,
    /// A Unix socket.
    Socket,
    /// A process, which can be asked about and is never listed.
    Process,
}

impl Kind {
    /// Every kind of object that is listed, in the order of a listing.
    pub const LISTED: [Kind; 9] = [
        Kind::Channel,
        Kind::SharedMemory,
        Kind::Semaphore,
        Kind::Queue,
        Kind::SysvQueue,
        Kind::SysvSharedMemory,
        Kind::SysvSemaphore,
        Kind::Fifo,
        Kind::Socket,
    ];

    /// The word before the colon of a name.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Channel => "chan",
            Kind::SharedMemory => "shm",
            Kind::Semaphore => "sem",
            Kind::Queue => "mq",
            Kind::SysvQueue => "sysv-mq",
            Kind::SysvSharedMemory => "sysv-shm",
            Kind::SysvSemaphore => "sysv-sem",
            Kind::Fifo => "fifo",
            Kind::Socket => "sock",
            Kind::Process => "pid",
        }
    }

    /// What a name of this kind consists of after the colon.
    const fn form(self) -> &'static str {
        match self {
            Kind::Channel | Kind::SharedMemory | Kind::Semaphore | Kind::Queue => {
                "one slash and a name, such as /jobs"
            }
            Kind::SysvQueue | Kind::SysvSharedMemory | Kind::SysvSemaphore => {
                "a key such as 0x6a6f6273, or an identifier such as #3"
            }
            Kind::Fifo => "an absolute path, such as /run/jobs",
            Kind::Socket => "an absolute path such as /run/server, or an abstract name such as @bus",
            Kind::Process => "a number from 1 to 2147483647",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl FromStr for Kind {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Kind, NameError> {
        let mut kinds = Kind::LISTED.into_iter().chain([Kind::Process]);
        kinds.find(|kind| kind.word() == text).ok_or_else(|| NameError::UnknownKind(escape(text.as_bytes())))
    }
}

/// How a System V object is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SysvName {
    /// By its key, which is not 0.
    Key(i32),
    /// By its identifier.
    Id(i32),
}

/// How a Unix socket is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SocketName {
    /// By an absolute path.
    Path(PathBuf),
    /// By the bytes of its abstract name, without the leading NUL byte.
    Abstract(Vec<u8>),
}

/// The name of an object.
///
/// ```
/// use ipcraft_inspect::{Kind, ObjectName};
///
/// let name: ObjectName = "sysv-mq:0x6a6f6273".parse()?;
/// assert_eq!(name.kind(), Kind::SysvQueue);
/// assert_eq!(name.to_string(), "sysv-mq:0x6a6f6273");
/// let error = "queue:/jobs".parse::<ObjectName>().unwrap_err();
/// assert!(error.to_string().contains("chan, shm, sem, mq"));
/// # Ok::<(), ipcraft_inspect::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ObjectName {
    /// `chan:/ticks`; the name begins with the only slash in it.
    Channel(OsString),
    /// `shm:/x`; the name begins with the only slash in it.
    SharedMemory(OsString),
    /// `sem:/x`; the name begins with the only slash in it.
    Semaphore(OsString),
    /// `mq:/x`; the name begins with the only slash in it.
    Queue(OsString),
    /// `sysv-mq:0x6a6f6273`, `sysv-mq:#3`
    SysvQueue(SysvName),
    /// `sysv-shm:0x6a6f6273`, `sysv-shm:#3`
    SysvSharedMemory(SysvName),
    /// `sysv-sem:0x6a6f6273`, `sysv-sem:#3`
    SysvSemaphore(SysvName),
    /// `fifo:/run/jobs`
    Fifo(PathBuf),
    /// `sock:/run/server`, `sock:@bus`
    Socket(SocketName),
    /// `pid:4711`
    Process(Pid),
}

impl ObjectName {
    /// Returns the kind.
    pub fn kind(&self) -> Kind {
        match self {
            ObjectName::Channel(_) => Kind::Channel,
            ObjectName::SharedMemory(_) => Kind::SharedMemory,
            ObjectName::Semaphore(_) => Kind::Semaphore,
            ObjectName::Queue(_) => Kind::Queue,
            ObjectName::SysvQueue(_) => Kind::SysvQueue,
            ObjectName::SysvSharedMemory(_) => Kind::SysvSharedMemory,
            ObjectName::SysvSemaphore(_) => Kind::SysvSemaphore,
            ObjectName::Fifo(_) => Kind::Fifo,
            ObjectName::Socket(_) => Kind::Socket,
            ObjectName::Process(_) => Kind::Process,
        }
    }

    /// Returns the POSIX name with its slash, if the object has one.
    pub fn posix_name(&self) -> Option<&OsStr> {
        match self {
            ObjectName::Channel(name)
            | ObjectName::SharedMemory(name)
            | ObjectName::Semaphore(name)
            | ObjectName::Queue(name) => Some(name),
            _ => None,
        }
    }

    /// Returns key or identifier, if it is a System V object.
    pub fn sysv_name(&self) -> Option<SysvName> {
        match self {
            ObjectName::SysvQueue(name)
            | ObjectName::SysvSharedMemory(name)
            | ObjectName::SysvSemaphore(name) => Some(*name),
            _ => None,
        }
    }

    /// Returns the path, if it is a FIFO or a socket with one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            ObjectName::Fifo(path) | ObjectName::Socket(SocketName::Path(path)) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = match self {
            ObjectName::Socket(SocketName::Abstract(name)) => format!("@{}", escape(name)),
            ObjectName::Process(pid) => pid.to_string(),
            other => match (other.posix_name(), other.sysv_name(), other.path()) {
                (Some(name), ..) => escape(name.as_bytes()),
                (_, Some(SysvName::Key(key)), _) => format!("{key:#010x}"),
                (_, Some(SysvName::Id(id)), _) => format!("#{id}"),
                (.., path) => escape(path.map_or(b"", |path| path.as_os_str().as_bytes())),
            },
        };
        f.pad(&format!("{}:{rest}", self.kind()))
    }
}

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text has no colon.
    #[error("`{0}` has no kind: write KIND:NAME, where KIND is one of {choices}", choices = all_words())]
    NoKind(String),
    /// The word before the colon is no kind.
    #[error("unknown kind `{0}`: use one of {choices}", choices = all_words())]
    UnknownKind(String),
    /// What follows the colon does not name an object of this kind.
    #[error("`{name}` names no object: {kind}: is followed by {}", .kind.form())]
    BadName {
        /// The kind before the colon.
        kind: Kind,
        /// The text, escaped.
        name: String,
    },
    /// A backslash begins no escape.
    #[error("`{0}` has a backslash that begins no escape: write \\\\ for a backslash, \\xHH for a byte")]
    BadEscape(String),
}

fn all_words() -> String {
    let words: Vec<&str> = Kind::LISTED.into_iter().chain([Kind::Process]).map(Kind::word).collect();
    words.join(", ")
}

impl FromStr for ObjectName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<ObjectName, NameError> {
        let shown = || escape(text.as_bytes());
        let (word, rest) = text.split_once(':').ok_or_else(|| NameError::NoKind(shown()))?;
        let kind: Kind = word.parse()?;
        let bytes = unescape(rest).ok_or_else(|| NameError::BadEscape(shown()))?;
        parse(kind, bytes).ok_or_else(|| NameError::BadName { kind, name: shown() })
    }
}

/// The name of this kind that consists of these bytes.
fn parse(kind: Kind, bytes: Vec<u8>) -> Option<ObjectName> {
    let posix = |bytes| is_posix_name(bytes).then(|| OsStr::from_bytes(bytes).to_owned());
    let text = || str::from_utf8(&bytes).ok();
    Some(match kind {
        Kind::Channel => ObjectName::Channel(posix(&bytes)?),
        Kind::SharedMemory => ObjectName::SharedMemory(posix(&bytes)?),
        Kind::Semaphore => ObjectName::Semaphore(posix(&bytes)?),
        Kind::Queue => ObjectName::Queue(posix(&bytes)?),
        Kind::SysvQueue => ObjectName::SysvQueue(parse_sysv(text()?)?),
        Kind::SysvSharedMemory => ObjectName::SysvSharedMemory(parse_sysv(text()?)?),
        Kind::SysvSemaphore => ObjectName::SysvSemaphore(parse_sysv(text()?)?),
        Kind::Fifo => ObjectName::Fifo(path(bytes)?),
        Kind::Socket if bytes.starts_with(b"@") => {
            ObjectName::Socket(SocketName::Abstract(bytes[1..].to_vec()))
        }
        Kind::Socket => ObjectName::Socket(SocketName::Path(path(bytes)?)),
        Kind::Process => ObjectName::Process(text()?.parse().ok()?),
    })
}

/// Whether it is one component behind one slash.
fn is_posix_name(bytes: &[u8]) -> bool {
    let Some(body) = bytes.strip_prefix(b"/") else { return false };
    !matches!(body, b"" | b"." | b"..") && !body.iter().any(|byte| b"/\0".contains(byte))
}

fn path(bytes: Vec<u8>) -> Option<PathBuf> {
    let is_path = bytes.starts_with(b"/") && bytes.len() > 1 && !bytes.contains(&0);
    is_path.then(|| PathBuf::from(OsString::from_vec(bytes)))
}

fn parse_sysv(text: &str) -> Option<SysvName> {
    let are = |digits: &str, radix| digits.chars().all(|digit| digit.is_digit(radix));
    if let Some(digits) = text.strip_prefix("0x").filter(|digits| are(digits, 16)) {
        let key = u32::from_str_radix(digits, 16).ok()?.cast_signed();
        return (key != 0).then_some(SysvName::Key(key));
    }
    let digits = text.strip_prefix('#').filter(|digits| are(digits, 10))?;
    digits.parse().ok().map(SysvName::Id)
}

/// Serialises as it is displayed.
impl Serialize for ObjectName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ObjectName, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
