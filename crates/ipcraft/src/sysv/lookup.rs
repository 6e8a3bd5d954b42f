//! Objects by their place in the kernel's table, for which no right to read is needed.

use libc::c_int;
use nix::errno::Errno;

use crate::error::{Error, Result};

/// The low bits of an identifier are the index in the table: 15, or 24 if the machine was booted
/// with `ipcmni_extend` (Linux, ipc/util.h).
const INDEX_BITS: [u32; 2] = [15, 24];

/// `*_STAT_ANY`: the identifier and the status of the object at an index.
pub(crate) type StatAny<T> = fn(c_int) -> nix::Result<(c_int, T)>;

/// Returns the status of an object. Where `IPC_STAT` is refused for lack of the right to read, the
/// table is asked, which needs no right (Linux 4.17).
pub(crate) fn status<T>(id: c_int, stat: fn(c_int) -> nix::Result<T>, any: StatAny<T>) -> nix::Result<T> {
    match stat(id) {
        Err(Errno::EACCES) => status_any(id, any),
        other => other,
    }
}

fn status_any<T>(id: c_int, any: StatAny<T>) -> nix::Result<T> {
    let found = INDEX_BITS.into_iter().find_map(|bits| match any(id & ((1 << bits) - 1)) {
        Ok((found, status)) if found == id => Some(status),
        _ => None,
    });
    found.ok_or(Errno::EACCES)
}

/// An object in the table of an IPC namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableEntry<S> {
    /// The place in the kernel's table.
    pub index: usize,
    /// The identifier, with which `from_id` opens the object.
    pub id: i32,
    /// Key, owner, mode and contents.
    pub statistics: S,
}

/// Returns the objects up to the index `highest`, which `*_INFO` returned.
pub(crate) fn table<T, S: for<'a> From<&'a T>>(
    operation: &'static str,
    highest: c_int,
    any: StatAny<T>,
) -> Result<Vec<TableEntry<S>>> {
    let entry = |index| match any(index) {
        Ok((id, status)) => Some(Ok(TableEntry { index: index as usize, id, statistics: S::from(&status) })),
        // Nothing is there, or not any more.
        Err(Errno::EINVAL | Errno::EIDRM) => None,
        Err(e) => Some(Err(Error::from_errno(operation, e))),
    };
    (0..=highest).filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreadable(_: c_int) -> nix::Result<u32> {
        Err(Errno::EACCES)
    }

    /// A table with the object 0x1234_0007 at index 7, or at index 0x34_0007 if it is extended.
    fn any<const INDEX: c_int>(index: c_int) -> nix::Result<(c_int, u32)> {
        if index == INDEX { Ok((0x1234_0007, 5)) } else { Err(Errno::EINVAL) }
    }

    #[test]
    fn unreadable_object_is_found_by_its_index() {
        assert_eq!(status(0x1234_0007, unreadable, any::<7>), Ok(5));
        assert_eq!(status(0x1234_0007, unreadable, any::<0x34_0007>), Ok(5));
        assert_eq!(status(0x1235_0007, unreadable, any::<7>), Err(Errno::EACCES), "another object");
        assert_eq!(status(7, |_| Err::<u32, _>(Errno::EIDRM), any::<7>), Err(Errno::EIDRM));
    }

    #[test]
    fn table_leaves_out_empty_places_and_reports_other_errors() {
        let found = table::<u32, Copied>("msgctl", 9, any::<7>).unwrap();
        let entry = TableEntry { index: 7, id: 0x1234_0007, statistics: Copied(5) };
        assert_eq!(found, [entry]);
        assert!(table::<u32, Copied>("msgctl", 0, |_| Err(Errno::ENOSYS)).is_err());
    }

    #[derive(Debug, PartialEq)]
    struct Copied(u32);

    impl From<&u32> for Copied {
        fn from(number: &u32) -> Self {
            Copied(*number)
        }
    }
}
