//! Unix sockets, as `/proc/net/unix` lists them (proc_pid_net(5)).

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use nix::errno::Errno;

use crate::name::{ObjectName, SocketName};
use crate::object::{Reason, State};

/// The sockets of this network namespace that have a name, with their inode numbers.
///
/// Accepted connections have the name of their listener.
pub(crate) fn bound() -> io::Result<BTreeMap<SocketName, Vec<u64>>> {
    let mut found: BTreeMap<SocketName, Vec<u64>> = BTreeMap::new();
    for line in std::fs::read("/proc/net/unix")?.split(|byte| *byte == b'\n').skip(1) {
        if let Some((name, inode)) = parse(line) {
            found.entry(name).or_default().push(inode);
        }
    }
    Ok(found)
}

/// Parses `slot: references protocol flags type state inode name`. A name with a line end is cut.
fn parse(line: &[u8]) -> Option<(SocketName, u64)> {
    let mut fields = line.splitn(2, |byte| *byte == b':');
    let slot = fields.next()?;
    if slot.is_empty() || !slot.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut rest = fields.next()?.trim_ascii_start();
    let mut inode = None;
    // References, protocol, flags, type, state and inode.
    for field in 0..6 {
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        if field == 5 {
            inode = str::from_utf8(&rest[..end]).ok()?.parse().ok();
        }
        rest = &rest[end..];
        // The name follows one space and may begin with others.
        rest = if field == 5 { rest.strip_prefix(b" ").unwrap_or(rest) } else { rest.trim_ascii_start() };
    }
    let name = match rest.first()? {
        // The kernel prints NUL bytes of the name as `@`.
        b'@' => SocketName::Abstract(rest[1..].to_vec()),
        b'/' => SocketName::Path(Path::new(std::ffi::OsStr::from_bytes(rest)).to_owned()),
        _ => return None,
    };
    Some((name, inode?))
}

/// How old a file without a socket must be. The kernel makes the file of a socket first, and binds
/// the socket to it in the same call.
const SETTLED_SECONDS: u64 = 10;

/// Asks the kernel whether a socket is bound to the file, in whatever namespace: a datagram socket
/// tries to connect, which sends nothing. Only `ECONNREFUSED` means that there is none.
pub(crate) fn prove(path: &Path, idle_seconds: u64) -> State {
    let Ok(probe) = UnixDatagram::unbound() else { return State::Unknown(Reason::NotCounted) };
    // A full queue of connections does not block a datagram socket.
    let outcome = probe.connect(path).map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(0)));
    match outcome {
        Err(Errno::ECONNREFUSED) if idle_seconds < SETTLED_SECONDS => State::Unknown(Reason::New),
        Err(Errno::ECONNREFUSED) => State::Dead,
        // It is of another type, or has a peer already.
        Ok(()) | Err(Errno::EPROTOTYPE | Errno::EPERM) => State::Live,
        Err(Errno::EACCES) => State::Unknown(Reason::NeedsRoot),
        Err(_) => State::Unknown(Reason::Changed),
    }
}

/// The name of the object.
pub(crate) fn name(socket: &SocketName) -> ObjectName {
    ObjectName::Socket(socket.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_of_lines_finds_names_and_inodes() {
        let path = |path: &str| SocketName::Path(path.into());
        for (line, expected) in [
            (
                "00000000f1f1f1f1: 00000002 00000000 00010000 0001 01   21 /run/x y",
                Some((path("/run/x y"), 21)),
            ),
            ("0000000000000000: 00000003 00000000 00000000 0002 01 12345 /", Some((path("/"), 12345))),
            (
                "0000000000000000: 00000002 00000000 00010000 0001 01 7 @a@",
                Some((SocketName::Abstract(b"a@".to_vec()), 7)),
            ),
            ("0000000000000000: 00000002 00000000 00010000 0001 01 7", None),
            ("0000000000000000: 00000002 00000000 00010000 0001 01 7 relative", None),
            ("second line of a name", None),
            ("", None),
        ] {
            assert_eq!(parse(line.as_bytes()), expected, "{line}");
        }
    }
}
