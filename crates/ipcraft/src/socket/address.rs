//! Where a socket is: a path, an abstract name, or nowhere.

use std::ffi::OsStr;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Limit, Result};
use crate::name;
use crate::sys::sockaddr::{NAME_MAX, SocketAddress};

/// `sockaddr_un`: the address of a Unix socket (unix(7)).
///
/// * A **path** is a file of type socket; whoever may write to that file may connect. It stays when the socket is
///   closed.
/// * An **abstract name** is any bytes; it exists only in the network namespace, without permissions, and goes with the
///   socket. Any user can take any free one: ask whom you talk to for its credentials.
/// * **Unnamed** is what the two ends of a pair are, and a client that was not bound.
///
/// A path or name holds at most 107 bytes. (Linux also takes a path of 108, which leaves no room for the NUL that most
/// programs expect; this library shows such an address but does not make one.) The length is checked when the address
/// is used. For a longer path, change the working directory, or go through `/proc/self/fd/N/name` with a descriptor of
/// the directory.
///
/// ```
/// use ipcraft::socket::Address;
///
/// assert_eq!(Address::from("/run/jobs.sock").to_string(), "/run/jobs.sock");
/// assert_eq!(Address::abstract_name("jobs\n").to_string(), "@jobs\\n");
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "sockaddr_un")]
pub struct Address(Form);

#[derive(Clone, Debug)]
enum Form {
    Kernel(SocketAddress),
    /// What the kernel cannot be asked for; kept to say so when the address is used.
    BadPath(PathBuf),
    BadName(Box<[u8]>),
}

impl Address {
    /// A name in the abstract namespace, without the leading NUL byte that marks it for the kernel.
    pub fn abstract_name(name: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        Address(SocketAddress::abstract_name(name).map_or_else(|| Form::BadName(name.into()), Form::Kernel))
    }

    /// No name. To [bind](super::Options) to it is to ask for any free abstract name (unix(7), autobind).
    pub fn unnamed() -> Self {
        Address(Form::Kernel(SocketAddress::unnamed()))
    }

    /// The path, if it is one.
    pub fn as_path(&self) -> Option<&Path> {
        match &self.0 {
            Form::Kernel(address) => match address.name() {
                [] | [0, ..] => None,
                [path @ .., 0] | path => Some(Path::new(OsStr::from_bytes(path))),
            },
            Form::BadPath(path) => Some(path),
            Form::BadName(_) => None,
        }
    }

    /// The abstract name, without the NUL byte in front, if it is one.
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Kernel(address) => address.name().strip_prefix(&[0]),
            Form::BadPath(_) => None,
            Form::BadName(name) => Some(name),
        }
    }

    /// Whether it is neither.
    pub fn is_unnamed(&self) -> bool {
        matches!(&self.0, Form::Kernel(address) if address.name().is_empty())
    }

    pub(super) fn of(address: SocketAddress) -> Self {
        Address(Form::Kernel(address))
    }

    /// The address as the kernel takes it, or why there is none.
    pub(super) fn checked(&self, operation: &'static str) -> Result<&SocketAddress> {
        match &self.0 {
            Form::Kernel(address) => Ok(address),
            Form::BadPath(path) => {
                name::check_path(operation, path)?;
                Err(self.too_long(operation, path.as_os_str().len()))
            }
            Form::BadName(name) => Err(self.too_long(operation, name.len())),
        }
    }

    fn too_long(&self, operation: &'static str, length: usize) -> Error {
        let limit = Limit { name: "sun_path", value: NAME_MAX as u64, requested: Some(length as u64) };
        Error::new(operation, ErrorKind::InvalidName).with_name(self.to_string()).with_limit(Some(limit))
    }

    /// Names the address in the error of a call, unless the call would then allocate for an ordinary answer.
    #[cold]
    pub(super) fn blame(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Full | ErrorKind::Empty | ErrorKind::TimedOut => error,
            _ => error.with_name(self.to_string()),
        }
    }

    fn parts(&self) -> (Option<&Path>, Option<&[u8]>) {
        (self.as_path(), self.as_abstract_name())
    }
}

/// A path as it is, an abstract name as `@name` with unprintable bytes escaped, or `(unnamed)`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (Some(path), _) => write!(f, "{}", path.display()),
            (_, Some(name)) => write!(f, "@{}", name.escape_ascii()),
            _ => f.write_str("(unnamed)"),
        }
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        let bytes = path.as_os_str().as_bytes();
        Address(SocketAddress::path(bytes).map_or_else(|| Form::BadPath(path.into()), Form::Kernel))
    }
}

impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<&PathBuf> for Address {
    fn from(path: &PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<&str> for Address {
    /// The path of this text: `@` in front means nothing special here.
    fn from(path: &str) -> Self {
        Path::new(path).into()
    }
}

impl From<String> for Address {
    fn from(path: String) -> Self {
        path.as_str().into()
    }
}

impl From<&String> for Address {
    fn from(path: &String) -> Self {
        path.as_str().into()
    }
}

impl From<&Address> for Address {
    fn from(address: &Address) -> Self {
        address.clone()
    }
}

impl From<net::SocketAddr> for Address {
    fn from(address: net::SocketAddr) -> Self {
        match (address.as_pathname(), address.as_abstract_name()) {
            (Some(path), _) => path.into(),
            (_, Some(name)) => Address::abstract_name(name),
            _ => Address::unnamed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_shows_itself_and_no_other() {
        let path = Address::from("/a");
        assert_eq!(
            (path.as_path(), path.as_abstract_name(), path.is_unnamed()),
            (Some(Path::new("/a")), None, false)
        );
        let name = Address::abstract_name(b"\0x");
        assert_eq!(
            (name.as_path(), name.as_abstract_name(), name.is_unnamed()),
            (None, Some(&b"\0x"[..]), false)
        );
        assert!(Address::unnamed().is_unnamed());
        assert_eq!(name.to_string(), "@\\x00x");
        assert_ne!(path, Address::abstract_name("/a"));
    }

    #[test]
    fn a_path_too_long_is_refused_with_the_limit() {
        let address = Address::from("x".repeat(108));
        let error = address.checked("bind").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidName);
        assert_eq!(error.limit(), Some(&Limit { name: "sun_path", value: 107, requested: Some(108) }));
        assert!(Address::from("x".repeat(107)).checked("bind").is_ok());
        assert!(Address::abstract_name([0; 108]).checked("bind").is_err());
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in ["", "a\0b"] {
            assert_eq!(Address::from(bad).checked("bind").unwrap_err().kind(), ErrorKind::InvalidName);
        }
    }

    #[test]
    fn addresses_of_std_are_taken_over() {
        let named = net::SocketAddr::from_abstract_name("x").unwrap();
        assert_eq!(Address::from(named), Address::abstract_name("x"));
        let path = net::SocketAddr::from_pathname("/a").unwrap();
        assert_eq!(Address::from(path), Address::from("/a"));
    }
}
