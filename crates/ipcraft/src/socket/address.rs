//! Addresses of sockets: a path, an abstract name, or none.

use std::ffi::{CStr, OsStr, OsString};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{self, OFlag};
use nix::sys::stat::Mode;

use crate::error::{Error, ErrorKind, Limit, Result};
use crate::name;
use crate::support::{limits, proc_fd};
use crate::sys::retry;
use crate::sys::sockaddr::{NAME_MAX, SocketAddress};

/// `sockaddr_un`: the address of a Unix socket (unix(7)).
///
/// * A **path** is a file of type socket. A process with write permission on the file may connect.
///   The file stays when the socket is closed.
/// * An **abstract name** is any sequence of bytes. It exists only in the network namespace, has no
///   permissions, and disappears with the socket. Any user can take any free one, so check the
///   credentials of the peer.
/// * The two ends of a pair, and a client that was not bound, are **unnamed**.
///
/// An abstract name holds at most 107 bytes; the length is checked when the address is used. A path
/// may be longer: the library then opens its directory, or to connect its file, and passes the
/// kernel a path below `/proc/self/fd`. This needs /proc and costs two system calls per use. The
/// last name of a path to bind holds about 80 bytes then. Peers see the short path as the address.
///
/// Linux also accepts a path of 108 bytes, which leaves no room for the NUL that most programs
/// expect; this library displays such an address.
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
    /// A path that is too long for the kernel's form, or empty, or has a NUL byte.
    Path(PathBuf),
    /// A name that is too long; the error is reported when the address is used.
    BadName(Box<[u8]>),
}

impl Address {
    /// A name in the abstract namespace, given without the leading NUL byte.
    pub fn abstract_name(name: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        Address(SocketAddress::abstract_name(name).map_or_else(|| Form::BadName(name.into()), Form::Kernel))
    }

    /// No name. [Binding](super::Options) to it takes any free abstract name (unix(7), autobind).
    pub fn unnamed() -> Self {
        Address(Form::Kernel(SocketAddress::unnamed()))
    }

    /// Returns the path, if the address is one.
    pub fn as_path(&self) -> Option<&Path> {
        match &self.0 {
            Form::Kernel(address) => match address.name() {
                [] | [0, ..] => None,
                [path @ .., 0] | path => Some(Path::new(OsStr::from_bytes(path))),
            },
            Form::Path(path) => Some(path),
            Form::BadName(_) => None,
        }
    }

    /// Returns the abstract name without its leading NUL byte, if the address is one.
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Kernel(address) => address.name().strip_prefix(&[0]),
            Form::Path(_) => None,
            Form::BadName(name) => Some(name),
        }
    }

    /// Returns whether the address is neither a path nor an abstract name.
    pub fn is_unnamed(&self) -> bool {
        matches!(&self.0, Form::Kernel(address) if address.name().is_empty())
    }

    pub(super) fn of(address: SocketAddress) -> Self {
        Address(Form::Kernel(address))
    }

    /// The address in the kernel's form, if it has one.
    pub(super) fn kernel_form(&self) -> Option<&SocketAddress> {
        match &self.0 {
            Form::Kernel(address) => Some(address),
            Form::Path(_) | Form::BadName(_) => None,
        }
    }

    /// Passes the address to a `call` that finds a socket by it.
    #[inline]
    pub(super) fn find<T>(
        &self,
        operation: &'static str,
        call: impl FnOnce(&SocketAddress) -> T,
    ) -> Result<T> {
        match &self.0 {
            Form::Kernel(address) => Ok(call(address)),
            _ => self.open(operation).map(|(_held, address)| call(&address)),
        }
    }

    /// Opens the file of a long path, and returns the short path that leads to it meanwhile.
    #[cold]
    fn open(&self, operation: &'static str) -> Result<(OwnedFd, SocketAddress)> {
        let Form::Path(path) = &self.0 else { return Err(self.too_long(operation, Errno::ENAMETOOLONG)) };
        name::check_path(operation, path)?;
        let file = retry(|| fcntl::open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()))
            .map_err(|e| self.name_in(Error::from_errno(operation, e).with_limit(limits::descriptors(e))))?;
        match proc_fd::checked_path(file.as_fd()).map(|short| SocketAddress::path(short.as_bytes())) {
            Ok(Some(address)) => Ok((file, address)),
            _ => Err(self.too_long(operation, Errno::ENOSYS)),
        }
    }

    /// The error for an address without a form that the kernel takes: `ENOSYS` if that is for lack
    /// of /proc.
    #[cold]
    pub(super) fn too_long(&self, operation: &'static str, errno: Errno) -> Error {
        let length = match &self.0 {
            Form::Kernel(address) => address.name().len(),
            Form::Path(path) => path.as_os_str().len(),
            Form::BadName(name) => name.len(),
        };
        let limit = Limit { name: "sun_path", value: NAME_MAX as u64, requested: Some(length as u64) };
        Error::new(operation, ErrorKind::InvalidName)
            .with_name(self.to_string())
            .with_limit(Some(limit))
            .with_hint(match errno {
                Errno::ENOSYS => "mount /proc, or use a shorter path",
                _ => "use a shorter name",
            })
    }

    /// Adds the address to the error of a call. Errors that are ordinary results stay without,
    /// since the text would be allocated.
    #[cold]
    pub(super) fn name_in(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Full | ErrorKind::Empty | ErrorKind::TimedOut => error,
            _ => error.with_name(self.to_string()),
        }
    }

    fn parts(&self) -> (Option<&Path>, Option<&[u8]>) {
        (self.as_path(), self.as_abstract_name())
    }
}

/// The address of a `name` in a directory whose path is too long. It is below /proc, and valid
/// while the directory is open.
///
/// Fails with `ENOSYS` without /proc, and with `ENAMETOOLONG` if the name alone is too long.
pub(super) fn below(directory: BorrowedFd<'_>, name: &CStr) -> nix::Result<SocketAddress> {
    let directory = proc_fd::checked_path(directory)?;
    let path = [directory.as_bytes(), b"/", name.to_bytes()].concat();
    SocketAddress::path(&path).ok_or(Errno::ENAMETOOLONG)
}

/// Writes a path unchanged, an abstract name as `@name` with unprintable bytes escaped, or
/// `(unnamed)`.
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
        Address(SocketAddress::path(bytes).map_or_else(|| Form::Path(path.into()), Form::Kernel))
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

impl From<&OsStr> for Address {
    fn from(path: &OsStr) -> Self {
        Path::new(path).into()
    }
}

impl From<OsString> for Address {
    fn from(path: OsString) -> Self {
        path.as_os_str().into()
    }
}

impl From<&str> for Address {
    /// The path of this text. A leading `@` has no special meaning.
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
    fn accessors_return_only_the_form_of_the_address() {
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
    fn find_with_a_long_name_returns_invalid_name_and_the_limit() {
        let error = Address::abstract_name([0; 108]).find("bind", |_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidName);
        assert_eq!(error.limit(), Some(&Limit { name: "sun_path", value: 107, requested: Some(108) }));
        assert!(Address::from("x".repeat(107)).kernel_form().is_some());
        assert!(Address::from("x".repeat(108)).kernel_form().is_none());
    }

    #[test]
    fn find_with_empty_or_nul_path_returns_invalid_name() {
        for bad in ["", "a\0b"] {
            assert_eq!(Address::from(bad).find("bind", |_| ()).unwrap_err().kind(), ErrorKind::InvalidName);
        }
    }

    #[test]
    fn from_std_address_keeps_path_and_abstract_name() {
        let named = net::SocketAddr::from_abstract_name("x").unwrap();
        assert_eq!(Address::from(named), Address::abstract_name("x"));
        let path = net::SocketAddr::from_pathname("/a").unwrap();
        assert_eq!(Address::from(path), Address::from("/a"));
    }
}
